//! An identity service on a store in a file, and a terminal's view of it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use csc_idms::{Config, Deps};
use csc_proto::identity::v1::directory_client::DirectoryClient;
use csc_proto::identity::v1::{PutClientRequest, PutOrganisationRequest, PutUserRequest};
use csc_service::config::Settings;
use csc_service::http::{Body, HttpService, Peer, read_body};
use csc_service::{Metrics, ServiceParts, Shutdown, ShutdownTrigger, bus};
use csc_store::{Embedded, OpenError, Options, Records};
use csc_test_support::{ManualClock, SeededEntropy};
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tonic::transport::Channel;
use tower::ServiceExt;

use crate::wrapped::Wrapped;

/// When every test begins.
pub(crate) const START: u64 = 1_800_000_000;
/// The user that is there from the start, her password, and a verifier.
pub(crate) const ALEX: &str = "tel:+82571009990";
pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const VERIFIER: &str = "1234567";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The scopes of client and user.
pub(crate) const SCOPES: [&str; 3] =
    ["openid", "3gpp:mcptt:ptt_server", "3gpp:mcptt:config_management_server"];

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) metrics: Metrics,
    pub(crate) directory: DirectoryClient<Channel>,
    pub(crate) channel: Channel,
    pub(crate) store: Arc<Wrapped>,
    /// One for each process; requests go to them in turn.
    services: Vec<HttpService>,
    turn: AtomicUsize,
    processes: Vec<ShutdownTrigger>,
    address: &'static str,
    config: Config,
    folder: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {:?}", self.status, self.body))
    }

    pub(crate) fn text(&self, field: &str) -> String {
        let value = self.json();
        value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// It is 400 with this error as JSON, and nobody is sent anywhere.
    #[track_caller]
    pub(crate) fn refused(&self, error: &str, description: &str) {
        assert_eq!(self.body, format!(r#"{{"error":"{error}","error_description":"{description}"}}"#));
        assert_eq!(self.status, StatusCode::BAD_REQUEST);
        assert!(!self.headers.contains_key("location"));
        self.not_stored("application/json;charset=UTF-8");
    }

    /// It is 302 to the registered URI with this error.
    #[track_caller]
    pub(crate) fn redirected(&self, error: &str, description: &str, state: &str) {
        let location = format!(
            "http://mcptt_client/cb?code=&error={error}&error_description={description}&state={state}"
        );
        assert_eq!((self.status, self.header("location")), (StatusCode::FOUND, location.as_str()));
        self.not_stored("");
    }

    #[track_caller]
    pub(crate) fn not_stored(&self, content_type: &str) {
        let headers = ["cache-control", "pragma", "content-type"].map(|name| self.header(name));
        assert_eq!(headers, ["no-store", "no-cache", content_type]);
    }
}

/// Made once: an RSA key takes its time.
fn signing_key() -> &'static [u8] {
    static PEM: OnceLock<Vec<u8>> = OnceLock::new();
    PEM.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signing.pem");
        csc_idms::crypto::files::create_signing_key(&path).unwrap();
        std::fs::read(path).unwrap()
    })
}

/// The configuration as an operator gives it: defaults, but for cheap passwords and a lower limit for an address.
fn config(folder: &Path) -> Config {
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("signing.pem"), signing_key()).unwrap();
    std::fs::write(path("secret"), "5c".repeat(32) + "\n").unwrap();
    for name in ["signing.pem", "secret"] {
        std::fs::set_permissions(path(name), Permissions::from_mode(0o600)).unwrap();
    }
    let environment = [
        ("ISSUER", "https://idms.example.org"),
        ("SIGNING_KEY", &path("signing.pem")),
        ("SERVER_SECRET", &path("secret")),
        ("PASSWORD_MEMORY", "8"),
        ("PASSWORD_PASSES", "1"),
        ("PASSWORD_QUEUE", "256"),
        ("FAILED_LOGINS_PER_ADDRESS", "100"),
    ];
    let environment = environment.map(|(key, value)| (format!("CSC_IDMS_{key}"), value.to_owned()));
    let mut settings = Settings::load(None, environment);
    let config = Config::read(&mut settings.section("idms", "Test."));
    settings.finish().unwrap();
    config
}

impl World {
    /// A service with one organisation, client and user.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        change(&mut config);
        let mut world = Self::open(config, folder, Arc::new(ManualClock::at(START))).await;
        let organisation = PutOrganisationRequest {
            id: "city-fire".to_owned(),
            display_name: "City Fire Brigade".to_owned(),
            dry_run: false,
        };
        world.directory.put_organisation(organisation).await.unwrap();
        world.directory.put_client(field_client()).await.unwrap();
        world.directory.put_user(user(ALEX)).await.unwrap();
        world
    }

    async fn open(config: Config, folder: TempDir, clock: Arc<ManualClock>) -> Self {
        let entropy = entropy();
        let embedded = open_store(&folder.path().join("store.redb"), &clock, &entropy).await;
        let store = Arc::new(Wrapped::new(embedded));
        let metrics = Metrics::new();
        let deps = Deps {
            records: Records::new(store.clone(), entropy.clone()),
            clock: clock.clone(),
            entropy,
            metrics: metrics.clone(),
        };
        let mut parts = csc_idms::build(&config, deps).unwrap();
        let channel = bus::in_process(parts.grpc.take().unwrap());
        let directory = DirectoryClient::new(channel.clone());
        let (service, process) = start(parts);
        Self {
            clock,
            metrics,
            directory,
            channel,
            store,
            services: vec![service],
            turn: AtomicUsize::new(0),
            processes: vec![process],
            address: "192.0.2.1:1024",
            config,
            folder,
        }
    }

    /// Another process on the same store, which takes every other request from now on. Returns the way to its bus.
    pub(crate) fn join(&mut self) -> Channel {
        let entropy = entropy();
        let deps = Deps {
            records: Records::new(self.store.clone(), entropy.clone()),
            clock: self.clock.clone(),
            entropy,
            metrics: self.metrics.clone(),
        };
        let mut parts = csc_idms::build(&self.config, deps).unwrap();
        let channel = bus::in_process(parts.grpc.take().unwrap());
        let (service, process) = start(parts);
        self.services.push(service);
        self.processes.push(process);
        channel
    }

    /// Asks every process to stop.
    pub(crate) fn stop(&mut self) {
        self.processes.clear();
    }

    /// The same installation after its process ended and another one began.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(|_| {}).await
    }

    /// The same with other settings.
    pub(crate) async fn restart_with(self, change: impl FnOnce(&mut Config)) -> Self {
        let Self { clock, mut config, folder, store, services, processes, directory, channel, .. } = self;
        drop((services, processes, directory, channel, store));
        change(&mut config);
        Self::open(config, folder, clock).await
    }

    /// From now on requests come from this address.
    pub(crate) fn move_to(&mut self, address: &'static str) {
        self.address = address;
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        let address = self.address.parse().unwrap();
        request.extensions_mut().insert(Peer { address, certificate: None });
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.services.len();
        let response = self.services[turn].clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = read_body(body, 1 << 20).await.unwrap();
        Answer { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(Request::get(target).body(Body::empty()).unwrap()).await
    }

    /// Sends `fields` as a form.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encode(fields).into());
        self.send(request.unwrap()).await
    }

    /// An authentication request with these fields in place of those of a good one; an empty value leaves one out.
    pub(crate) async fn authreq(&self, changes: &[(&str, &str)]) -> Answer {
        self.get(&format!("/idms/authreq?{}", encode(&changed(&authreq_fields(), changes)))).await
    }

    /// A token request for `code`, changed likewise.
    pub(crate) async fn tokenreq(&self, code: &str, changes: &[(&str, &str)]) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", "MCPTT_UE"),
            ("redirect_uri", "http://mcptt_client/cb"),
            ("code_verifier", VERIFIER),
        ];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.post("/idms/tokenreq", &borrowed(&changed(&fields, changes))).await
    }

    pub(crate) async fn refresh(&self, token: &str, changes: &[(&str, &str)]) -> Answer {
        let fields = [("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())];
        self.post("/idms/tokenrefresh", &borrowed(&changed(&fields, changes))).await
    }

    /// A code for Alex.
    pub(crate) async fn code(&self) -> String {
        self.authreq(&[]).await.text("code")
    }

    /// The tokens of a login of Alex.
    pub(crate) async fn login(&self) -> Answer {
        let answer = self.tokenreq(&self.code().await, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer
    }

    /// How often the counter `line` (name and labels) was counted.
    pub(crate) fn counted(&self, line: &str) -> u64 {
        let text = self.metrics.render();
        let found = text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok());
        found.unwrap_or_default()
    }

    /// All octets of the store's file.
    pub(crate) fn file(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("store.redb")).unwrap()
    }
}

/// No two services of one test may repeat each other's randomness.
fn entropy() -> Arc<SeededEntropy> {
    static SEED: AtomicU64 = AtomicU64::new(START);
    Arc::new(SeededEntropy::new(SEED.fetch_add(1, Ordering::Relaxed)))
}

/// Runs what a service does by itself, until the trigger is dropped.
fn start(parts: ServiceParts) -> (HttpService, ShutdownTrigger) {
    let (trigger, shutdown) = Shutdown::new();
    for task in parts.tasks {
        tokio::spawn((task.run)(shutdown.clone()));
    }
    assert_eq!(parts.mounts[0].segments, ["idms"]);
    (parts.mounts[0].service.clone(), trigger)
}

async fn open_store(path: &Path, clock: &Arc<ManualClock>, entropy: &SeededEntropy) -> Embedded {
    // The tasks of the service before may still hold the file for a moment.
    for _ in 0..1_000_000 {
        match Embedded::open(path, Options::default(), clock.clone(), entropy) {
            Ok(store) => return store,
            Err(OpenError::InUse { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the store stays in use");
}

pub(crate) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub(crate) fn user(id: &str) -> PutUserRequest {
    PutUserRequest {
        mcptt_id: id.to_owned(),
        organisation: "city-fire".to_owned(),
        roles: texts(&["dispatcher"]),
        password: Some(PASSWORD.to_owned()),
        ..PutUserRequest::default()
    }
}

pub(crate) fn field_client() -> PutClientRequest {
    PutClientRequest {
        client_id: "MCPTT_UE".to_owned(),
        organisation: "city-fire".to_owned(),
        redirect_uris: texts(&["http://mcptt_client/cb", "https://app.example.org/cb?kind=field"]),
        scopes: texts(&SCOPES),
        secret: Some(SECRET.to_owned()),
        ..PutClientRequest::default()
    }
}

/// What terminals send for a password.
pub(crate) fn digest(password: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(password))
}

fn authreq_fields() -> Vec<(&'static str, String)> {
    [
        ("response_type", "code"),
        ("client_id", "MCPTT_UE"),
        ("scope", "openid 3gpp:mcptt:ptt_server"),
        ("redirect_uri", "http://mcptt_client/cb"),
        ("state", "abcdef"),
        ("acr_values", "3gpp:acr:password"),
        ("code_challenge", &digest(VERIFIER)),
        ("code_challenge_method", "S256"),
        ("user_name", ALEX),
        ("user_password", &digest(PASSWORD)),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

fn changed<'a>(fields: &[(&'a str, String)], changes: &[(&'a str, &str)]) -> Vec<(&'a str, String)> {
    let unchanged =
        fields.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name)).cloned();
    let changes = changes.iter().filter(|(_, value)| !value.is_empty());
    unchanged.chain(changes.map(|(name, value)| (*name, (*value).to_owned()))).collect()
}

fn borrowed<'a>(fields: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

pub(crate) fn encode<V: AsRef<str>>(fields: &[(&str, V)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
