//! Who may do what, and in which order requests are checked.

use std::convert::Infallible;
use std::sync::atomic::Ordering;

use csc_service::http::Body;
use csc_xcap_server::testing::Client;
use futures::SinkExt;
use futures::channel::mpsc;
use http::{Method, Request, StatusCode};
use tower::ServiceExt;

use crate::world::{DIRECTORY, PROFILE, PROFILE_TYPE, SERVICE_CONFIG, World, profile};

#[tokio::test]
async fn c2_who_may_store() {
    let world = World::new().await;
    // Seed 001: the document says one user, the tree is another's.
    let content = profile("").replace("tel:+8210", "sip:user1@example.org");
    assert_eq!(world.store_profile(&content).await.status, StatusCode::CREATED);
    for (id, status) in [("tel:+8210", 405), ("tel:+8211", 403), ("tel:+8299", 403)] {
        let client = world.as_user(id);
        assert_eq!(client.put(PROFILE, PROFILE_TYPE, content.clone()).await.status, status, "{id}");
        assert_eq!(client.delete(PROFILE).await.status, status, "{id}");
    }
    let nobody = "/org.3gpp.mcptt.user-profile/users/tel:+8277/user-profile";
    assert_eq!(
        world.administrator().put(nobody, PROFILE_TYPE, profile("")).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn c2_the_request_of_the_seed() {
    let root = ("CSC_XCAP_ROOTS", "/MissionCriticalOrg/MCO-12345/=fire");
    let world = World::with(&[root]).await;
    world.bench.account("sip:User1@example.com", "fire", &["administrator"], &[]).await;
    world.bench.account("sip:User2@example.com", "fire", &[], &[]).await;
    let target = "/MissionCriticalOrg/MCO-12345/org.3gpp.mcptt.user-profile/users/sip:User2@example.com/user-profile-0.xml";
    let content = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><mcptt-user-profile user-profile-index=\"0\" \
        XUI-URI=\"sip:User1@example.com\" xsi:schemaLocation=\"urn:3gpp:mcptt:user-profile:1.0 mcptt-user-profile.xsd\" \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns=\"urn:3gpp:mcptt:user-profile:1.0\">\
        <Name xml:lang=\"en-GB\">Default Duty Shift Profile of Officer 12345</Name></mcptt-user-profile>";
    let media_type = "application/org.3gpp.mcptt.user-profile+xml; charset=\"utf-8\"";
    let put = |user: &str| {
        let client = world.as_user(user);
        let bearer = format!("Bearer {}", client.token.clone().unwrap());
        async move {
            let client = Client { token: None, ..client };
            let headers = [("authorization", bearer.as_str()), ("content-type", media_type)];
            client.send(Method::PUT, target, &headers, content).await.status.as_u16()
        }
    };
    assert_eq!(put("sip:User2@example.com").await, 405);
    assert_eq!(put("tel:+8210").await, 403);
    assert_eq!(put("tel:+8299").await, 404);
    assert_eq!(put("sip:User1@example.com").await, 201);
    let own = "/org.3gpp.mcptt.user-profile/users/sip:User2@example.com/user-profile";
    let found = world.as_user("sip:User2@example.com").get(own).await;
    assert_eq!((found.status, found.text()), (StatusCode::OK, content));
}

/// The configuration of a terminal.
fn ue_config() -> &'static str {
    "<mcptt-UE-configuration xmlns='urn:3gpp:mcptt:mcpttUEConfig:1.0' domain='example.org'><common>\
     <private-call><Max-Simul-Call-N10>1</Max-Simul-Call-N10></private-call><MCPTT-Group-Call>\
     <Max-Simul-Call-N4>1</Max-Simul-Call-N4><Max-Simul-Trans-N5>1</Max-Simul-Trans-N5>\
     <Prioritized-MCPTT-Group><MCPTT-Group-Priority><MCPTT-Group-ID>tel:+829</MCPTT-Group-ID>\
     <group-priority-hierarchy>1</group-priority-hierarchy></MCPTT-Group-Priority></Prioritized-MCPTT-Group>\
     </MCPTT-Group-Call></common><on-network><IPv6Preferred>false</IPv6Preferred>\
     <Relay-Service>false</Relay-Service></on-network></mcptt-UE-configuration>"
}

#[tokio::test]
async fn terminals() {
    let world = World::new().await;
    let target = "/org.3gpp.mcptt.ue-config/users/urn:ue:1/urn:ue:1";
    let content = ue_config();
    let media_type = "application/vnd.3gpp.mcptt-ue-config+xml";
    assert_eq!(world.administrator().put(target, media_type, content).await.status, StatusCode::CREATED);
    assert_eq!(world.owner().get(target).await.text(), content);
    assert_eq!(world.as_user("tel:+8211").get(target).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        world.as_user("tel:+8299").put(target, media_type, content).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(world.owner().put(target, media_type, content).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let open = World::with(&[("CSC_XCAP_OPEN_TERMINALS", "true")]).await;
    assert_eq!(open.administrator().put(target, media_type, content).await.status, StatusCode::CREATED);
    assert_eq!(open.as_user("tel:+8211").get(target).await.text(), content);
}

/// A terminal's configuration is its organisation's, and goes with the terminal when that is lent.
#[tokio::test]
async fn terminals_belong_to_whoever_stores_first() {
    let world = World::new().await;
    world.bench.account("tel:+8200", "root", &["platform-administrator"], &[]).await;
    world.bench.account("tel:+8298", "police", &[], &["urn:ue:1"]).await;
    let target = "/org.3gpp.mcptt.ue-config/users/urn:ue:1/urn:ue:1";
    let media_type = "application/vnd.3gpp.mcptt-ue-config+xml";
    let put = async |id: &str, target: &str| {
        world.as_user(id).put(target, media_type, ue_config()).await.status.as_u16()
    };
    let (fire, police, platform, lent) = ("tel:+8201", "tel:+8299", "tel:+8200", "tel:+8298");
    assert_eq!(put(fire, target).await, 201);
    assert_eq!(world.as_user(lent).get(target).await.status, 200);
    for (id, status) in [(lent, 405), (police, 403)] {
        assert_eq!(put(id, target).await, status, "{id}");
        assert_eq!(world.as_user(id).delete(target).await.status, status, "{id}");
    }
    assert_eq!(put(police, &format!("/Org/P{target}")).await, 403);
    // Below the root of an organisation it becomes that one's, whoever stores it.
    assert_eq!(world.as_user(platform).delete(target).await.status, 200);
    assert_eq!(put(platform, &format!("/Org/P{target}")).await, 201);
    assert_eq!((put(police, target).await, put(fire, target).await), (200, 403));
}

#[tokio::test]
async fn order_of_checks() {
    let world = World::new().await;
    let put = |client: Client,
               target: &'static str,
               headers: &'static [(&'static str, &'static str)],
               size: usize| {
        async move { client.send(Method::PUT, target, headers, vec![b'x'; size]).await.status.as_u16() }
    };
    let mut nobody = world.owner();
    nobody.token = None;
    const LARGE: usize = (1 << 20) + 1;
    const FAILS: &[(&str, &str)] = &[("if-match", "\"x\""), ("content-type", "text/plain")];
    const WRONG_TYPE: &[(&str, &str)] = &[("content-type", "text/plain")];
    const RIGHT_TYPE: &[(&str, &str)] = &[("content-type", PROFILE_TYPE)];
    let unknown = "/org.3gpp.mcptt.user-profile/users/tel:+8210/unknown";
    let broken = "/org.3gpp.mcptt.user-profile/users/tel:+8210/%00";
    assert_eq!(put(nobody.clone(), broken, FAILS, LARGE).await, 400);
    assert_eq!(put(nobody.clone(), unknown, FAILS, LARGE).await, 401);
    assert_eq!(put(world.owner(), unknown, FAILS, LARGE).await, 404);
    assert_eq!(put(world.as_user("tel:+8211"), PROFILE, FAILS, LARGE).await, 403);
    assert_eq!(put(world.owner(), PROFILE, FAILS, LARGE).await, 405);
    assert_eq!(put(world.administrator(), PROFILE, FAILS, LARGE).await, 413);
    assert_eq!(put(world.administrator(), PROFILE, FAILS, 9).await, 412);
    assert_eq!(put(world.administrator(), PROFILE, WRONG_TYPE, 9).await, 415);
    assert_eq!(put(world.administrator(), PROFILE, RIGHT_TYPE, 9).await, 409);
    // Below another organisation's root there is nothing, whatever else is wrong.
    assert_eq!(put(world.as_user("tel:+8299"), "/Org/F/xcap-caps/global/index", FAILS, LARGE).await, 404);
    assert_eq!(put(nobody, "/Org/F/xcap-caps/global/index", FAILS, LARGE).await, 401);
}

#[tokio::test]
async fn tokens() {
    let world = World::new().await;
    let mut client = world.owner();
    let identity = [("x-3gpp-asserted-identity", "tel:+8211")];
    assert_eq!(client.send(Method::GET, DIRECTORY, &identity, "").await.status, StatusCode::FORBIDDEN);
    client.token = None;
    let answer = client.get(DIRECTORY).await;
    assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, "Bearer realm=\"csc\""));
    let bearer = format!("Bearer {}", world.bench.token("tel:+8210"));
    assert_eq!(
        client.send(Method::GET, DIRECTORY, &[("authorization", &bearer)], "").await.status,
        StatusCode::OK
    );
    // A token of somebody who has no account any more.
    assert_eq!(world.as_user("tel:+8277").get(DIRECTORY).await.status, StatusCode::UNAUTHORIZED);
    // Roles are those of the account, now.
    world.bench.account("tel:+8201", "fire", &[], &[]).await;
    assert_eq!(world.store_profile(&profile("")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn nobody_known_costs_the_store_nothing() {
    let (world, store) = World::tricky().await;
    store.silent.store(true, Ordering::SeqCst);
    let answer = world.owner().get(PROFILE).await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    let mut nobody = world.owner();
    nobody.token = None;
    for target in [PROFILE, DIRECTORY, SERVICE_CONFIG, "/Org/F/xcap-caps/global/index"] {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::POST] {
            let answer = nobody.send(method, target, &[], "").await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{target}");
        }
    }
}

#[tokio::test]
async fn what_changed_while_a_body_arrived_counts() {
    let world = World::new().await;
    let (mut sender, body) = mpsc::channel::<Result<Vec<u8>, Infallible>>(0);
    let request = Request::put(PROFILE)
        .header("access_token", world.bench.token("tel:+8201"))
        .header("content-type", PROFILE_TYPE)
        .body(Body::from_stream(body))
        .unwrap();
    let answer = tokio::spawn(world.parts.mounts[0].service.clone().oneshot(request));
    let content = profile("").into_bytes();
    let (first, rest) = content.split_at(content.len() / 2);
    // The second piece leaves when the first was read: the caller has been looked at.
    for piece in [first, b""] {
        sender.send(Ok(piece.to_vec())).await.unwrap();
    }
    world.bench.account("tel:+8201", "fire", &[], &[]).await;
    sender.send(Ok(rest.to_vec())).await.unwrap();
    drop(sender);
    assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(world.owner().get(PROFILE).await.status, StatusCode::NOT_FOUND);
}
