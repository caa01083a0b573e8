//! A running service with the dialect, and a gateway that sends requests of its terminals.

use std::fs::{self, Permissions};
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::PermissionsExt;

use bytes::Bytes;
use csc_service::ShutdownTrigger;
use csc_service::http::{Body, HttpService, Peer};
use csc_xcap_server::testing::Answer;
use http::{Method, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::world::GROUP_TYPE;

pub(crate) const GROUPS: &str = "/glms-services/ORG.OPENMOBILEALLIANCE.GROUPS";
/// The gateway that is trusted.
pub(crate) const GATEWAY: &str = "192.0.2.7:40000";
/// The content of the key file.
pub(crate) const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// The world of the standard, with the dialect.
pub(crate) struct World {
    standard: crate::world::World,
    folder: tempfile::TempDir,
    _running: Option<ShutdownTrigger>,
}

impl Deref for World {
    type Target = crate::world::World;

    fn deref(&self) -> &Self::Target {
        &self.standard
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.standard
    }
}

impl World {
    /// With its projector running: who stores a group is answered when every member sees it.
    pub(crate) async fn new() -> Self {
        Self::with(&[("CSC_GLMS_ACCEPT_AFTER", "30s")]).await.projecting()
    }

    /// With its projector running from now on.
    pub(crate) fn projecting(mut self) -> Self {
        let (trigger, _) = self.project();
        self._running = Some(trigger);
        self
    }

    /// With these settings, and without a projector.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key_file = write_key(&folder, KEY);
        let standard = crate::world::World::with(&dialect(&key_file, settings)).await;
        Self { standard, folder, _running: None }
    }

    /// Started again with a key file that holds `key`.
    pub(crate) fn with_key(&mut self, key: &str) {
        let key_file = write_key(&self.folder, key);
        self.again(&dialect(&key_file, &[]));
    }

    /// What answers below `segment`.
    pub(crate) fn service(&self, segment: &str) -> HttpService {
        let mut mounts = self.parts.mounts.iter();
        mounts.find(|mount| mount.segments.iter().any(|own| own == segment)).unwrap().service.clone()
    }

    /// A terminal whose user is `tel:+82<number>`, behind the gateway.
    pub(crate) fn terminal(&self, number: u32) -> Terminal {
        self.named(&format!("tel:+82{number}"))
    }

    /// A terminal whose user the gateway calls `id`.
    pub(crate) fn named(&self, id: &str) -> Terminal {
        Terminal {
            service: self.parts.mounts.last().unwrap().service.clone(),
            peer: GATEWAY,
            headers: vec![("glmsclientversion", "11.01".to_owned()), ("clientid", id.to_owned())],
        }
    }

    /// Stores the group `tel:g<number>` called `name`, made by the dispatcher.
    pub(crate) async fn group(&self, number: u32, name: &str, members: &[u32]) -> Answer {
        let target = format!("{GROUPS}/users/tel:+824/tel:9{number}");
        self.terminal(4).put(&target, GROUP_TYPE, group(number, name, members)).await
    }
}

fn write_key(folder: &tempfile::TempDir, key: &str) -> String {
    let file = folder.path().join("glms.key");
    fs::write(&file, key).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    file.to_str().unwrap().to_owned()
}

/// The dialect switched on, and `settings`.
fn dialect<'a>(key_file: &'a str, settings: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![
        ("CSC_GLMS_ENABLED", "true"),
        ("CSC_GLMS_KEY_FILE", key_file),
        ("CSC_XCAP_TRUSTED_ADDRESSES", "192.0.2.7"),
    ];
    all.retain(|(name, _)| settings.iter().all(|(other, _)| other != name));
    all.extend(settings);
    all
}

/// The document of the group `tel:9<number>`.
pub(crate) fn group(number: u32, name: &str, members: &[u32]) -> String {
    let entries: String = members.iter().map(|member| format!("<entry uri=\"tel:+82{member}\"/>")).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<group xmlns=\"urn:oma:xml:poc:list-service\">\
         <list-service uri=\"tel:9{number}\"><display-name>{name}</display-name><list>{entries}</list>\
         </list-service></group>"
    )
}

/// Sends requests of the dialect.
#[derive(Clone)]
pub(crate) struct Terminal {
    pub(crate) service: HttpService,
    pub(crate) peer: &'static str,
    /// Of every request.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Terminal {
    /// The same without the header fields called `name`.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    /// The same with this header field.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer = Peer { address: self.peer.parse().unwrap(), certificate: None };
        let request = request.extension(peer).body(Body::from(body.into())).unwrap();
        let (head, body) = self.service.clone().oneshot(request).await.unwrap().into_parts();
        Answer { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(Method::GET, target, &[], "").await
    }

    pub(crate) async fn put(&self, target: &str, media_type: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Method::PUT, target, &[("content-type", media_type)], body).await
    }

    pub(crate) async fn delete(&self, target: &str) -> Answer {
        self.send(Method::DELETE, target, &[], "").await
    }
}
