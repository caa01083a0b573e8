//! A KMS on an embedded store, with a clock to move and tokens to hand out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use csc_auth::{KeySource, KeySourceError, TokenVerifier, VerifierConfig};
use csc_kms::root::{self, Kek};
use csc_kms::{BuildError, Config, Deps};
use csc_proto::record::v1::Account;
use csc_proto::record::v1::account::Status;
use csc_sakke::{KeyPeriods, PubAuthKey, PubEncKey, ReceiverSecretKey, SigningPair, Uid};
use csc_service::config::Settings;
use csc_service::http::{Body, HttpService, read_body};
use csc_service::{Metrics, Shutdown, ShutdownTrigger, Task};
use csc_store::{Change, Embedded, Options, Records, Store, shared};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::{Clock, Entropy, McpttId, Partition};
use http::{Request, Response, StatusCode};
use josekit::jwk::alg::ec::{EcCurve, EcKeyPair};
use josekit::jws::{ES256, JwsHeader};
use josekit::jwt::{self, JwtPayload};
use prost::Message;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::accounts::Idms;

pub(crate) const ALEX: &str = "tel:+82571009990";
pub(crate) const KMS_URI: &str = "kms.mcptt.com";
pub(crate) const KEY_SCOPE: &str = "3gpp:mcptt:key_management_server";
/// 2026-11-20, in key period 1655.
pub(crate) const NOW: u64 = 1_795_132_800;

pub(crate) struct Server {
    pub(crate) service: HttpService,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) records: Records,
    pub(crate) metrics: Metrics,
    pub(crate) idms: Idms,
    pub(crate) running: ShutdownTrigger,
    /// What the service does by itself.
    pub(crate) tasks: Vec<JoinHandle<anyhow::Result<()>>>,
    key: EcKeyPair,
    _folder: TempDir,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) head: http::response::Parts,
    pub(crate) body: String,
}

struct Keys(String);

#[async_trait]
impl KeySource for Keys {
    async fn jwks(&self) -> Result<String, KeySourceError> {
        Ok(self.0.clone())
    }
}

impl Server {
    /// A server with default settings but for `settings`, and an account for Alex.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_on(settings, |store| store).await
    }

    /// The same, with something between the service and its store.
    pub(crate) async fn start_on(
        settings: &[(&str, &str)],
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Self {
        Self::try_start(settings, wrap).await.unwrap()
    }

    /// The same, if it can be built.
    pub(crate) async fn try_start(
        settings: &[(&str, &str)],
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Result<Self, BuildError> {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let entropy = Arc::new(SeededEntropy::new(7));
        let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();

        root::create_kek(file("kek").as_ref(), &*entropy).unwrap();
        let kek = Kek::from_key_file(&std::fs::read(file("kek")).unwrap()).unwrap();
        root::create(file("root").as_ref(), KMS_URI, &kek, &*entropy).unwrap();
        let mut environment =
            vec![("CSC_KMS_ROOT".to_owned(), file("root")), ("CSC_KMS_KEK_FILE".to_owned(), file("kek"))];
        environment
            .extend(settings.iter().map(|(key, value)| (format!("CSC_KMS_{key}"), (*value).to_owned())));
        let mut settings = Settings::load(None, environment);
        let config = Config::read(&mut settings.section("kms", "Keys."));
        settings.finish().unwrap();

        let engine =
            Embedded::open(file("store").as_ref(), Options::default(), clock.clone(), &*entropy).unwrap();
        let store = wrap(Arc::new(engine));
        let records = Records::new(store, entropy.clone());
        let mut key = EcKeyPair::generate(EcCurve::P256).unwrap();
        key.set_key_id(Some("key"));
        let jwk = key.to_jwk_public_key();
        let verifier = TokenVerifier::new(
            Arc::new(Keys(json!({ "keys": [jwk.as_ref()] }).to_string())),
            VerifierConfig {
                issuer: "https://idms".to_owned(),
                audiences: vec!["mcptt_client".to_owned()],
                field_compat: false,
            },
            clock.clone(),
        );
        let metrics = Metrics::new();
        let idms = Idms::new(clock.clone());
        let deps = Deps {
            records: records.clone(),
            clock: clock.clone() as Arc<dyn Clock>,
            entropy: entropy as Arc<dyn Entropy>,
            verifier: Arc::new(verifier),
            accounts: Arc::clone(&idms.accounts),
            metrics: metrics.clone(),
        };
        let mut parts = csc_kms::build(&config, deps).await?;
        let mount = parts.mounts.remove(0);
        assert_eq!(mount.segments, ["keymanagement"]);
        let (running, shutdown) = Shutdown::new();
        let run = |task: Task| tokio::spawn((task.run)(shutdown.clone()));
        let tasks = parts.tasks.into_iter().map(run).collect();
        idms.beat().await;
        for ready in &parts.ready {
            (ready.check)().await.unwrap();
        }
        let service = mount.service;
        let server = Self { service, clock, records, metrics, idms, running, tasks, key, _folder: folder };
        server.account(ALEX, |_| {}).await;
        Ok(server)
    }

    /// Lets time pass in which the identity server was heard.
    pub(crate) async fn advance(&self, span: Duration) {
        self.clock.advance(span);
        self.idms.beat().await;
    }

    /// Waits until a gauge has this value.
    pub(crate) async fn gauge(&self, name: &str, value: u64) {
        let line = format!("\n{name} {value}\n");
        while !self.metrics.render().contains(&line) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Writes the account record of a user: enabled, but for `change`.
    pub(crate) async fn account(&self, id: &str, change: impl FnOnce(&mut Account)) {
        let id: McpttId = id.parse().unwrap();
        let mut account =
            Account { status: Status::Enabled.into(), organisation: "city".to_owned(), ..Account::default() };
        change(&mut account);
        let key = shared::account_key(&id);
        let written = self.records.update(Partition::of(id.as_str()), std::slice::from_ref(&key), |_| {
            Ok::<_, ()>(Change::nothing(()).put(key.clone(), account.encode_to_vec()))
        });
        assert!(written.await.is_ok());
    }

    /// An access token.
    pub(crate) fn token(&self, user: &str, scope: &str) -> String {
        self.token_until(user, scope, self.clock.now().seconds() + 3600)
    }

    pub(crate) fn token_until(&self, user: &str, scope: &str, exp: u64) -> String {
        let mut header = JwsHeader::new();
        header.set_key_id("key");
        let mut payload = JwtPayload::new();
        for (claim, value) in [
            ("iss", json!("https://idms")),
            ("aud", json!("mcptt_client")),
            ("exp", json!(exp)),
            ("mcptt_id", json!(user)),
            ("scope", json!([scope])),
            ("jti", json!("token-1")),
        ] {
            payload.set_claim(claim, Some(value)).unwrap();
        }
        let signer = ES256.signer_from_jwk(&self.key.to_jwk_private_key()).unwrap();
        jwt::encode_with_signer(&payload, &header, &signer).unwrap()
    }

    /// A request in the field dialect with Alex's token.
    pub(crate) async fn field(&self, path: &str, body: &str) -> Answer {
        let token = self.token(ALEX, KEY_SCOPE);
        self.send(post(path).header("access_token", token).body(Body::from(body.to_owned())).unwrap()).await
    }

    /// A request in the standard dialect with Alex's token.
    pub(crate) async fn standard(&self, path: &str, body: &str) -> Answer {
        let token = format!("Bearer {}", self.token(ALEX, KEY_SCOPE));
        self.send(post(path).header("authorization", token).body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response: Response<Body> = self.service.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body: Bytes = read_body(body, 1 << 20).await.unwrap();
        Answer { head, body: String::from_utf8(body.to_vec()).unwrap() }
    }
}

/// A POST below `/keymanagement/identity/v1/`.
pub(crate) fn post(path: &str) -> http::request::Builder {
    Request::post(format!("/keymanagement/identity/v1/{path}")).header("host", "127.0.0.1:4420")
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.head.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks status, headers and `KmsError` of a refusal; returns the message.
    pub(crate) fn error(&self, status: u16) -> String {
        assert_eq!(self.head.status.as_u16(), status, "{}", self.body);
        self.check_headers();
        self.with(|document| {
            assert_eq!(text(document, "ErrorCode"), status.to_string());
            let error = find(document, "KmsError").unwrap();
            assert_eq!(error.attribute("Version"), Some("1.0.0"));
            assert!(find(document, "KmsMessage").is_none());
            text(document, "ErrorMsg").to_owned()
        })
    }

    pub(crate) fn ok(&self) -> &Self {
        assert_eq!(self.head.status, StatusCode::OK, "{}", self.body);
        self.check_headers();
        self
    }

    fn check_headers(&self) {
        assert_eq!(self.header("content-type"), "application/xml");
        assert_eq!(self.header("content-length"), self.body.len().to_string());
        assert_eq!(self.header("cache-control"), "no-cache, no-store");
        self.with(|document| {
            for node in document.descendants().filter(csc_xml::Node::is_element) {
                assert!(node.has_children(), "{} is empty: {}", node.tag_name().name(), self.body);
            }
        });
    }

    pub(crate) fn with<T>(&self, read: impl FnOnce(&csc_xml::Document<'_>) -> T) -> T {
        read(&csc_xml::parse(self.body.as_bytes(), &csc_xml::Limits::DEFAULT).unwrap())
    }

    /// The text of the first element with this name.
    pub(crate) fn text(&self, name: &str) -> String {
        self.with(|document| text(document, name).to_owned())
    }

    /// The public keys of a certificate.
    pub(crate) fn public_keys(&self) -> (PubEncKey, PubAuthKey) {
        let octets = |name| hex::decode(self.text(name)).unwrap();
        let enc = PubEncKey::from_bytes(&octets("PubEncKey")).unwrap();
        (enc, PubAuthKey::from_bytes(&octets("PubAuthKey")).unwrap())
    }

    /// Checks key set number `n` as a terminal must: it belongs to `identity` in `period`, and to the certificate.
    pub(crate) fn verify(&self, n: usize, identity: &str, period: u64, certificate: &Self) {
        let (enc, auth) = certificate.public_keys();
        let periods = KeyPeriods::new(2_419_200, 0).unwrap();
        let uid = Uid::derive(identity, KMS_URI, &periods, period).unwrap();
        self.with(|document| {
            let set =
                document.descendants().filter(|node| node.tag_name().name() == "KmsKeySet").nth(n).unwrap();
            let text = |name| set.children().find(|c| c.tag_name().name() == name).unwrap().text().unwrap();
            let octets = |name| hex::decode(text(name)).unwrap();
            assert_eq!(text("KmsUri"), KMS_URI);
            assert_eq!(text("KeyPeriodNo"), period.to_string());
            assert_eq!(text("UserID"), uid.to_string());
            let rsk = ReceiverSecretKey::from_bytes(&octets("UserDecryptKey")).unwrap();
            rsk.verify(uid.identifier(), &enc).unwrap();
            let pair =
                SigningPair::from_bytes(&octets("UserSigningKeySSK"), &octets("UserPubTokenPVT")).unwrap();
            pair.verify(uid.identifier(), &auth).unwrap();
        });
    }
}

pub(crate) fn find<'a>(document: &'a csc_xml::Document<'_>, name: &str) -> Option<csc_xml::Node<'a, 'a>> {
    document.descendants().find(|node| node.tag_name().name() == name)
}

pub(crate) fn text<'a>(document: &'a csc_xml::Document<'_>, name: &str) -> &'a str {
    find(document, name).unwrap_or_else(|| panic!("no {name}")).text().unwrap_or_default()
}
