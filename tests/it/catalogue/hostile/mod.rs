//! Requests of somebody who means no good. Each gets the error that the interface documents, in bounded time, and then the
//! services still do their work. The harness bounds every wait, so a server that hangs fails the test.

mod documents;
mod forge;
mod sip;
mod strangers;
mod tokens;

use csc::ue::Ue;
use csc_tests::raw::{self, Answer};
use csc_tests::{ALEX, ENGINE_7};

use crate::Server;

/// An administrator of the fire brigade.
const ADMIN: (&str, &str) = ("tel:+82571009980", "control-room");

/// A server, and a terminal that only wants to go on.
struct World {
    server: Server,
    ue: Ue,
}

impl World {
    /// `None` where such a server cannot be started.
    async fn new(settings: &[(&str, &str)]) -> Option<Self> {
        let server = Server::start_with(settings).await?;
        server.add_user(ADMIN, &["administrator"]).await;
        let ue = server.ue(ALEX).await;
        Some(Self { server, ue })
    }

    /// Sends an HTTP request.
    async fn send(&self, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
        let request = raw::request(method, target, fields, body);
        raw::exchange(self.server.https(), &self.server.site().ca(), &request).await
    }

    /// Every service answers a normal request.
    async fn goes_on(&mut self) {
        self.ue.get(&profile()).await.expect("cms goes on");
        self.ue.get(&view()).await.expect("gms goes on");
        self.ue.certificate().await.expect("kms goes on");
        self.ue.refresh().await.expect("idms goes on");
    }
}

/// Alex's user profile: at cms.
fn profile() -> String {
    format!("org.3gpp.mcptt.user-profile/users/{}/user-profile", ALEX.0)
}

/// A group in Alex's tree: at gms.
fn view() -> String {
    format!("org.openmobilealliance.groups/users/{}/{ENGINE_7}", ALEX.0)
}
