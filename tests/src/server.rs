//! All services in this process.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use csc::provision::Plan;
use csc::site::{Ports, Site};
use csc::ue::{Profile, SipUe, Ue};
use csc::{AllInOne, Config};
use csc_proto::identity::v1::PutUserRequest;
use csc_proto::identity::v1::directory_client::DirectoryClient;
use csc_service::OsEntropy;
use csc_service::config::Settings;
use csc_types::SystemClock;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

/// A running server with the demo's fire brigade in it.
pub struct Server {
    site: Site,
    https: SocketAddr,
    sip: SocketAddr,
    bus: SocketAddr,
    admin: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
    _folder: TempDir,
}

impl Server {
    /// Starts a server with the demo's settings.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server; `settings` are environment variables with their values, which win over the demo's settings.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let site = Site::create(&folder.path().join("site"), Ports::default(), &OsEntropy).expect("a site");
        let server = Self::run(site, folder, settings).await;
        server.provision().await;
        server
    }

    async fn run(site: Site, folder: TempDir, settings: &[(&str, &str)]) -> Self {
        let environment = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut settings = Settings::load(Some(&site.config()), environment);
        let config = Config::read(&mut settings);
        settings.finish().expect("good settings");
        let app = AllInOne::build(config, Arc::new(SystemClock::new()), Arc::new(OsEntropy)).await.expect("a server");
        let address = |name| app.address(name).unwrap_or_else(|| panic!("{name} listens"));
        let (https, sip, bus, admin) = (address("https"), address("sip"), address("bus"), address("admin"));
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run(async move {
            let _ = stopped.await;
        }));
        Self { site, https, sip, bus, admin, stop, running, _folder: folder }
    }

    async fn provision(&self) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../csc/demo/provision.toml");
        let plan = Plan::read(&file).expect("the demo's plan");
        plan.apply(self.bus().await, false, |_, _| ()).await.expect("it applies");
    }

    /// Stops it as SIGTERM would, and waits until it has ended well.
    pub async fn stop(self) {
        let Self { stop, running, .. } = self;
        let _ = stop.send(());
        running.await.expect("no panic").expect("a clean end");
    }

    /// The files it was made from.
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// HTTPS for terminals.
    pub const fn https(&self) -> SocketAddr {
        self.https
    }

    /// SIP over UDP.
    pub const fn sip(&self) -> SocketAddr {
        self.sip
    }

    /// The admin listener.
    pub const fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The bus, as the operator.
    pub async fn bus(&self) -> Channel {
        let at = |name| self.site.at(name);
        let url = format!("https://{}", self.bus);
        let channel = csc_service::bus::connect(&url, &at("bus-ca.pem"), &at("operator.pem"), &at("operator.key")).await;
        channel.expect("the bus takes the operator")
    }

    /// The profile of `user` with its password.
    pub fn profile(&self, (user, password): (&str, &str)) -> Profile {
        self.site.profile(user, password, self.https, self.sip).expect("an MCPTT ID")
    }

    /// A terminal of `user`, logged in.
    pub async fn ue(&self, user: (&str, &str)) -> Ue {
        let mut ue = Ue::new(self.profile(user)).expect("a good profile");
        ue.login(&OsEntropy).await.expect("a login");
        ue
    }

    /// The SIP side of a terminal of `user`.
    pub async fn sip_ue(&self, user: (&str, &str)) -> SipUe {
        let user = user.0.parse().expect("an MCPTT ID");
        SipUe::bind(self.sip, user, Arc::new(OsEntropy)).await.expect("a free port")
    }

    /// Gives a user of the demo's organisation a password of which only the hash is known, as terminals send it.
    pub async fn put_password_hash(&self, user: &str, hash: &str) {
        let request = PutUserRequest {
            mcptt_id: user.to_owned(),
            organisation: "city-fire".to_owned(),
            password_hash: Some(hash.to_owned()),
            ..PutUserRequest::default()
        };
        DirectoryClient::new(self.bus().await).put_user(request).await.expect("the operator may");
    }
}
