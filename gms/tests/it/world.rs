//! A running group management server.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use csc_gms::{Deps, build, process};
use csc_service::config::Settings;
use csc_service::{ServiceParts, Shutdown, ShutdownTrigger};
use csc_store::owner::Replicas;
use csc_store::shared;
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::{McpttId, Partition};
use csc_xcap_server::testing::{Answer, Bench, Client, NOW};
use tokio::task::JoinHandle;

pub(crate) const GROUP: &str = "/org.openmobilealliance.groups/global/byGroupID/tel:+829";
pub(crate) const GROUP_TYPE: &str = "application/vnd.oma.poc.groups+xml";

/// A running service: +821 and +822 plain, +823 authorized, +824 dispatcher, +825 administrator, all of one fire
/// brigade; +826 plain and +827 dispatcher of the police.
pub(crate) struct World {
    pub(crate) bench: Bench,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) parts: ServiceParts,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let bench = Bench::new(Arc::clone(&clock) as _, Arc::new(SeededEntropy::new(1)));
        for (id, organisation, roles) in [
            ("tel:+821", "fire", &[][..]),
            ("tel:+822", "fire", &[]),
            ("tel:+823", "fire", &["authorized-user"]),
            ("tel:+824", "fire", &["dispatcher"]),
            ("tel:+825", "fire", &["administrator"]),
            ("tel:+826", "police", &[]),
            ("tel:+827", "police", &["dispatcher"]),
        ] {
            bench.account(id, organisation, roles, &[]).await;
        }
        let parts = serve(&bench, settings);
        Self { bench, clock, parts }
    }

    /// The same service started again with these settings.
    pub(crate) fn again(&mut self, settings: &[(&str, &str)]) {
        self.parts = serve(&self.bench, settings);
    }

    pub(crate) fn as_user(&self, number: u32) -> Client {
        self.bench.client(&self.parts.mounts[0], &format!("tel:+82{number}"))
    }

    pub(crate) async fn store(&self, members: &[u32]) -> Answer {
        self.as_user(4).put(GROUP, GROUP_TYPE, group(members)).await
    }

    /// Starts the projector.
    pub(crate) fn project(&mut self) -> (ShutdownTrigger, JoinHandle<anyhow::Result<()>>) {
        let (trigger, shutdown) = Shutdown::new();
        let task = self.parts.tasks.pop().unwrap();
        (trigger, tokio::spawn((task.run)(shutdown)))
    }

    /// The tag of a member's view in the index: what directories and subscriptions show.
    pub(crate) async fn indexed(&self, member: &McpttId) -> Option<String> {
        let path = format!("org.openmobilealliance.groups/users/{member}/tel:+829");
        let entry =
            shared::index_entry(self.bench.records.store(), Partition::of(member.as_str()), &path).await;
        entry
            .unwrap()
            .filter(|(entry, _)| !entry.removed)
            .map(|(entry, version)| shared::etag(&entry, version).to_string())
    }

    /// Waits until `member` has a view of the group called `group`.
    pub(crate) async fn until_view(&self, member: &McpttId, group: &str) {
        let path = format!("org.openmobilealliance.groups/users/{member}/{group}");
        let partition = Partition::of(member.as_str());
        let store = self.bench.records.store();
        self.until(member, async || {
            shared::index_entry(store, partition, &path).await.unwrap().is_some().then_some(()).ok_or(group)
        })
        .await;
    }

    /// Waits until something that is told in the log of `member` holds; until then `holds` says what does not.
    pub(crate) async fn until<E: Debug>(&self, member: &McpttId, holds: impl AsyncFn() -> Result<(), E>) {
        let partition = Partition::of(member.as_str());
        loop {
            let store = self.bench.records.store();
            let position = store.position(partition).await.unwrap();
            let Err(shown) = holds().await else { return };
            let news = store.tail(&[(partition, position)], 1, Duration::from_secs(60)).await.unwrap();
            assert!(!news.is_empty(), "nothing new for {member}: {shown:?}");
        }
    }

    /// Waits until the views of exactly `members`, among `all`, show `tag`.
    pub(crate) async fn until_shown(&self, all: &[McpttId], members: &[McpttId], tag: &str) {
        for member in all {
            let expected = members.contains(member).then(|| tag.trim_matches('"').to_owned());
            self.until(member, async || match self.indexed(member).await {
                shown if shown == expected => Ok(()),
                shown => Err(format!("shows {shown:?}, not {expected:?}")),
            })
            .await;
        }
    }
}

fn serve(bench: &Bench, settings: &[(&str, &str)]) -> ServiceParts {
    let environment = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut settings = Settings::load(None, environment);
    let documents = csc_xcap_server::Config::read(&mut settings);
    let config = process::config(&mut settings);
    settings.finish().unwrap();
    let deps = Deps {
        records: bench.records.clone(),
        clock: Arc::clone(&bench.clock),
        entropy: Arc::clone(&bench.entropy),
        metrics: bench.metrics.clone(),
        verifier: Arc::clone(&bench.verifier),
        replica: "gms-0".to_owned(),
        replicas: Replicas::Alone,
    };
    build(&config, &documents, deps)
}

pub(crate) fn group(members: &[u32]) -> String {
    named("tel:+829", &members.iter().map(|number| format!("tel:+82{number}")).collect::<Vec<_>>())
}

pub(crate) fn named(uri: &str, members: &[String]) -> String {
    let entries: String = members.iter().map(|member| format!("<entry uri=\"{member}\"/>\n")).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<group xmlns=\"urn:oma:xml:poc:list-service\">\
         <list-service uri=\"{uri}\"><display-name xml:lang=\"en-us\">Team</display-name><list>{entries}</list>\
         </list-service></group>"
    )
}

pub(crate) fn ids(numbers: &[u32]) -> Vec<McpttId> {
    numbers.iter().map(|number| format!("tel:+82{number}").parse().unwrap()).collect()
}

pub(crate) fn view(number: u32) -> String {
    format!("/org.openmobilealliance.groups/users/tel:+82{number}/tel:+829")
}
