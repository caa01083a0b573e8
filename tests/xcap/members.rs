//! G4, G5 and G7: who may do what with a group, and what follows from its list.

use std::sync::Arc;

use csc::ue::Change;
use csc_tests::sip::{Ask, Watchers};

use crate::call::tag;
use crate::check::checks;
use crate::documents::{GROUP_TYPE, GROUPS, SERVICE_CONFIG, group, view};
use crate::groups::global;
use crate::people::{self, ADMIN, ALEX, CHIEF, DANA, DIVER, KIM, NEW, PLATFORM, PORT, Person, SAM};
use crate::world::World;

checks! {
    "G4" Everywhere g4_a_dispatcher_by_every_path;
    "G4" Everywhere g4_an_authorized_user_in_the_list;
    "G4" Everywhere g4_a_plain_member;
    "G4" Everywhere g4_trees_of_others;
    "G4" Everywhere g4_the_creator_sees_it;
    "G5" Everywhere g5_members_read;
    "G5" Everywhere g5_outsiders_learn_nothing;
    "G7" Everywhere g7_views_follow_the_document;
    "G7" Everywhere g7_a_deleted_group_leaves_nothing;
    "G7" Everywhere g7_a_deleted_user_leaves_nothing;
}

async fn g4_a_dispatcher_by_every_path(world: Arc<World>) {
    for who in [DANA, ADMIN] {
        let id = world.free_group();
        let own = view(who.0, &id);
        let put = |path: &str| world.call(who, "PUT", path.to_owned()).body(GROUP_TYPE, group(&id, &[SAM.0]));
        put(&own).is(201).await;
        put(&global(&id)).is(200).await;
        put(&own).is(200).await;
        let (seen, whole) = (world.call(who, "GET", own.clone()), world.call(who, "GET", global(&id)));
        assert_eq!(seen.is(200).await.body, whole.is(200).await.body);
        let name = |path: &str| format!("{path}/~~/group/list-service/display-name");
        let element = "<display-name>New</display-name>";
        world.call(who, "PUT", name(&own)).element(element).is(200).await;
        world.call(who, "PUT", name(&global(&id))).element(element).is(200).await;
        world.call(who, "DELETE", name(&own)).is(200).await;
        world.call(who, "DELETE", own.clone()).is(200).await;
        world.call(who, "GET", global(&id)).is(404).await;
        put(&global(&id)).is(201).await;
        world.call(who, "DELETE", global(&id)).is(200).await;
        world.call(who, "GET", own).is(404).await;
    }
    let (id, _) = world.group(&[SAM.0]).await;
    world.call(PLATFORM, "PUT", global(&id)).body(GROUP_TYPE, group(&id, &[SAM.0, ALEX.0])).is(200).await;
    world.call(PLATFORM, "DELETE", global(&id)).is(200).await;
}

async fn g4_an_authorized_user_in_the_list(world: Arc<World>) {
    let (id, stored) = world.group(&[CHIEF.0, SAM.0]).await;
    let own = view(CHIEF.0, &id);
    for path in [own.clone(), global(&id)] {
        world.call(CHIEF, "GET", path.clone()).is(200).await;
        let body = group(&id, &[CHIEF.0, SAM.0, ALEX.0]);
        world.call(CHIEF, "PUT", path.clone()).body(GROUP_TYPE, body).is(200).await;
        let name = format!("{path}/~~/group/list-service/display-name");
        world.call(CHIEF, "PUT", name).element("<display-name>New</display-name>").is(200).await;
        world.call(CHIEF, "DELETE", path).allows_only(&["GET", "HEAD", "PUT"]).await;
    }
    // Out of the list, out of the right; and no group of somebody else's.
    stored.replace(&group(&id, &[SAM.0])).await;
    for path in [own, global(&id), global(&world.free_group())] {
        world.call(CHIEF, "GET", path.clone()).is(403).await;
        world.call(CHIEF, "PUT", path.clone()).body(GROUP_TYPE, group(&id, &[CHIEF.0])).is(403).await;
        world.call(CHIEF, "DELETE", path).is(403).await;
    }
}

async fn g4_a_plain_member(world: Arc<World>) {
    let (id, stored) = world.group(&[SAM.0, DIVER.0]).await;
    let before = stored.state().await;
    // Members from elsewhere are members, too.
    for who in [SAM, DIVER] {
        for path in [view(who.0, &id), global(&id)] {
            world.call(who, "GET", path.clone()).is(200).await;
            let body = group(&id, &[who.0]);
            world.call(who, "PUT", path.clone()).body(GROUP_TYPE, body).allows_only(&["GET", "HEAD"]).await;
            world.call(who, "DELETE", path.clone()).allows_only(&["GET", "HEAD"]).await;
            let node = format!("{path}/~~/group/list-service/display-name");
            let element = "<display-name>New</display-name>";
            world.call(who, "PUT", node.clone()).element(element).allows_only(&["GET", "HEAD"]).await;
            world.call(who, "DELETE", node).allows_only(&["GET", "HEAD"]).await;
        }
    }
    assert_eq!(stored.state().await, before);
}

async fn g4_trees_of_others(world: Arc<World>) {
    let (id, stored) = world.group(&[SAM.0, ALEX.0]).await;
    let before = stored.state().await;
    let path = view(SAM.0, &id);
    for who in [DANA, ADMIN] {
        world.call(who, "GET", path.clone()).is(200).await;
        let put = world.call(who, "PUT", path.clone()).body(GROUP_TYPE, group(&id, &[SAM.0]));
        put.allows_only(&["GET", "HEAD"]).await;
        world.call(who, "DELETE", path.clone()).allows_only(&["GET", "HEAD"]).await;
    }
    for who in [ALEX, KIM, CHIEF, DIVER, PORT] {
        for path in [path.clone(), view(SAM.0, &world.free_group())] {
            // A dispatcher of any organisation is told which names are free.
            if who == PORT && !path.ends_with(&id) {
                continue;
            }
            world.call(who, "GET", path.clone()).is(403).await;
            world.call(who, "PUT", path.clone()).body(GROUP_TYPE, group(&id, &[who.0])).is(403).await;
            world.call(who, "DELETE", path).is(403).await;
        }
    }
    assert_eq!(stored.state().await, before);
}

async fn g4_the_creator_sees_it(world: Arc<World>) {
    let id = world.free_group();
    let path = view(DANA.0, &id);
    world.call(DANA, "PUT", path.clone()).body(GROUP_TYPE, group(&id, &[SAM.0])).is(201).await;
    let answer = world.call(DANA, "GET", path.clone()).is(200).await;
    let listed = world.listed(DANA, &path, true).await.expect("a tag");
    assert_eq!(format!("\"{listed}\""), tag(&answer));
    world.call(SAM, "GET", view(SAM.0, &id)).is(200).await;
    // Beside the group, not in it.
    assert!(!answer.text().contains(DANA.0), "{}", answer.text());
    world.call(DANA, "DELETE", path.clone()).is(200).await;
    world.listed(DANA, &path, false).await;
}

async fn g5_members_read(world: Arc<World>) {
    let (id, stored) = world.group(&[SAM.0, ALEX.0]).await;
    let (content, _) = stored.state().await;
    for who in [SAM, ALEX] {
        for path in [view(who.0, &id), global(&id), global(&id).replace("byGroupID", "byGroup")] {
            let answer = world.call(who, "GET", path.clone()).is(200).await;
            assert_eq!(answer.text(), content, "{path}");
            world.call(who, "HEAD", path.clone()).is(200).await;
            world.call(who, "GET", format!("{path}/~~/group/list-service/list/entry[1]/@uri")).is(200).await;
        }
    }
    // From the moment of the change on, whatever has been told to whom.
    stored.replace(&group(&id, &[ALEX.0])).await;
    world.call(SAM, "GET", view(SAM.0, &id)).is(403).await;
    world.call(SAM, "GET", global(&id)).is(403).await;
    stored.replace(&group(&id, &[SAM.0])).await;
    world.call(SAM, "GET", view(SAM.0, &id)).is(200).await;
}

async fn g5_outsiders_learn_nothing(world: Arc<World>) {
    let (id, _) = world.group(&[SAM.0]).await;
    let free = world.free_group();
    for who in [KIM, CHIEF, DIVER, NEW, PORT] {
        let answers = async |id: &str| {
            let mut answers = Vec::new();
            for path in [global(id), view(who.0, id)] {
                // What does not exist could be made by a dispatcher of any organisation.
                if who == PORT && id == free {
                    continue;
                }
                for method in ["GET", "HEAD", "DELETE"] {
                    let answer = world.call(who, method, path.clone()).is(403).await;
                    answers.push((
                        answer.header("content-length").map(str::to_owned),
                        answer.header("etag").is_none(),
                    ));
                }
                let node = format!("{path}/~~/group/list-service");
                world.call(who, "GET", node).is(403).await;
            }
            answers
        };
        let (there, not_there) = (answers(&id).await, answers(&free).await);
        assert!(who == PORT || there == not_there, "{who:?}: {there:?} {not_there:?}");
    }
    world.anonymous("GET", global(&id)).is(401).await;
    world.anonymous("GET", global(&free)).is(401).await;
}

fn told(watchers: &Watchers, number: usize, path: &str) -> Vec<Change> {
    let all = watchers.get(number).told.iter().flatten();
    all.filter(|change| change.sel.ends_with(path.trim_start_matches('/'))).cloned().collect()
}

async fn g7_views_follow_the_document(world: Arc<World>) {
    let mut watchers = Watchers::at(world.client().proxies()).await;
    let tree = |who: Person| format!("{GROUPS}/users/{}", who.0);
    let numbers: Vec<usize> =
        [SAM, ALEX].iter().map(|who| watchers.add(&Ask::list(who.0, &[&tree(*who)]))).collect();
    watchers.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;
    let (id, stored) = world.group(&[SAM.0]).await;
    let (_, first) = stored.state().await;
    let first = first.trim_matches('"').to_owned();
    let told_of = |watcher: &csc_tests::sip::Watcher, id: &str, new: Option<&str>| {
        let last = watcher.told.iter().flatten().rfind(|change| change.sel.ends_with(id));
        last.is_some_and(|change| change.new.as_deref() == new)
    };
    let sam = numbers[0];
    watchers.until("Sam's view", |n, watcher| n != sam || told_of(watcher, &id, Some(&first))).await;
    world.listed(SAM, &view(SAM.0, &id), true).await;
    stored.replace(&group(&id, &[SAM.0, ALEX.0])).await;
    let (_, second) = stored.state().await;
    let second = second.trim_matches('"').to_owned();
    watchers.until("both views", |_, watcher| told_of(watcher, &id, Some(&second))).await;
    stored.replace(&group(&id, &[ALEX.0])).await;
    let (_, third) = stored.state().await;
    let third = third.trim_matches('"').to_owned();
    watchers
        .until("one view less", |n, watcher| {
            told_of(watcher, &id, if n == sam { None } else { Some(&third) })
        })
        .await;
    world.listed(SAM, &view(SAM.0, &id), false).await;
    // Each was led from tag to tag.
    let changes = told(&watchers, sam, &id);
    let chain: Vec<_> = changes.iter().map(|change| (change.previous.clone(), change.new.clone())).collect();
    assert_eq!(chain.first(), Some(&(None, Some(first))), "{chain:?}");
    for pair in chain.windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "{chain:?}");
    }
}

async fn g7_a_deleted_group_leaves_nothing(world: Arc<World>) {
    let (id, stored) = world.group(&[SAM.0, ALEX.0, CHIEF.0]).await;
    let members = [SAM, ALEX, CHIEF];
    for who in members {
        world.listed(who, &view(who.0, &id), true).await;
    }
    stored.itself("DELETE").is(200).await;
    for who in members {
        world.call(who, "GET", view(who.0, &id)).is(403).await;
        world.listed(who, &view(who.0, &id), false).await;
    }
    world.call(DANA, "GET", global(&id)).is(404).await;
    world.call(DANA, "DELETE", global(&id)).is(404).await;
    // The name is free again, for somebody else, and former members are nobody there.
    world.call(PORT, "PUT", global(&id)).body(GROUP_TYPE, group(&id, &[DIVER.0])).is(201).await;
    world.call(SAM, "GET", view(SAM.0, &id)).is(403).await;
    world.call(PORT, "DELETE", global(&id)).is(200).await;
}

async fn g7_a_deleted_user_leaves_nothing(world: Arc<World>) {
    let leaver: Person = ("tel:+82571009973", "last-day");
    people::put(world.client(), leaver, csc_tests::ORGANISATION, &[], Vec::new()).await;
    world.forget(leaver).await;
    let (id, stored) = world.group(&[SAM.0, leaver.0]).await;
    let list = format!("/resource-lists/users/{}/index", leaver.0);
    world
        .store(leaver, list.clone(), crate::documents::LISTS_TYPE, &crate::documents::lists("<list/>"))
        .await;
    world.listed(leaver, &view(leaver.0, &id), true).await;
    let (content, before) = stored.state().await;

    people::delete(world.client(), leaver.0).await;
    world
        .until("the group without the user", async || {
            (!stored.state().await.0.contains(leaver.0)).then_some(())
        })
        .await;
    // Nothing else was changed in it, and its tag is a new one.
    let (after, tag) = stored.state().await;
    assert_eq!(after, content.replace(&format!("<entry uri=\"{}\"/>", leaver.0), ""));
    assert_ne!(tag, before);
    world.call(leaver, "GET", view(leaver.0, &id)).is(401).await;
    world
        .until("the user's documents are gone", async || {
            let answer = world.call(PLATFORM, "GET", list.clone()).send().await;
            (answer.status == 404).then_some(())
        })
        .await;
    // Somebody who gets the name later starts with nothing of the leaver's: what is listed then is the organisation's.
    people::put(world.client(), leaver, csc_tests::ORGANISATION, &[], Vec::new()).await;
    world.forget(leaver).await;
    world
        .until("an empty directory", async || {
            let listed = world.directory(leaver).await;
            listed.iter().all(|(auid, _, _)| auid == SERVICE_CONFIG).then_some(())
        })
        .await;
    world.call(leaver, "GET", list).is(404).await;
    world.call(leaver, "GET", view(leaver.0, &id)).is(403).await;
}
