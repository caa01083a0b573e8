//! A group of a thousand: every change reaches each member's tree and each member's terminal.

use csc::ue::{Change, Ue};
use csc_tests::DANA;
use csc_tests::sip::{Ask, Watchers};
use tokio::task::JoinSet;

use super::{Console, GROUP_TYPE, document, path, view};

use crate::Server;

const GROUP: &str = "tel:+82570001000";
const MEMBERS: usize = 1_000;
const PASSWORD: &str = "shift-change";
/// What a thousand passwords cost is not what is tested here.
const CHEAP: [(&str, &str); 3] =
    [("CSC_IDMS_PASSWORD_MEMORY", "8"), ("CSC_IDMS_PASSWORD_PASSES", "1"), ("CSC_IDMS_PASSWORD_LANES", "1")];

fn member(number: usize) -> String {
    format!("tel:+8258{number:07}")
}

/// Creates the accounts, many at a time: each waits for the disk.
async fn hire(server: &Server) -> Vec<String> {
    let members: Vec<String> = (0..MEMBERS).map(member).collect();
    let mut hired = JoinSet::new();
    for some in members.chunks(MEMBERS / 20) {
        let (client, some) = ((**server).clone(), some.to_vec());
        hired.spawn(async move {
            for member in some {
                client.add_user((&member, PASSWORD), &[]).await;
            }
        });
    }
    hired.join_all().await;
    members
}

/// What the last NOTIFY to a member said of the group in its tree.
fn change(member: &str, previous: Option<&str>, new: Option<&str>) -> Vec<Change> {
    vec![Change {
        sel: view(member, GROUP),
        previous: previous.map(str::to_owned),
        new: new.map(str::to_owned),
    }]
}

/// One member in a hundred, on its terminal.
async fn sample(server: &Server, members: &[String]) -> Vec<Ue> {
    let mut sample = Vec::new();
    for member in members.iter().step_by(MEMBERS / 10) {
        sample.push(server.ue((member, PASSWORD)).await);
    }
    sample
}

/// The terminal finds the group in its tree, at this tag, or finds none.
async fn sees(ue: &mut Ue, etag: Option<&str>) {
    let user = ue.user().to_string();
    let directory = format!("org.openmobilealliance.xcap-directory/users/{user}/directory.xml");
    let listed = ue.get(&directory).await.expect("a directory");
    let listed = String::from_utf8(listed.body.to_vec()).expect("UTF-8");
    let found = ue.get(&view(&user, GROUP)).await;
    let Some(etag) = etag else {
        let error = found.err().expect("no group any more").to_string();
        assert!(error.contains("403"), "{user}: {error}");
        assert!(!listed.contains(GROUP), "{user}: {listed}");
        return;
    };
    assert_eq!(found.expect("the group").etag, etag, "{user}");
    assert_eq!(ue.groups().await.expect("a directory"), [GROUP], "{user}");
    assert!(listed.contains(etag), "{user}: {etag} is not in {listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_members_hear_of_every_change() {
    let Some(server) = Server::start_with(&CHEAP).await else { return };
    let members = hire(&server).await;
    let mut watchers = Watchers::at(server.proxies()).await;
    for member in &members {
        let tree = format!("org.openmobilealliance.groups/users/{member}");
        watchers.add(&Ask::list(member, &[&tree]));
    }
    watchers.until("a first NOTIFY that names nothing", |_, w| w.told == [vec![]]).await;
    for watcher in watchers.all() {
        assert_eq!(watcher.answer, Some(200), "{watcher:?}");
    }
    let console = Console::at(&server).await;
    let target = path(GROUP);
    let mut terminals = sample(&server, &members).await;

    let first = console.put(&target, GROUP_TYPE, &document(GROUP, "Everybody", &members)).await;
    let told = |n: usize, previous, new| change(&members[n], previous, new);
    let news = |n: usize, w: &csc_tests::sip::Watcher| w.told.last() == Some(&told(n, None, Some(&first)));
    watchers.until("the group that was created", news).await;
    for terminal in &mut terminals {
        sees(terminal, Some(&first)).await;
    }

    let second = console.put(&target, GROUP_TYPE, &document(GROUP, "All of us", &members)).await;
    let both = (Some(first.as_str()), Some(second.as_str()));
    watchers.until("the change", |n, w| w.told.last() == Some(&told(n, both.0, both.1))).await;
    for terminal in &mut terminals {
        sees(terminal, Some(&second)).await;
    }

    // Every second one goes.
    let rest: Vec<String> = members.iter().skip(1).step_by(2).cloned().collect();
    let third = console.put(&target, GROUP_TYPE, &document(GROUP, "Half of us", &rest)).await;
    let after = |n: usize| if n.is_multiple_of(2) { None } else { Some(third.as_str()) };
    watchers
        .until("who went and who stayed", |n, w| w.told.last() == Some(&told(n, Some(&second), after(n))))
        .await;
    for (number, terminal) in terminals.iter_mut().enumerate() {
        sees(terminal, after(number * MEMBERS / 10)).await;
    }

    console.delete(&target).await;
    let last = |n: usize| match after(n) {
        Some(third) => told(n, Some(third), None),
        None => told(n, Some(&second), None),
    };
    watchers.until("the end of the group", |n, w| w.told.last() == Some(&last(n))).await;
    for terminal in &mut terminals {
        sees(terminal, None).await;
    }
    // Nothing was told twice, and nothing in between was left out.
    for (number, watcher) in watchers.all().enumerate() {
        let count = if number.is_multiple_of(2) { 4 } else { 5 };
        assert_eq!(watcher.told.len(), count, "{}: {:?}", members[number], watcher.told);
        assert!(watcher.state.starts_with("active;expires="), "{}", watcher.state);
    }
    server.ue(DANA).await.groups().await.expect("everything goes on");
    server.stop().await;
}
