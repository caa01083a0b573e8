//! For the tests of services: a store in memory, accounts, tokens, and a client that needs no socket.

#![allow(clippy::unwrap_used, reason = "part of tests only")]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use csc_auth::{KeySource, KeySourceError, TokenVerifier, VerifierConfig};
use csc_proto::event::v1::{AccountChanged, LogEntry, log_entry};
use csc_proto::record::v1::Account;
use csc_proto::record::v1::account::Status;
use csc_service::Metrics;
use csc_service::http::{Body, HttpService, Mount};
use csc_store::departure::{self, KEEPERS};
use csc_store::{Change, Embedded, Records, StoreError, shared};
use csc_types::{Clock, Entropy, McpttId, Partition};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use josekit::jws::alg::ecdsa::EcdsaJwsSigner;
use josekit::jws::{ES256, JwsHeader};
use prost::Message;
use serde_json::json;
use tower::ServiceExt;

/// When tests happen, in seconds of Unix time.
pub const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://idms.example.org";

/// What a service under test stands on.
pub struct Bench {
    /// The clock of everything.
    pub clock: Arc<dyn Clock>,
    /// The randomness of everything.
    pub entropy: Arc<dyn Entropy>,
    /// The store.
    pub records: Records,
    /// Accepts the tokens of [`Bench::token`].
    pub verifier: Arc<TokenVerifier>,
    /// Counts.
    pub metrics: Metrics,
    /// The public key of those tokens, as a JWK set.
    pub jwks: String,
    signer: EcdsaJwsSigner,
}

impl Bench {
    /// A new store in memory. `clock` stands at [`NOW`].
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let store = Arc::new(Embedded::in_memory(Arc::clone(&clock), &*entropy).unwrap());
        let records = Records::new(store, Arc::clone(&entropy));
        let mut pair = ES256.generate_key_pair().unwrap();
        pair.set_key_id(Some("k1"));
        let signer = ES256.signer_from_jwk(&pair.to_jwk_private_key()).unwrap();
        let jwks = json!({"keys": [pair.to_jwk_public_key().as_ref()]}).to_string();
        let keys = Arc::new(Keys(jwks.clone()));
        let verifier = Arc::new(TokenVerifier::new(keys, Self::rules(), Arc::clone(&clock)));
        Self { clock, entropy, records, verifier, metrics: Metrics::new(), jwks, signer }
    }

    /// What the tokens of [`Bench::token`] are held against.
    pub fn rules() -> VerifierConfig {
        VerifierConfig {
            issuer: ISSUER.to_owned(),
            audiences: vec!["mcptt_client".to_owned()],
            field_compat: true,
        }
    }

    /// Makes or changes an account.
    pub async fn account(&self, id: &str, organisation: &str, roles: &[&str], ue_ids: &[&str]) {
        let account = Account {
            organisation: organisation.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            ue_ids: ue_ids.iter().map(|id| (*id).to_owned()).collect(),
            status: Status::Enabled.into(),
            ..Account::default()
        };
        let id: McpttId = id.parse().unwrap();
        let key = shared::account_key(&id);
        let made = self.records.update(Partition::of(id.as_str()), std::slice::from_ref(&key), |_| {
            Ok::<_, StoreError>(Change::nothing(()).put(key.clone(), account.encode_to_vec()))
        });
        made.await.unwrap();
    }

    /// Removes an account, as idms does where every service has been at work.
    pub async fn remove_account(&self, id: &str) {
        let id: McpttId = id.parse().unwrap();
        let entry = LogEntry {
            change: Some(log_entry::Change::Account(AccountChanged { mcptt_id: id.to_string() })),
            ..LogEntry::default()
        };
        let removed =
            self.records.update(Partition::of(id.as_str()), &[], |_| {
                let change = Change::nothing(()).delete(shared::account_key(&id)).log(entry.encode_to_vec());
                Ok::<_, StoreError>(KEEPERS.iter().fold(change, |change, keeper| {
                    change.put(keeper.departure_key(&id), departure::pending())
                }))
            });
        removed.await.unwrap();
    }

    /// An access token of the user `id`, good for an hour and for everything.
    pub fn token(&self, id: &str) -> String {
        let mut header = JwsHeader::new();
        header.set_key_id("k1");
        let claims = json!({
            "iss": ISSUER, "aud": "mcptt_client", "sub": id, "mcptt_id": id, "iat": NOW, "exp": NOW + 3600,
            "scope": ["openid", "3gpp:mcptt:ptt_server"],
        });
        josekit::jws::serialize_compact(claims.to_string().as_bytes(), &header, &self.signer).unwrap()
    }

    /// A client that sends the token of `id` with each request.
    pub fn client(&self, mount: &Mount, id: &str) -> Client {
        Client { service: mount.service.clone(), token: Some(self.token(id)) }
    }
}

struct Keys(String);

#[async_trait]
impl KeySource for Keys {
    async fn jwks(&self) -> Result<String, KeySourceError> {
        Ok(self.0.clone())
    }
}

/// Sends requests to a mounted service.
#[derive(Clone)]
pub struct Client {
    /// What answers.
    pub service: HttpService,
    /// The access token, if any.
    pub token: Option<String>,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The value of a header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The `ETag` as it stands in the header, quotes included.
    pub fn etag(&self) -> String {
        self.header("etag").to_owned()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    /// Sends a request with these headers.
    pub async fn send(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        if let Some(token) = &self.token {
            request = request.header("access_token", token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.into())).unwrap();
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        Answer { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    /// GET.
    pub async fn get(&self, target: &str) -> Answer {
        self.send(Method::GET, target, &[], "").await
    }

    /// PUT of a document.
    pub async fn put(&self, target: &str, media_type: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Method::PUT, target, &[("content-type", media_type)], body).await
    }

    /// DELETE.
    pub async fn delete(&self, target: &str) -> Answer {
        self.send(Method::DELETE, target, &[], "").await
    }
}
