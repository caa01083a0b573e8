//! A user with a good token who wants what is somebody else's.

use csc_tests::sip::{Ask, Watchers};
use csc_tests::{ALEX, DANA, ENGINE_7, INCIDENT, SAM};

use super::World;

const MEDIA_TYPES: [&str; 2] =
    ["application/vnd.3gpp.mcptt-user-profile+xml", "application/vnd.oma.poc.groups+xml"];

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_another_user() {
    let Some(mut world) = World::new(&[]).await else { return };
    let token = world.server.token(SAM).await;
    let fields = |media_type| [("access_token", token.as_str()), ("Content-Type", media_type)];
    let alex = ALEX.0;
    let dana = DANA.0;
    let [profile, groups] = MEDIA_TYPES;
    for (path, media_type) in [
        // What there is, and what there is not: the answer does not tell which.
        (format!("org.3gpp.mcptt.user-profile/users/{alex}/user-profile"), profile),
        (format!("org.3gpp.mcptt.user-profile/users/{dana}/user-profile"), profile),
        (format!("org.3gpp.mcptt.user-profile/users/{alex}/~~/mcptt-user-profile"), profile),
        ("org.3gpp.mcptt.user-profile/users/tel:+82599999999/user-profile".to_owned(), profile),
        (format!("org.3gpp.mcptt.user-profile/users/{}/user-profile", alex.replace('+', "%2B")), profile),
        (format!("org.3gpp.mcptt.ue-config/users/{alex}/ue-config"), profile),
        (format!("org.3gpp.mcptt.service-config/users/{alex}/service-config"), profile),
        (format!("org.openmobilealliance.xcap-directory/users/{alex}/directory.xml"), profile),
        (format!("org.openmobilealliance.groups/users/{alex}/{ENGINE_7}"), groups),
        (format!("org.openmobilealliance.groups/users/{alex}/tel:+82579999999"), groups),
    ] {
        // A tree without a document name is no document for anybody.
        let want = if path.contains("~~") { 404 } else { 403 };
        for (method, body) in [("GET", &b""[..]), ("HEAD", b""), ("PUT", b"<a/>"), ("DELETE", b"")] {
            let answer = world.send(method, &format!("/{path}"), &fields(media_type), body).await;
            assert_eq!(answer.status, want, "{method} {path}: {answer:?}");
            assert_eq!(answer.header("etag"), None, "{method} {path}");
        }
        world.goes_on().await;
    }
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_keys_of_others() {
    let Some(mut world) = World::new(&[]).await else { return };
    let token = world.server.token(ALEX).await;
    let fields = [("access_token", token.as_str()), ("Content-Type", MEDIA_TYPES[1])];
    // Alex is not in the incident's group. He may not know whether there is another.
    for group in [INCIDENT, "tel:+82579999999"] {
        let target = format!("/org.openmobilealliance.groups/global/byGroupID/{group}");
        for (method, body) in [("GET", &b""[..]), ("PUT", b"<group/>"), ("DELETE", b"")] {
            let answer = world.send(method, &target, &fields, body).await;
            assert_eq!(answer.status, 403, "{method} {group}: {answer:?}");
        }
    }
    world.goes_on().await;

    for target in ["keyprov", "init", &format!("keyprov/{}", SAM.0)] {
        let target = format!("/keymanagement/identity/v1/{target}");
        let form = format!("MCPTTID={}", SAM.0);
        let answer = world.send("POST", &target, &fields[..1], form.as_bytes()).await;
        assert_eq!(answer.status, 403, "{target}: {answer:?}");
        assert!(!answer.text().contains("KmsKeySet"), "{target}");
        world.goes_on().await;
    }
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_to_what_is_anothers() {
    let Some(mut world) = World::new(&[]).await else { return };
    let mut watchers = Watchers::at(world.server.proxies()).await;
    let sam = SAM.0;
    for entry in [
        format!("org.3gpp.mcptt.user-profile/users/{sam}/user-profile"),
        format!("org.openmobilealliance.groups/users/{sam}"),
        format!("org.openmobilealliance.groups/users/{sam}/"),
        format!("org.openmobilealliance.groups/global/byGroupID/{INCIDENT}"),
        "org.example.nothing/users/x/y".to_owned(),
    ] {
        assert_eq!(watchers.ask(&Ask::list(ALEX.0, &[&entry])).await, 403, "{entry}");
        let own = format!("org.openmobilealliance.groups/users/{}", ALEX.0);
        // Beside what is permitted, it is left out.
        let mixed = watchers.add(&Ask::list(ALEX.0, &[&entry, &own]));
        watchers.until("a first NOTIFY", |n, watcher| n != mixed || !watcher.told.is_empty()).await;
        let told = &watchers.get(mixed).told[0];
        assert_eq!(told.len(), 1, "{entry}: {told:?}");
        assert_eq!(told[0].sel, format!("{own}/{ENGINE_7}"));
    }
    // A tel URI that begins like Alex's is another user.
    let longer = format!("{}1", ALEX.0);
    assert_eq!(watchers.ask(&Ask::list(&longer, &["org.openmobilealliance.groups/users/x"])).await, 403);
    world.goes_on().await;
    world.server.stop().await;
}
