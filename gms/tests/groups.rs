//! Groups over HTTP, and what members see of them. The names of tests begin with the lines of the specification they
//! check.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::time::Duration;

use csc_gms::{Config, Deps, build};
use csc_proto::documents::v1::PutRequest;
use csc_proto::documents::v1::documents_client::DocumentsClient;
use csc_proto::documents::v1::put_response::Outcome;
use csc_proto::event::v1::{LogEntry, log_entry};
use csc_service::config::Settings;
use csc_service::{ServiceParts, Shutdown, ShutdownTrigger, bus};
use csc_store::owner::Replicas;
use csc_store::{Tail, shared};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::{McpttId, Partition};
use csc_xcap_server::testing::{Answer, Bench, Client, NOW};
use http::{Method, StatusCode};
use prost::Message;
use tokio::task::JoinHandle;

const GROUP: &str = "/org.openmobilealliance.groups/global/byGroupID/tel:+829";
const GROUP_TYPE: &str = "application/vnd.oma.poc.groups+xml";

/// A running service: +821 and +822 plain, +823 authorized, +824 dispatcher, +825 administrator, all of one fire
/// brigade; +826 plain and +827 dispatcher of the police.
struct World {
    bench: Bench,
    parts: ServiceParts,
}

impl World {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let bench = Bench::new(Arc::new(ManualClock::at(NOW)), Arc::new(SeededEntropy::new(1)));
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
        let environment = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut settings = Settings::load(None, environment);
        let documents = csc_xcap_server::Config::read(&mut settings);
        let config = Config::read(&mut settings.section("gms", "Groups."));
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
        Self { parts: build(&config, &documents, deps), bench }
    }

    fn as_user(&self, number: u32) -> Client {
        self.bench.client(&self.parts.mounts[0], &format!("tel:+82{number}"))
    }

    async fn store(&self, members: &[u32]) -> Answer {
        self.as_user(4).put(GROUP, GROUP_TYPE, group(members)).await
    }

    /// Starts the projector.
    fn project(&mut self) -> (ShutdownTrigger, JoinHandle<anyhow::Result<()>>) {
        let (trigger, shutdown) = Shutdown::new();
        let task = self.parts.tasks.pop().unwrap();
        (trigger, tokio::spawn((task.run)(shutdown)))
    }

    /// The tag of a member's view in the index: what directories and subscriptions show.
    async fn indexed(&self, member: &McpttId) -> Option<String> {
        let path = format!("org.openmobilealliance.groups/users/{member}/tel:+829");
        let entry =
            shared::index_entry(self.bench.records.store(), Partition::of(member.as_str()), &path).await;
        entry
            .unwrap()
            .filter(|(entry, _)| !entry.removed)
            .map(|(entry, version)| shared::etag(&entry, version).to_string())
    }

    /// Waits until the views of exactly `members`, among `all`, show `tag`.
    async fn until_shown(&self, all: &[McpttId], members: &[McpttId], tag: &str) {
        for member in all {
            let expected = members.contains(member).then(|| tag.trim_matches('"').to_owned());
            let partition = Partition::of(member.as_str());
            loop {
                let store = self.bench.records.store();
                let position = store.position(partition).await.unwrap();
                let shown = self.indexed(member).await;
                if shown == expected {
                    break;
                }
                let news = store.tail(&[(partition, position)], 1, Duration::from_secs(20)).await.unwrap();
                assert!(!news.is_empty(), "{member} shows {shown:?}, not {expected:?}");
            }
        }
    }
}

fn group(members: &[u32]) -> String {
    named("tel:+829", &members.iter().map(|number| format!("tel:+82{number}")).collect::<Vec<_>>())
}

fn named(uri: &str, members: &[String]) -> String {
    let entries: String = members.iter().map(|member| format!("<entry uri=\"{member}\"/>\n")).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<group xmlns=\"urn:oma:xml:poc:list-service\">\
         <list-service uri=\"{uri}\"><display-name xml:lang=\"en-us\">Team</display-name><list>{entries}</list>\
         </list-service></group>"
    )
}

fn ids(numbers: &[u32]) -> Vec<McpttId> {
    numbers.iter().map(|number| format!("tel:+82{number}").parse().unwrap()).collect()
}

fn view(number: u32) -> String {
    format!("/org.openmobilealliance.groups/users/tel:+82{number}/tel:+829")
}

#[tokio::test]
async fn g4_g5_who_sees_and_changes_a_group() {
    let world = World::new().await;
    // Before it exists: who could make it is told so, everybody else gets what he gets afterwards.
    for (number, status) in [(1, 403), (2, 403), (3, 403), (4, 404), (5, 404), (6, 403)] {
        assert_eq!(world.as_user(number).get(GROUP).await.status, status, "{number}");
        assert_eq!(world.as_user(number).get(&view(number)).await.status, status, "{number}");
    }
    for number in [1, 3, 6] {
        let answer = world.as_user(number).put(&view(number), GROUP_TYPE, group(&[1, 3, 6])).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{number}");
    }
    let created = world.as_user(4).put(&view(4), GROUP_TYPE, group(&[1, 3, 6])).await;
    assert_eq!((created.status, created.text()), (StatusCode::CREATED, ""));

    // X22: one document, one tag, by all its names, also for a member from elsewhere and for the creator.
    for (number, target) in [
        (1, view(1)),
        (1, GROUP.to_owned()),
        (3, view(3)),
        (6, view(6)),
        (4, view(4)),
        (4, view(1)),
        (5, view(5)),
        (5, GROUP.to_owned()),
    ] {
        let answer = world.as_user(number).get(&target).await;
        assert_eq!((answer.status, answer.etag()), (StatusCode::OK, created.etag()), "{number} {target}");
        assert_eq!(answer.text(), group(&[1, 3, 6]));
        assert_eq!(answer.header("content-type"), format!("{GROUP_TYPE}; charset=\"utf-8\""));
    }
    let alias = GROUP.replace("byGroupID", "byGroup");
    assert_eq!(world.as_user(1).get(&alias).await.etag(), created.etag());
    for (number, target, status) in [
        (2, view(2), 403),
        (2, GROUP.to_owned(), 403),
        (1, view(3), 403),
        (7, view(7), 403),
        (7, GROUP.to_owned(), 403),
        (4, view(2), 404),
    ] {
        assert_eq!(world.as_user(number).get(&target).await.status, status, "{number} {target}");
    }

    for (number, target, put, delete, allow) in [
        (1, view(1), 405, 405, "GET, HEAD"),
        (6, view(6), 405, 405, "GET, HEAD"),
        (2, view(2), 403, 403, ""),
        (7, view(7), 403, 403, ""),
        (1, view(3), 403, 403, ""),
        (4, view(1), 405, 405, "GET, HEAD"),
        (3, view(3), 200, 405, "GET, HEAD, PUT"),
        (3, GROUP.to_owned(), 200, 405, "GET, HEAD, PUT"),
        (5, view(5), 200, 200, ""),
    ] {
        let client = world.as_user(number);
        let stored = client.put(&target, GROUP_TYPE, group(&[1, 3, 6])).await;
        assert_eq!(stored.status, put, "{number} {target}");
        let deleted = client.delete(&target).await;
        assert_eq!((deleted.status.as_u16(), deleted.header("allow")), (delete, allow), "{number} {target}");
    }
    assert_eq!(world.as_user(1).get(&view(1)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(4).get(GROUP).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn g4_the_creator_keeps_seeing_it() {
    let world = World::new().await;
    world.store(&[1]).await;
    world.bench.account("tel:+824", "fire", &[], &[]).await;
    assert_eq!(world.as_user(4).get(&view(4)).await.status, StatusCode::OK);
    assert_eq!(
        world.as_user(4).put(&view(4), GROUP_TYPE, group(&[])).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    // Whoever replaces it does not become the creator.
    world.as_user(5).put(GROUP, GROUP_TYPE, group(&[])).await;
    world.bench.account("tel:+825", "fire", &[], &[]).await;
    assert_eq!(world.as_user(5).get(GROUP).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(4).get(GROUP).await.status, StatusCode::OK);
}

#[tokio::test]
async fn g1_the_uri_is_the_name() {
    let world = World::new().await;
    for content in [named("tel:+828", &[]), "<group xmlns='urn:oma:xml:poc:list-service'/>".to_owned()] {
        let answer = world.as_user(4).put(GROUP, GROUP_TYPE, content).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(answer.text().contains("<constraint-failure "), "{}", answer.text());
    }
    for entry in ["<entry/>", "<entry uri='mailto:a@example.org'/>"] {
        let content = group(&[1]).replace("<list>", &format!("<list>{entry}"));
        assert_eq!(
            world.as_user(4).put(GROUP, GROUP_TYPE, content).await.status,
            StatusCode::CONFLICT,
            "{entry}"
        );
    }
}

#[tokio::test]
async fn nodes_as_the_field_selects_them() {
    let world = World::new().await;
    let stored = world.store(&[1, 2]).await;
    for (selector, body) in [
        (
            "group/list-service%5b@uri=%22tel:+829%22%5d/display-name",
            "<display-name xml:lang=\"en-us\">Team</display-name>",
        ),
        ("group/list-service/list/entry[2]", "<entry uri=\"tel:+822\"/>"),
        ("group/list-service/list/entry[@uri='tel:+821']/@uri", "tel:+821"),
    ] {
        let answer = world.as_user(1).get(&format!("{}/~~/{selector}", view(1))).await;
        assert_eq!(
            (answer.status, answer.text(), answer.etag()),
            (StatusCode::OK, body, stored.etag()),
            "{selector}"
        );
    }
    let outsider = world.as_user(6).get(&format!("{}/~~/group", view(6))).await;
    assert_eq!(outsider.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn x21_twenty_thousand_entries() {
    let world = World::new().await;
    let members =
        |count: usize| named("tel:+829", &(0..count).map(|n| format!("tel:+8210{n:05}")).collect::<Vec<_>>());
    assert_eq!(world.as_user(4).put(GROUP, GROUP_TYPE, members(20_000)).await.status, StatusCode::CREATED);
    let refused = world.as_user(4).put(GROUP, GROUP_TYPE, members(20_001)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("<constraint-failure "), "{}", refused.text());
    let large = vec![b' '; (4 << 20) + 1];
    assert_eq!(world.as_user(4).put(GROUP, GROUP_TYPE, large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    world.bench.account("tel:+821019999", "fire", &[], &[]).await;
    let member = world.bench.client(&world.parts.mounts[0], "tel:+821019999");
    let target = "/org.openmobilealliance.groups/users/tel:+821019999/tel:+829/~~/group/list-service/list/entry[20000]/@uri";
    assert_eq!(member.get(target).await.text(), "tel:+821019999");
}

#[tokio::test]
async fn g7_membership_follows_the_document() {
    let mut world = World::new().await;
    let all = ids(&[1, 2, 3, 4, 5, 6]);
    // A group that was there before the projector.
    let first = world.store(&[1, 2]).await;
    let (trigger, running) = world.project();
    world.until_shown(&all, &ids(&[1, 2, 4]), &first.etag()).await;
    let second = world.store(&[2, 6]).await;
    world.until_shown(&all, &ids(&[2, 4, 6]), &second.etag()).await;
    assert_eq!(world.as_user(1).get(&view(1)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(6).get(&view(6)).await.etag(), second.etag());
    world.as_user(5).delete(GROUP).await;
    world.until_shown(&all, &[], "").await;
    // Made again, by somebody else: the first creator has no part in it.
    let third = world.as_user(5).put(GROUP, GROUP_TYPE, group(&[1])).await;
    assert_eq!(third.status, StatusCode::CREATED);
    world.until_shown(&all, &ids(&[1, 5]), &third.etag()).await;
    trigger.request();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_thousand_members_see_every_change() {
    let mut world = World::new().await;
    let members: Vec<McpttId> =
        (0..1000).map(|number| format!("tel:+8230{number:04}").parse().unwrap()).collect();
    let content = named("tel:+829", &members.iter().map(ToString::to_string).collect::<Vec<_>>());
    let mut positions = Vec::new();
    for partition in Partition::all() {
        positions.push((partition, world.bench.records.store().position(partition).await.unwrap()));
    }
    let (_trigger, _running) = world.project();
    let mut tag = String::new();
    for _ in 0..2 {
        tag = world.as_user(4).put(GROUP, GROUP_TYPE, content.clone()).await.etag();
        world.until_shown(&members, &members, &tag).await;
    }
    // Each change announced each view once, in its member's partition.
    let mut announced = 0;
    for (partition, tail) in
        world.bench.records.store().tail(&positions, 10_000, Duration::ZERO).await.unwrap()
    {
        let Tail::Entries { entries, .. } = tail else { panic!("{partition:?} lost") };
        for entry in entries {
            let Some(log_entry::Change::Document(changed)) =
                LogEntry::decode(&*entry.payload).unwrap().change
            else {
                panic!()
            };
            if let Some(view) = changed.path.strip_prefix("org.openmobilealliance.groups/users/") {
                assert_eq!(changed.organisation, "fire");
                assert_eq!(Partition::of(view.split('/').next().unwrap()), partition);
                announced += usize::from(!view.starts_with("tel:+824/"));
            }
        }
    }
    assert_eq!(announced, 2000);
    let one_less = content.replacen("<entry uri=\"tel:+82300000\"/>", "", 1);
    assert_ne!(tag, world.as_user(4).put(GROUP, GROUP_TYPE, one_less).await.etag());
}

#[tokio::test]
async fn provisioning() {
    let world = World::new().await;
    let mut client = DocumentsClient::new(bus::in_process(world.parts.grpc.clone().unwrap()));
    let mut put = async |path: &str, organisation: &str, content: String| {
        let request = PutRequest {
            path: path.to_owned(),
            content: content.into(),
            organisation: organisation.to_owned(),
            dry_run: false,
        };
        client.put(request).await.map(|answer| answer.into_inner().outcome()).map_err(|status| status.code())
    };
    let path = &GROUP[1..];
    assert_eq!(put(path, "fire", group(&[1])).await, Ok(Outcome::Created));
    assert_eq!(put(path, "", group(&[1])).await, Ok(Outcome::Unchanged));
    assert_eq!(
        put(&path.replace("byGroupID", "byGroup"), "fire", group(&[1, 2])).await,
        Ok(Outcome::Changed)
    );
    assert_eq!(put(path, "police", group(&[1])).await, Err(tonic::Code::FailedPrecondition));
    assert_eq!(put(&view(1)[1..], "fire", group(&[1])).await, Err(tonic::Code::InvalidArgument));
    assert_eq!(world.as_user(2).get(&view(2)).await.text(), group(&[1, 2]));
    assert_eq!(world.as_user(4).get(GROUP).await.status, StatusCode::OK);
    let others = world.as_user(7).send(Method::DELETE, GROUP, &[], "").await;
    assert_eq!(others.status, StatusCode::FORBIDDEN);
}
