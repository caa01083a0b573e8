//! Lists, services, rules and pictures of presence, as seed 004 has them.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use csc_service::http::{Body, Mount, Peer};
use csc_store::{Change, Key, StoreError};
use csc_types::Partition;
use csc_xcap_server::testing::{Answer, Client};
use http::{Method, Request, StatusCode};
use tower::ServiceExt;

use crate::world::{World, assert_conflict};

const USER: &str = "sip:+339012341234@test-rcs.com";
const ENCODED: &str = "sip%3A%2B339012341234%40Test-rcs.com";
pub(crate) const LISTS: &str = "application/resource-lists+xml";
pub(crate) const SERVICES: &str = "application/rls-services+xml";

/// The service as the gateway at `address` reaches it.
fn behind(world: &World, address: &str) -> Client {
    let peer = Peer { address: SocketAddr::new(address.parse().unwrap(), 1), certificate: None };
    let service = world.parts.mounts[0].service.clone();
    let mount = Mount::new(
        [""],
        tower::service_fn(move |mut request: Request<Body>| {
            request.extensions_mut().insert(peer.clone());
            service.clone().oneshot(request)
        }),
    );
    Client { service: mount.service, token: None }
}

async fn world() -> World {
    let world = World::with(&[("CSC_XCAP_TRUSTED_ADDRESSES", "192.0.2.2")]).await;
    world.bench.account(USER, "fire", &[], &[]).await;
    world.bench.account("sip:+330123456789@test-rcs.com", "fire", &[], &[]).await;
    world
}

/// A request as the seed's terminal sends it.
async fn ask(client: &Client, method: Method, target: &str, media_type: &str, body: &str) -> Answer {
    let identity = format!("\"{USER}\"");
    let basic = format!("Basic {}", STANDARD.encode(format!("{USER}:X")));
    let headers = [
        ("x-3gpp-intended-identity", identity.as_str()),
        ("authorization", basic.as_str()),
        ("content-type", media_type),
    ];
    client.send(method, target, &headers, body.to_owned()).await
}

const LISTED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?> <resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"> \
    <list name=\"oma_buddylist\"> <external anchor=\"http://192.168.1.2:8080/resource-lists/users/sip%3A%2B339012341234%40Test-rcs.com/index/~~/resource-lists/list%5B@name=%22rcs%22%5D\"/> </list> \
    <list name=\"rcs\"> <display-name>My presence buddies</display-name> </list> </resource-lists>";

const SERVED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?> <rls-services xmlns=\"urn:ietf:params:xml:ns:rls-services\"> \
    <service uri=\"sip:+339012341234@Test-rcs.com;pres-list=rcs\"> <resource-list>http://192.168.1.2:8080/resource-lists/users/sip%3A%2B339012341234%40Test-rcs.com/index/~~/resource-lists/list%5B@name=%22rcs%22%5D</resource-list> \
    <packages> <package>presence</package> </packages> </service></rls-services>";

const RULES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?> <cr:ruleset xmlns:ocp=\"urn:oma:xml:xdm:common-policy\" \
    xmlns:pr=\"urn:ietf:params:xml:ns:pres-rules\" xmlns:cr=\"urn:ietf:params:xml:ns:common-policy\"> \
    <cr:rule id=\"wp_prs_allow_own\"> <cr:conditions> <cr:identity><cr:one id=\"sip:+339012341234@Test-rcs.com\"/></cr:identity> </cr:conditions> \
    <cr:actions><pr:sub-handling>allow</pr:sub-handling></cr:actions> <cr:transformations> \
    <pr:provide-services><pr:all-services/></pr:provide-services> <pr:provide-all-attributes/> </cr:transformations> </cr:rule> \
    <cr:rule id=\"wp_prs_unlisted\"> <cr:conditions><ocp:other-identity/></cr:conditions> \
    <cr:actions><pr:sub-handling>confirm</pr:sub-handling></cr:actions> </cr:rule> </cr:ruleset>";

#[tokio::test]
async fn r1_users_that_a_trusted_gateway_names() {
    let world = world().await;
    let gateway = behind(&world, "192.0.2.2");
    let directory = |user: &str| format!("/org.openmobilealliance.xcap-directory/users/{user}/directory.xml");
    let empty = ask(&gateway, Method::GET, &directory(ENCODED), "", "").await;
    assert_eq!(empty.status, StatusCode::OK);
    let lists = format!("/resource-lists/users/{ENCODED}/index");
    assert_eq!(ask(&gateway, Method::PUT, &lists, LISTS, LISTED).await.status, StatusCode::CREATED);
    // Percent-encoded and plain, whatever the case of the host: one user.
    for user in [USER, "sip:+339012341234@TEST-rcs.COM", "sip%3a%2b339012341234%40test-rcs.com"] {
        let same = ask(&gateway, Method::GET, &format!("/resource-lists/users/{user}/index"), "", "").await;
        assert_eq!((same.status, same.text()), (StatusCode::OK, LISTED), "{user}");
    }
    let listed = ask(&gateway, Method::GET, &directory(USER), "", "").await;
    assert!(listed.text().contains("<folder auid=\"resource-lists\">"), "{}", listed.text());

    // From anybody else these headers are nothing.
    for stranger in [behind(&world, "192.0.2.3"), Client { token: None, ..world.owner() }] {
        let refused = ask(&stranger, Method::GET, &lists, "", "").await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("www-authenticate")),
            (401, "Bearer realm=\"csc\"")
        );
        assert_eq!(ask(&stranger, Method::PUT, &lists, LISTS, LISTED).await.status, StatusCode::UNAUTHORIZED);
    }
    // A token counts more than what the gateway says, and one user is not another.
    let with_token = Client { token: Some(world.bench.token("tel:+8210")), ..gateway.clone() };
    assert_eq!(ask(&with_token, Method::GET, &lists, "", "").await.status, StatusCode::FORBIDDEN);
    let headers = [("x-3gpp-intended-identity", "\"sip:+330123456789@test-rcs.com\"")];
    assert_eq!(gateway.send(Method::GET, &lists, &headers, "").await.status, StatusCode::FORBIDDEN);
    // Whom it does not name clearly, or who has no account, is nobody.
    let basic = format!("Basic {}", STANDARD.encode("sip:+330123456789@test-rcs.com:X"));
    let identity = format!("\"{USER}\"");
    for headers in [
        vec![("x-3gpp-intended-identity", "\"X\""), ("authorization", "Basic WDpY")],
        vec![("x-3gpp-intended-identity", identity.as_str()), ("authorization", basic.as_str())],
        vec![("x-3gpp-intended-identity", "\"sip:nobody@test-rcs.com\"")],
    ] {
        assert_eq!(gateway.send(Method::GET, &lists, &headers, "").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn r2_the_documents_of_the_seed() {
    let world = world().await;
    let gateway = behind(&world, "192.0.2.2");
    let presence = format!(
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:pdm=\"urn:ietf:params:xml:ns:pidf:data-model\" entity=\"{USER}\">\
         <pdm:person id=\"p1\"><pdm:note></pdm:note></pdm:person></presence>"
    );
    for (target, media_type, body) in [
        (format!("/rls-services/users/{ENCODED}/index"), SERVICES, SERVED),
        (format!("/resource-lists/users/{ENCODED}/index"), LISTS, LISTED),
        (
            format!("/org.openmobilealliance.pres-rules/users/{ENCODED}/pres-rules"),
            "application/auth-policy+xml",
            RULES,
        ),
        (format!("/pres-rules/users/{ENCODED}/index"), "application/auth-policy+xml", RULES),
        (format!("/pidf-manipulation/users/{ENCODED}/perm-presence"), "application/pidf+xml", &presence),
    ] {
        let stored = ask(&gateway, Method::PUT, &target, media_type, body).await;
        assert_eq!(stored.status, StatusCode::CREATED, "{target} {}", stored.text());
        let found = ask(&gateway, Method::GET, &target, "", "").await;
        assert_eq!((found.text(), found.etag()), (body, stored.etag()));
        assert_eq!(found.header("content-type"), format!("{media_type}; charset=\"utf-8\""));
        assert_eq!(ask(&gateway, Method::PUT, &target, "application/xml", body).await.status, 415);
        let twice = ask(
            &gateway,
            Method::PUT,
            &target,
            media_type,
            &body.replace("id=\"wp_prs_unlisted\"", "id=\"wp_prs_allow_own\""),
        )
        .await;
        let ruled = media_type == "application/auth-policy+xml";
        assert_eq!(twice.status, if ruled { StatusCode::CONFLICT } else { StatusCode::OK }, "{target}");
    }
    let list = format!("/resource-lists/users/{ENCODED}/index/~~/resource-lists/list%5B@name=%22rcs%22%5D");
    let element = ask(&gateway, Method::GET, &list, "", "").await;
    assert_eq!(
        (element.text(), element.header("content-type")),
        (
            "<list name=\"rcs\"> <display-name>My presence buddies</display-name> </list>",
            "application/xcap-el+xml; charset=\"utf-8\""
        )
    );
    let entry = format!("{list}/entry%5B@uri=%22sip%3A%2B339012341234%40Test-rcs.com%22%5D");
    let put = |body: &'static str| {
        let (gateway, entry) = (gateway.clone(), entry.clone());
        async move { ask(&gateway, Method::PUT, &entry, "application/xcap-el+xml", body).await }
    };
    assert_eq!(put("<entry uri='sip:+339012341234@Test-rcs.com'></entry>").await.status, StatusCode::CREATED);
    // As printed in the seed: the element names another than its selector.
    assert_conflict(
        &put("<entry uri='sip:+330123456789@anritsu-rcs.com;user=phone'></entry>").await,
        "cannot-insert",
    );
    // RFC 4826: names of lists are unique among siblings; the server offers another.
    let lists = format!("/resource-lists/users/{ENCODED}/index");
    let twice = LISTED.replace("oma_buddylist", "rcs");
    let refused = ask(&gateway, Method::PUT, &lists, LISTS, &twice).await;
    assert_conflict(&refused, "uniqueness-failure");
    let exists = "<exists field=\"resource-lists/list%5B2%5D/@name\"><alt-value>rcs-2</alt-value></exists>";
    assert!(refused.text().contains(exists), "{}", refused.text());
}

#[tokio::test]
async fn r2_pictures() {
    let world = World::with(&[("CSC_CMS_DOCUMENT_SIZE", "4KiB")]).await;
    let owner = world.owner();
    let target = "/org.openmobilealliance.pres-content/users/tel:+8210/oma_status-icon/rcs_status_icon";
    let jpeg = |size: usize| [&b"\xff\xd8\xff\xe0"[..], &vec![b'<'; size - 4]].concat();
    let stored = owner.put(target, "image/jpeg", jpeg(4096)).await;
    assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.text());
    let found = owner.get(target).await;
    assert_eq!(
        (found.header("content-type"), found.etag(), &found.body[..]),
        ("image/jpeg", stored.etag(), &jpeg(4096)[..])
    );
    assert_eq!(owner.get(&format!("{target}/~~/a")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(owner.put(target, "image/jpeg", jpeg(4097)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    // Nothing is served as what it is not.
    for (media_type, content) in [
        ("image/png", &jpeg(9)[..]),
        ("application/vnd.oma.pres-content+xml", &jpeg(9)[..]),
        ("image/svg+xml", b"<svg/>"),
        ("text/html", b"<html/>"),
        ("image/jpeg", b"<html/>"),
    ] {
        let refused = owner.put(target, media_type, content.to_vec()).await;
        assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media_type}");
    }
    let wrapped = "<content xmlns=\"urn:oma:xml:prs:pres-content\"><data>aGk=</data></content>";
    let put = owner.put(target, "application/vnd.oma.pres-content+xml", wrapped).await;
    assert_eq!(put.status, StatusCode::OK);
    let found = owner.get(target).await;
    assert_eq!(found.header("content-type"), "application/vnd.oma.pres-content+xml; charset=\"utf-8\"");
    assert_eq!(world.as_user("tel:+8211").get(target).await.status, StatusCode::FORBIDDEN);
}

pub(crate) fn served(uris: &[&str]) -> String {
    let services = uris.iter().map(|uri| format!("<service uri=\"{uri}\"><list name=\"a\"/></service>"));
    format!(
        "<rls-services xmlns=\"urn:ietf:params:xml:ns:rls-services\">{}</rls-services>",
        services.collect::<String>()
    )
}

pub(crate) fn index_of(user: &str) -> String {
    format!("/rls-services/users/{user}/index")
}

#[tokio::test]
async fn x14_a_service_has_one_owner_in_the_installation() {
    let world = World::new().await;
    let (one, other) = (world.owner(), world.as_user("tel:+8211"));
    let (first, second) = (index_of("tel:+8210"), index_of("tel:+8211"));
    let put = |client: &Client, target: &str, uris: &[&str]| {
        let (client, target, body) = (client.clone(), target.to_owned(), served(uris));
        async move { client.put(&target, SERVICES, body).await }
    };
    assert_eq!(put(&one, &first, &["sip:friends@example.org"]).await.status, StatusCode::CREATED);
    assert_eq!(
        put(&one, &first, &["sip:friends@example.org", "sip:more@example.org"]).await.status,
        StatusCode::OK
    );
    let taken = put(&other, &second, &["sip:mine@example.org", "SIP:friends@EXAMPLE.org"]).await;
    assert_conflict(&taken, "uniqueness-failure");
    let exists =
        "<exists field=\"rls-services/service%5B2%5D/@uri\"><alt-value>sip:friends-2@example.org</alt-value>";
    assert!(taken.text().contains(exists), "{}", taken.text());
    assert_eq!(other.get(&second).await.status, StatusCode::NOT_FOUND, "nothing was stored");
    // Another document of the same user is another document.
    assert_conflict(
        &put(&one, "/rls-services/users/tel:+8210/two", &["sip:more@example.org"]).await,
        "uniqueness-failure",
    );
    // What a document does not hold any more is free: by a PUT, a change of a node, a DELETE.
    assert_eq!(put(&one, &first, &["sip:friends@example.org"]).await.status, StatusCode::OK);
    assert_eq!(put(&other, &second, &["sip:more@example.org"]).await.status, StatusCode::CREATED);
    let node = format!("{second}/~~/rls-services/service%5b@uri=%22sip:more@example.org%22%5d");
    assert_eq!(other.delete(&node).await.status, StatusCode::OK);
    assert_eq!(put(&one, &first, &["sip:more@example.org"]).await.status, StatusCode::OK);
    assert_eq!(one.delete(&first).await.status, StatusCode::OK);
    assert_eq!(
        put(&other, &second, &["sip:more@example.org", "sip:friends@example.org"]).await.status,
        StatusCode::OK
    );
    // RFC 4826 4.4.5: nor may it be somebody.
    world.bench.account("sip:somebody@example.org", "fire", &[], &[]).await;
    assert_conflict(&put(&one, &first, &["sip:somebody@example.org"]).await, "uniqueness-failure");
    // The list must be the user's own.
    let foreign = SERVED.replace("service uri=\"", "service uri=\"sip:x@y;");
    assert_conflict(&one.put(&first, SERVICES, foreign).await, "constraint-failure");
}

#[tokio::test]
async fn a_claim_that_was_never_used_may_be_taken_over() {
    let (world, clock) = World::with_clock().await;
    let first = index_of("tel:+8210");
    // A claim of a document that was never written, as it is left when the store goes away in between.
    let uri = "sip:friends@example.org";
    let key = Key::new("cms.claim", uri);
    let claim = {
        let partition = Partition::of("tel:+8211").number();
        let path = b"rls-services/users/tel:+8211/index";
        let mut octets = vec![0x08, partition as u8, 0x12, path.len() as u8];
        octets.extend_from_slice(path);
        octets.push(0x18);
        let mut since = csc_xcap_server::testing::NOW * 1_000_000;
        while since >= 0x80 {
            octets.push(since as u8 | 0x80);
            since >>= 7;
        }
        octets.push(since as u8);
        octets
    };
    let put = world.bench.records.update(Partition::of(uri), std::slice::from_ref(&key), |_| {
        Ok::<_, StoreError>(Change::nothing(()).put(key.clone(), claim.clone()))
    });
    put.await.unwrap();
    let attempt = || async { world.owner().put(&first, SERVICES, served(&[uri])).await.status };
    assert_eq!(attempt().await, StatusCode::CONFLICT, "its commit may still be under way");
    clock.advance(Duration::from_secs(61));
    assert_eq!(attempt().await, StatusCode::CREATED);
    clock.advance(Duration::from_secs(61));
    let other = world.as_user("tel:+8211").put(&index_of("tel:+8211"), SERVICES, served(&[uri])).await;
    assert_conflict(&other, "uniqueness-failure");
}

#[tokio::test]
async fn who_keeps_what_and_how_much() {
    let world = World::with(&[("CSC_CMS_DOCUMENTS_PER_USER", "2")]).await;
    let empty = "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'/>";
    let put = |client: Client, name: &str| {
        let target = format!("/resource-lists/users/tel:+8210/{name}");
        async move { client.put(&target, LISTS, empty).await }
    };
    assert_eq!(put(world.owner(), "index").await.status, StatusCode::CREATED);
    assert_eq!(put(world.administrator(), "other").await.status, StatusCode::CREATED);
    assert_conflict(&put(world.owner(), "third").await, "constraint-failure");
    assert_eq!(put(world.owner(), "other").await.status, StatusCode::OK);
    for (client, status) in [(world.as_user("tel:+8211"), 403), (world.as_user("tel:+8299"), 403)] {
        assert_eq!(put(client.clone(), "index").await.status.as_u16(), status);
        assert_eq!(client.get("/resource-lists/users/tel:+8210/nothing").await.status.as_u16(), status);
        assert_eq!(client.delete("/resource-lists/users/tel:+8210/index").await.status.as_u16(), status);
    }
    assert_eq!(world.owner().delete("/resource-lists/users/tel:+8210/other").await.status, StatusCode::OK);
    assert_eq!(put(world.owner(), "third").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn test_documents_only_where_a_setting_says_so() {
    let target = "/test-app/users/tel:+8210/index";
    let content = "<a:any xmlns:a='urn:a'><b/></a:any>";
    for (settings, status) in [(&[][..], 404), (&[("CSC_XCAP_TEST_APP", "true")][..], 201)] {
        let world = World::with(settings).await;
        let put = world.owner().put(target, "application/test-app+xml", content).await;
        assert_eq!(put.status.as_u16(), status);
        let capabilities = world.owner().get("/xcap-caps/global/index").await;
        assert_eq!(capabilities.text().contains("<auid>test-app</auid>"), status == 201);
        assert!(
            capabilities.text().contains("<auid>resource-lists</auid>")
                && capabilities.text().contains("<extensions/>")
        );
        if status == 201 {
            let node = world.owner().get(&format!("{target}/~~/a:any/*%5b1%5d?xmlns(a=urn:a)")).await;
            assert_eq!(node.text(), "<b/>");
        }
    }
}
