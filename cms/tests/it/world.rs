//! The service under test, and documents for it.

use std::sync::Arc;

use csc_cms::{Config, Deps, Local, UserDatabase, build_with};
use csc_service::ServiceParts;
use csc_service::config::Settings;
use csc_store::owner::Replicas;
use csc_store::{Embedded, Records};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_xcap_server::testing::{Answer, Bench, Client, NOW};
use http::StatusCode;

use crate::store::Tricky;

pub(crate) const PROFILE: &str = "/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile";
pub(crate) const PROFILE_TYPE: &str = "application/vnd.3gpp.mcptt-user-profile+xml";
pub(crate) const SERVICE_CONFIG: &str = "/org.3gpp.mcptt.service-config/global/service-config.xml";
pub(crate) const SERVICE_CONFIG_TYPE: &str = "application/vnd.3gpp.mcptt-service-config+xml";
pub(crate) const DIRECTORY: &str = "/org.openmobilealliance.xcap-directory/users/tel:+8210/directory.xml";

/// A running service with the users of a small fire brigade: +8210 and +8211 plain, +8201 administrator; +8299 is the
/// administrator of another organisation.
pub(crate) struct World {
    pub(crate) bench: Bench,
    pub(crate) parts: ServiceParts,
    documents: csc_xcap_server::Config,
    config: Config,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let bench = Bench::new(Arc::new(ManualClock::at(NOW)), Arc::new(SeededEntropy::new(1)));
        Self::on(bench, settings, Arc::new(Local)).await
    }

    /// With a clock to move.
    pub(crate) async fn with_clock() -> (Self, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(NOW));
        let bench = Bench::new(clock.clone(), Arc::new(SeededEntropy::new(1)));
        (Self::on(bench, &[], Arc::new(Local)).await, clock)
    }

    /// With a user database of its own.
    pub(crate) async fn beside(user_database: Arc<dyn UserDatabase>) -> Self {
        let bench = Bench::new(Arc::new(ManualClock::at(NOW)), Arc::new(SeededEntropy::new(1)));
        Self::on(bench, &[], user_database).await
    }

    /// On a store that can be made to misbehave.
    pub(crate) async fn tricky() -> (Self, Arc<Tricky>) {
        Self::tricky_with(&[]).await
    }

    pub(crate) async fn tricky_with(settings: &[(&str, &str)]) -> (Self, Arc<Tricky>) {
        let mut bench = Bench::new(Arc::new(ManualClock::at(NOW)), Arc::new(SeededEntropy::new(1)));
        let store = Embedded::in_memory(Arc::clone(&bench.clock), &*bench.entropy).unwrap();
        let store = Arc::new(Tricky::new(store));
        bench.records = Records::new(store.clone(), Arc::clone(&bench.entropy));
        (Self::on(bench, settings, Arc::new(Local)).await, store)
    }

    /// On this store, with this verifier.
    pub(crate) async fn on(
        bench: Bench,
        settings: &[(&str, &str)],
        user_database: Arc<dyn UserDatabase>,
    ) -> Self {
        bench.account("tel:+8210", "fire", &[], &["urn:ue:1"]).await;
        bench.account("tel:+8211", "fire", &[], &[]).await;
        bench.account("tel:+8201", "fire", &["administrator"], &[]).await;
        bench.account("tel:+8299", "police", &["administrator"], &[]).await;
        let environment =
            [("CSC_XCAP_DEFAULT_ORGANISATION", "fire"), ("CSC_XCAP_ROOTS", "/Org/F/=fire,/Org/P/=police")];
        let environment = environment.iter().chain(settings);
        let mut settings =
            Settings::load(None, environment.map(|(name, value)| ((*name).into(), (*value).into())));
        let documents = csc_xcap_server::Config::read(&mut settings);
        let config = Config::read(&mut settings.section("cms", "Configuration management."));
        settings.finish().unwrap();
        let mut world = Self { parts: ServiceParts::new("cms"), bench, documents, config };
        world.parts = world.parts_of(world.deps(), user_database);
        world
    }

    /// What a service of this world stands on.
    pub(crate) fn deps(&self) -> Deps {
        Deps {
            records: self.bench.records.clone(),
            clock: Arc::clone(&self.bench.clock),
            entropy: Arc::clone(&self.bench.entropy),
            metrics: self.bench.metrics.clone(),
            verifier: Arc::clone(&self.bench.verifier),
            replica: "cms-1".to_owned(),
            replicas: Replicas::Alone,
        }
    }

    /// A service with the settings of this world.
    pub(crate) fn parts_of(&self, deps: Deps, user_database: Arc<dyn UserDatabase>) -> ServiceParts {
        build_with(&self.config, &self.documents, deps, user_database)
    }

    pub(crate) fn as_user(&self, id: &str) -> Client {
        self.bench.client(&self.parts.mounts[0], id)
    }

    pub(crate) fn owner(&self) -> Client {
        self.as_user("tel:+8210")
    }

    pub(crate) fn administrator(&self) -> Client {
        self.as_user("tel:+8201")
    }

    pub(crate) async fn store_profile(&self, content: &str) -> Answer {
        self.administrator().put(PROFILE, PROFILE_TYPE, content.to_owned()).await
    }
}

pub(crate) fn profile(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<mcptt-user-profile xmlns=\"urn:3gpp:mcptt:user-profile:1.0\" \
         xmlns:p=\"urn:p\" XUI-URI=\"tel:+8210\" user-profile-index=\"0\">{inside}</mcptt-user-profile>"
    )
}

pub(crate) fn service_config(inside: &str) -> String {
    format!(
        "<service-configuration-info xmlns=\"urn:3gpp:ns:mcpttServiceConfig:1.0\">{inside}</service-configuration-info>"
    )
}

#[track_caller]
pub(crate) fn assert_conflict(answer: &Answer, condition: &str) {
    assert_eq!(answer.status, StatusCode::CONFLICT, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/xcap-error+xml");
    assert!(answer.text().contains(&format!("<{condition} ")), "{}", answer.text());
}
