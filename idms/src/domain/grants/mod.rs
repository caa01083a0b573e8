//! The way from a password to tokens, and from one refresh token to the next. Dialects differ in how they ask and how
//! they are answered; what happens in between is here.
//!
//! ```text
//! login     client, redirect URI, scopes, challenge, user, password  →  code       idms.code
//! exchange  code, client, redirect URI, verifier                     →  tokens     idms.code spent, idms.refresh begun
//! refresh   refresh token, scopes                                    →  tokens     idms.refresh moved on
//! ```
//!
//! Each is one commit in the partition of the user.

mod exchange;
mod login;
mod refresh;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use csc_store::Records;
use csc_types::{ClientId, Clock, Entropy, McpttId, Partition, Timestamp};
use zeroize::Zeroizing;

use super::claims::Validity;
use super::client::Client;
use super::fault::Fault;
use super::grant::{Family, Grant, Issued};
use super::opaque::ChildKey;
use super::scope::Scopes;
use super::throttle::Throttle;
use super::user::User;
use crate::hashing::Hasher;
use crate::records::{self, client_key, user_key};

pub use exchange::{ExchangeError, ExchangeRequest};
pub use login::{LoginError, LoginRequest};
pub use refresh::{RefreshError, RefreshRequest};
pub use tokens::{ACR_PASSWORD, Tokens};

/// How long the record of a family outlives its last token, so that an expired token is told from an unknown one.
const EXPIRED_KNOWN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long things are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// An authorization code, from login to token request.
    pub code: Duration,
    /// An access token.
    pub access_token: Duration,
    /// An id_token.
    pub id_token: Duration,
    /// A refresh token that is not used.
    pub refresh_token: Duration,
    /// How long a refresh may be repeated.
    pub refresh_grace: Duration,
}

/// Gives tokens to users.
pub struct Grants {
    /// The store.
    pub records: Records,
    /// Dates codes and tokens.
    pub clock: Arc<dyn Clock>,
    /// Makes codes and tokens.
    pub entropy: Arc<dyn Entropy>,
    /// Checks passwords.
    pub hasher: Hasher,
    /// Slows guessing down.
    pub throttle: Throttle,
    /// Writes and signs tokens.
    pub tokens: Tokens,
    /// Derives the next refresh token.
    pub child_key: ChildKey,
    /// How long things are good.
    pub lifetimes: Lifetimes,
}

/// What a token request got.
pub struct Granted {
    /// The access token.
    pub access_token: Zeroizing<String>,
    /// The refresh token that is current now.
    pub refresh_token: Zeroizing<String>,
    /// The id_token, if `openid` was granted and a login was exchanged.
    pub id_token: Option<Zeroizing<String>>,
    /// The lifetime of the access token in seconds.
    pub expires_in: u64,
}

impl Grants {
    /// The client with this id; `None` if there is none.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Client>, Fault> {
        let key = client_key(id);
        let record = self.records.get(Partition::of(id.as_str()), &key).await?;
        Ok(records::read(&key, &record)?)
    }

    async fn user(&self, id: &McpttId) -> Result<Option<User>, Fault> {
        let key = user_key(id);
        let record = self.records.get(Partition::of(id.as_str()), &key).await?;
        Ok(records::read(&key, &record)?)
    }

    /// A new access token's description.
    fn issue(&self, now: Timestamp, scopes: Scopes) -> Issued {
        let mut id = [0; 16];
        self.entropy.fill(&mut id);
        let validity = Validity::starting(now, self.lifetimes.access_token);
        Issued { id: URL_SAFE_NO_PAD.encode(id), validity, scopes }
    }

    /// Until when a refresh token given at `now` may be used, and until when its family is known.
    fn refresh_until(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let usable = now.plus(self.lifetimes.refresh_token);
        (usable, usable.plus(EXPIRED_KNOWN))
    }

    /// Until when the record of `family` is kept.
    fn kept_until(family: &Family) -> Timestamp {
        family.usable_until.plus(EXPIRED_KNOWN)
    }
}

/// Whether `grant` is still worth something: the user is there and enabled, and has no new password since.
fn holds(grant: &Grant, user: Option<&User>) -> bool {
    user.is_some_and(|user| user.profile.enabled && user.session_epoch == grant.session_epoch)
}
