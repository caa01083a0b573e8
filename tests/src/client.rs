//! How a running installation is reached: as a terminal, as a dispatcher, as the operator.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use csc::provision::{Plan, Servers};
use csc::site::{Ports, Site};
use csc::ue::{Profile, SipUe, Ue};
use csc_proto::identity::v1::PutUserRequest;
use csc_proto::identity::v1::directory_client::DirectoryClient;
use csc_service::bus::{self, Credentials, Member, Peers};
use csc_service::{Identity, Metrics, OsEntropy};

use crate::ORGANISATION;

/// The addresses and files of an installation.
#[derive(Clone)]
pub struct Client {
    pub(crate) site: Site,
    pub(crate) https: SocketAddr,
    /// Of each replica of the proxy.
    pub(crate) sip: Vec<SocketAddr>,
    /// The bus of each replica of idms, gms and cms.
    pub(crate) buses: [Vec<SocketAddr>; 3],
    /// Of the process terminals connect to.
    pub(crate) admin: SocketAddr,
    /// The listener without TLS, in a build for benchmarks that asks for it.
    #[cfg(feature = "plain-http")]
    pub(crate) plain: Option<SocketAddr>,
}

impl Client {
    /// Of a process that holds every service.
    pub(crate) fn of_one(site: Site, address: impl Fn(&str) -> SocketAddr) -> Self {
        let bus = vec![address("bus")];
        Self {
            site,
            https: address("https"),
            sip: vec![address("sip")],
            buses: [bus.clone(), bus.clone(), bus],
            admin: address("admin"),
            #[cfg(feature = "plain-http")]
            plain: None,
        }
    }

    /// HTTP without TLS: where the setting `http.plain` leads.
    ///
    /// # Panics
    /// If that was not set.
    #[cfg(feature = "plain-http")]
    pub const fn plain(&self) -> SocketAddr {
        self.plain.expect("http.plain is set")
    }

    /// The files it was made from.
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// HTTPS for terminals.
    pub const fn https(&self) -> SocketAddr {
        self.https
    }

    /// SIP over UDP, at one of the replicas.
    pub fn sip(&self) -> SocketAddr {
        self.sip[0]
    }

    /// SIP over UDP, at all replicas.
    pub fn proxies(&self) -> &[SocketAddr] {
        &self.sip
    }

    /// `/livez`, `/readyz`, `/metrics`.
    pub const fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The bus of the process that holds every service.
    pub fn bus_address(&self) -> SocketAddr {
        self.buses[0][0]
    }

    pub(crate) fn ports(&self) -> Ports {
        Ports {
            https: self.https.port(),
            sip: self.sip[0].port(),
            bus: self.bus_address().port(),
            admin: self.admin.port(),
        }
    }

    /// The services on the bus, as the operator.
    pub fn servers(&self) -> Servers {
        let at = |name| self.site.at(name);
        let operator = Identity { certificate: at("operator.pem"), key: at("operator.key") };
        let credentials =
            Credentials::load(&at("bus-ca.pem"), &operator, &Metrics::new()).expect("good files");
        let channel = |member, addresses: &[SocketAddr]| {
            let addresses = addresses.iter().map(|a| a.to_string().parse().expect("an address")).collect();
            bus::connect(&Peers { member, domain: None, addresses }, &credentials)
        };
        let [idms, gms, cms] = &self.buses;
        Servers {
            idms: channel(Member::Idms, idms),
            gms: channel(Member::Gms, gms),
            cms: channel(Member::Cms, cms),
        }
    }

    /// Applies the demo's provisioning file.
    pub(crate) async fn provision(&self) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../csc/demo/provision.toml");
        let plan = Plan::read(&file).expect("the demo's plan");
        plan.apply(&self.servers(), false, |_, _| ()).await.expect("it applies");
    }

    /// The profile of `user` with its password.
    pub fn profile(&self, (user, password): (&str, &str)) -> Profile {
        self.site.profile(user, password, self.https, &self.sip).expect("an MCPTT ID")
    }

    /// A terminal of `user`, logged in.
    pub async fn ue(&self, user: (&str, &str)) -> Ue {
        let mut ue = Ue::new(self.profile(user)).expect("a good profile");
        ue.login(&OsEntropy).await.expect("a login");
        ue
    }

    /// Waits until the directories of `users` list `group`. Its views are written after the answer to its PUT, and who has
    /// none yet may not watch it.
    pub async fn projected(&self, group: &str, users: &[(&str, &str)]) {
        let end = tokio::time::Instant::now() + Duration::from_secs(60);
        for user in users {
            let mut ue = self.ue(*user).await;
            while !ue.groups().await.expect("a directory").iter().any(|listed| listed == group) {
                assert!(tokio::time::Instant::now() < end, "{} never sees {group}", user.0);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// The SIP side of a terminal of `user`.
    pub async fn sip_ue(&self, user: (&str, &str)) -> SipUe {
        let user = user.0.parse().expect("an MCPTT ID");
        SipUe::bind(&self.sip, user, Arc::new(OsEntropy)).await.expect("a free port")
    }

    /// The access token of `user`.
    pub async fn token(&self, user: (&str, &str)) -> String {
        let mut ue = Ue::new(self.profile(user)).expect("a good profile");
        ue.login(&OsEntropy).await.expect("a login").access_token.clone()
    }

    /// Creates `user` with its password in the demo's organisation.
    pub async fn add_user(&self, (user, password): (&str, &str), roles: &[&str]) {
        let request = PutUserRequest {
            mcptt_id: user.to_owned(),
            organisation: ORGANISATION.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            password: Some(password.to_owned()),
            ..PutUserRequest::default()
        };
        self.put_user(request).await;
    }

    /// Creates or changes a user as the operator, who waits until nothing is left of one of that name who was deleted.
    pub async fn put_user(&self, request: PutUserRequest) {
        let mut directory = DirectoryClient::new(self.servers().idms);
        csc::provision::put_user(&mut directory, request).await.expect("the operator may");
    }
}
