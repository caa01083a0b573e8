//! How a process verifies access tokens: the rules from its configuration, the keys over the bus.

use std::sync::Arc;

use csc_auth::{KeySource, TokenVerifier, VerifierConfig};
use csc_service::bus::Address;
use csc_service::config::Settings;
use csc_service::{ReadyCheck, ServiceParts, Task};
use csc_types::Clock;

/// What makes a token good, apart from who issued it. Keys of the sections `auth` and `scopes`.
#[derive(Clone, Debug)]
pub struct TokenRules {
    audiences: Vec<String>,
    field_compat: bool,
}

/// Sections `auth` and `scopes` of a process that does not hold idms itself.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    rules: TokenRules,
    issuer: String,
    /// `host:port` of each replica of idms on the bus.
    pub(crate) idms: Vec<Address>,
}

const AUTH: &str = "How access tokens are verified.";

impl TokenRules {
    /// Reads the settings.
    pub fn read(settings: &mut Settings) -> Self {
        let audiences = settings.section("auth", AUTH).list(
            "audiences",
            &["mcptt_client"],
            "A token is good when one of these is among its `aud`.",
        );
        let field_compat = settings.section("scopes", "What the scopes of tokens permit.").flag(
            "field_compat",
            false,
            "Lets 3gpp:mcptt:ptt_server stand for the scopes of cms, gms and kms: deployed terminals hold no other.",
        );
        Self { audiences, field_compat }
    }

    /// Verifies tokens of `issuer` with keys from `keys`.
    pub fn verifier(
        self,
        issuer: String,
        keys: Arc<dyn KeySource>,
        clock: Arc<dyn Clock>,
    ) -> Arc<TokenVerifier> {
        let Self { audiences, field_compat } = self;
        Arc::new(TokenVerifier::new(keys, VerifierConfig { issuer, audiences, field_compat }, clock))
    }
}

impl AuthConfig {
    /// Reads the settings.
    pub fn read(settings: &mut Settings) -> Self {
        let rules = TokenRules::read(settings);
        let mut section = settings.section("auth", AUTH);
        let issuer = section.required(
            "issuer",
            "https://csc.example.org:4420",
            "The `iss` of good tokens, octet for octet: idms.issuer of the identity server.",
        );
        let idms: Vec<Address> = section.list(
            "idms",
            &["localhost:4430"],
            "host:port of the identity server on the bus: one for each replica, or a name that stands for all of them.",
        );
        if idms.is_empty() {
            section.mistake("idms", "names no address");
        }
        Self { rules, issuer, idms }
    }

    /// Verifies tokens with keys from `keys`.
    pub(crate) fn verifier(self, keys: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Arc<TokenVerifier> {
        self.rules.verifier(self.issuer, keys, clock)
    }
}

/// Keeps the keys of `verifier` fresh for as long as the process runs, which is not ready before it has some.
pub fn keep_fresh(verifier: Arc<TokenVerifier>) -> ServiceParts {
    let mut parts = ServiceParts::new("auth");
    let known = Arc::clone(&verifier);
    parts.ready.push(ReadyCheck::new("token keys", move || {
        let known = known.has_keys();
        async move { if known { Ok(()) } else { Err(anyhow::anyhow!("idms has not been reached yet")) } }
    }));
    parts.tasks.push(Task::new("token keys", move |shutdown| async move {
        tokio::select! {
            () = verifier.keep_fresh() => {}
            () = shutdown.requested() => {}
        }
        Ok(())
    }));
    parts
}
