//! All services in this process.

use std::ops::Deref;

use csc::AllInOne;
use csc::site::{Ports, Site};
use csc_process::{Platform, Program};
use csc_service::OsEntropy;
use csc_service::config::Settings;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Client;

/// A running server with the demo's fire brigade in it. It is reached as its [`Client`].
pub struct Server {
    client: Client,
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
    _folder: TempDir,
}

impl Server {
    /// Starts a server with the demo's settings. There always is one.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// Starts a server; `settings` are environment variables with their values, which win over the demo's settings.
    pub async fn start_with(settings: &[(&str, &str)]) -> Option<Self> {
        // A test binary has no main in which the one provider could be installed; the second test to come here finds it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let site = Site::create(&folder.path().join("site"), Ports::default(), &OsEntropy).expect("a site");
        let environment = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut settings = Settings::load(Some(&site.config()), environment);
        let program = AllInOne::read(&mut settings);
        settings.finish().expect("good settings");
        let app = program.build(Platform::system()).await.expect("a server");
        let client =
            Client::of_one(site, |name| app.address(name).unwrap_or_else(|| panic!("{name} listens")));
        #[cfg(feature = "plain-http")]
        let client = Client { plain: app.address("http"), ..client };
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run(async move {
            let _ = stopped.await;
        }));
        client.provision().await;
        Some(Self { client, stop, running, _folder: folder })
    }

    /// Stops it as SIGTERM would, and waits until it has ended well.
    pub async fn stop(self) {
        let Self { stop, running, .. } = self;
        let _ = stop.send(());
        running.await.expect("no panic").expect("a clean end");
    }
}

impl Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
