//! Request targets, nodes and methods.

use http::{Method, StatusCode};

use crate::world::{PROFILE, World, profile};

#[tokio::test]
async fn x1_x5_targets() {
    let world = World::new().await;
    let owner = world.owner();
    world.store_profile(&profile("")).await;
    for target in [
        "/org.3gpp.mcptt.user-profile/users/tel%3A%2B8210/user-profile",
        "/org.3gpp.mcptt.user-profile/users/tel%3a%2b8210/mcptt-user-profile-0.xml",
        "/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile-0.xml",
        "/org.3gpp.mcptt.user-profile/users/tel:+8210/mcptt-user-profile.xml",
        "/Org/F/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile",
    ] {
        assert_eq!(owner.get(target).await.status, StatusCode::OK, "{target}");
    }
    for (target, status) in [
        ("/org.3gpp.mcptt.user-profile/users/tel:+8210/%00", 400),
        ("/org.3gpp.mcptt.user-profile/users/tel:+8210/%zz", 400),
        ("/org.3gpp.mcptt.user-profile/users/tel:+8210/%C0%AFx", 400),
        ("/org.3gpp.mcptt.user-profile/users/tel:+8210/..%2fuser-profile", 404),
        ("/org.3gpp.mcptt.user-profile/users/tel:+8210/nothing", 404),
        ("/org.3gpp.mcptt.user-profile/users/+8210/user-profile", 404),
        ("/org.3gpp.mcptt.user-profile/elsewhere/tel:+8210/user-profile", 404),
        ("/org.openmobilealliance.groups/users/tel:+8210/tel:+8220", 404),
        ("/no-such-usage/users/tel:+8210/index", 404),
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::POST] {
            let answer = world.administrator().send(method.clone(), target, &[], "").await;
            assert_eq!(answer.status, status, "{method} {target}");
        }
    }
}

#[tokio::test]
async fn x2_x3_x4_x6_x7_nodes() {
    let world = World::new().await;
    let owner = world.owner();
    let content = profile(
        "<!-- all --><Common index='0' p:mark='a&amp;b'><ParticipantType>tel:+1</ParticipantType><anyExt>\
         <URI>1</URI><URI n='x/y~~%25'>한글</URI></anyExt></Common><p:Common/>",
    );
    let stored = world.store_profile(&content).await;
    let common = "<Common index='0' p:mark='a&amp;b'><ParticipantType>tel:+1</ParticipantType><anyExt>\
                  <URI>1</URI><URI n='x/y~~%25'>한글</URI></anyExt></Common>";
    for (selector, media_type, body) in [
        ("mcptt-user-profile/Common", "application/xcap-el+xml", common),
        (
            "u:mcptt-user-profile/*[1]?xmlns(u=urn:3gpp:mcptt:user-profile:1.0)",
            "application/xcap-el+xml",
            common,
        ),
        ("mcptt-user-profile/Common%5b@index=%220%22%5D", "application/xcap-el+xml", common),
        (
            "mcptt-user-profile/Common[@index='0']/ParticipantType[1]",
            "application/xcap-el+xml",
            "<ParticipantType>tel:+1</ParticipantType>",
        ),
        ("*/Common/anyExt/URI[@n='x%2Fy~~%2525']", "application/xcap-el+xml", "<URI n='x/y~~%25'>한글</URI>"),
        ("*/q:Common?xmlns(q=urn:p)", "application/xcap-el+xml", "<p:Common/>"),
        ("*/q:Common?element(/1)xmlns%28q%3Durn:p%29", "application/xcap-el+xml", "<p:Common/>"),
        ("*/Common[@q:mark='a&amp;b']/@q:mark?xmlns(q=urn:p)", "application/xcap-att+xml", "a&amp;b"),
        ("mcptt-user-profile/@XUI-URI", "application/xcap-att+xml", "tel:+8210"),
        (
            "*/q:Common/namespace::*?xmlns(q=urn:p)",
            "application/xcap-ns+xml",
            "<p:Common xmlns=\"urn:3gpp:mcptt:user-profile:1.0\" xmlns:p=\"urn:p\"/>",
        ),
    ] {
        let target = format!("{PROFILE}/~~/{selector}");
        let answer = owner.get(&target).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, body), "{selector}");
        assert_eq!(answer.header("content-type"), format!("{media_type}; charset=\"utf-8\""), "{selector}");
        assert_eq!(answer.etag(), stored.etag(), "{selector}");
        // X8: conditions for nodes, too.
        let headers = [("if-none-match", stored.header("etag"))];
        let unchanged = owner.send(Method::GET, &target, &headers, "").await;
        assert_eq!(
            (unchanged.status, unchanged.etag()),
            (StatusCode::NOT_MODIFIED, stored.etag()),
            "{selector}"
        );
    }
    for selector in [
        "",
        "mcptt-user-profile/Common/anyExt/URI",
        "mcptt-user-profile/Common/anyExt/URI[3]",
        "mcptt-user-profile/nothing",
        "mcptt-user-profile/Common[last()]",
        "mcptt-user-profile/Common[-1]",
        "mcptt-user-profile/external[]",
        "mcptt-user-profile/@nothing",
        "mcptt-user-profile/Common/@mark",
        // As printed in seed 4.2.4 and 4.3.4: no such elements.
        "user-profile/Common/MCPTTUserID",
        "service-configuration/common/broadcast-group",
    ] {
        let answer = owner.get(&format!("{PROFILE}/~~/{selector}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{selector}");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = owner.send(method, &format!("{PROFILE}/~~/*/x:Common?xmlns(y=urn:p)"), &[], "").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn x7_bindings_are_read_only() {
    let world = World::new().await;
    world.store_profile(&profile("<Name/>")).await;
    let target = format!("{PROFILE}/~~/mcptt-user-profile/namespace::*");
    for method in [Method::PUT, Method::DELETE, Method::POST] {
        for client in [world.owner(), world.administrator()] {
            let answer = client.send(method.clone(), &target, &[], "").await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD"), "{method}");
        }
        let answer = world.as_user("tel:+8211").send(method, &target, &[], "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn nodes_are_the_documents() {
    let world = World::new().await;
    let stored = world.store_profile(&profile("<Name>Alex</Name>")).await;
    let name = format!("{PROFILE}/~~/mcptt-user-profile/Name");
    let headers = [("content-type", "application/xcap-el+xml")];
    for (client, status) in
        [(world.owner(), 405), (world.as_user("tel:+8211"), 403), (world.administrator(), 200)]
    {
        let answer = client.send(Method::PUT, &name, &headers, "<Name>Kim</Name>").await;
        assert_eq!(answer.status.as_u16(), status);
    }
    let changed = world.owner().get(PROFILE).await;
    assert_eq!(changed.text(), profile("<Name>Kim</Name>"));
    assert_ne!(changed.etag(), stored.etag());
    let required = format!("{PROFILE}/~~/mcptt-user-profile/@XUI-URI");
    assert_eq!(world.administrator().delete(&required).await.status, StatusCode::CONFLICT);
    assert_eq!(world.administrator().delete(&name).await.status, StatusCode::OK);
    assert_eq!(world.owner().get(PROFILE).await.text(), profile(""));
}

#[tokio::test]
async fn other_methods() {
    let world = World::new().await;
    for method in [Method::POST, Method::PATCH, Method::OPTIONS, Method::from_bytes(b"MOVE").unwrap()] {
        let owner = world.owner().send(method.clone(), PROFILE, &[], "").await;
        assert_eq!((owner.status.as_u16(), owner.header("allow")), (405, "GET, HEAD"));
        let administrator = world.administrator().send(method.clone(), PROFILE, &[], "").await;
        assert_eq!(
            (administrator.status.as_u16(), administrator.header("allow")),
            (405, "GET, HEAD, PUT, DELETE")
        );
        assert_eq!(
            world.as_user("tel:+8211").send(method, PROFILE, &[], "").await.status,
            StatusCode::FORBIDDEN
        );
    }
}
