//! Configuration documents over HTTP. The names of tests begin with the lines of the specification they check.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use csc_cms::{Config, Deps, build};
use csc_proto::documents::v1::documents_client::DocumentsClient;
use csc_proto::documents::v1::put_response::Outcome;
use csc_proto::documents::v1::{PutRequest, PutResponse};
use csc_service::config::Settings;
use csc_service::{ServiceParts, bus};
use csc_test_support::{ManualClock, SeededEntropy, shared};
use csc_xcap_server::testing::{Answer, Bench, Client, NOW};
use http::{Method, StatusCode};

const PROFILE: &str = "/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile";
const PROFILE_TYPE: &str = "application/vnd.3gpp.mcptt-user-profile+xml";
const SERVICE_CONFIG: &str = "/org.3gpp.mcptt.service-config/global/service-config.xml";
const SERVICE_CONFIG_TYPE: &str = "application/vnd.3gpp.mcptt-service-config+xml";
const DIRECTORY: &str = "/org.openmobilealliance.xcap-directory/users/tel:+8210/directory.xml";

/// A running service with the users of a small fire brigade: +8210 and +8211 plain, +8201 administrator; +8299 is the
/// administrator of another organisation.
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
        bench.account("tel:+8210", "fire", &[], &["urn:ue:1"]).await;
        bench.account("tel:+8211", "fire", &[], &[]).await;
        bench.account("tel:+8201", "fire", &["administrator"], &[]).await;
        bench.account("tel:+8299", "police", &["administrator"], &[]).await;
        let environment =
            [("CSC_XCAP_DEFAULT_ORGANISATION", "fire"), ("CSC_XCAP_ROOTS", "/Org/F/=fire,/Org/P/=police")];
        let environment = environment.iter().chain(settings);
        let mut settings =
            Settings::load(None, environment.map(|(name, value)| ((*name).into(), (*value).into())));
        let documents = csc_xcap_server::Config::read(&mut settings.section("xcap", "Documents."));
        let config = Config::read(&mut settings.section("cms", "Configuration management."));
        settings.finish().unwrap();
        let deps = Deps {
            records: bench.records.clone(),
            entropy: Arc::clone(&bench.entropy),
            metrics: bench.metrics.clone(),
            verifier: Arc::clone(&bench.verifier),
        };
        Self { parts: build(&config, &documents, deps), bench }
    }

    fn as_user(&self, id: &str) -> Client {
        self.bench.client(&self.parts.mounts[0], id)
    }

    fn owner(&self) -> Client {
        self.as_user("tel:+8210")
    }

    fn administrator(&self) -> Client {
        self.as_user("tel:+8201")
    }

    async fn store_profile(&self, content: &str) -> Answer {
        self.administrator().put(PROFILE, PROFILE_TYPE, content.to_owned()).await
    }
}

fn profile(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<mcptt-user-profile xmlns=\"urn:3gpp:mcptt:user-profile:1.0\" \
         xmlns:p=\"urn:p\" XUI-URI=\"tel:+8210\" user-profile-index=\"0\">{inside}</mcptt-user-profile>"
    )
}

fn service_config(inside: &str) -> String {
    format!(
        "<service-configuration-info xmlns=\"urn:3gpp:ns:mcpttServiceConfig:1.0\">{inside}</service-configuration-info>"
    )
}

#[track_caller]
fn assert_conflict(answer: &Answer, condition: &str) {
    assert_eq!(answer.status, StatusCode::CONFLICT, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/xcap-error+xml");
    assert!(answer.text().contains(&format!("<{condition} ")), "{}", answer.text());
}

#[tokio::test]
async fn x11_a_document_lives() {
    let world = World::new().await;
    let (owner, administrator) = (world.owner(), world.administrator());
    assert_eq!(owner.get(PROFILE).await.status, StatusCode::NOT_FOUND);
    let created = world.store_profile(&profile("<Name>1</Name>")).await;
    assert_eq!((created.status, created.text()), (StatusCode::CREATED, ""));

    let got = owner.get(PROFILE).await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.text(), profile("<Name>1</Name>"));
    assert_eq!(got.etag(), created.etag());
    assert_eq!(got.header("content-type"), "application/vnd.3gpp.mcptt-user-profile+xml; charset=\"utf-8\"");

    let head = owner.send(Method::HEAD, PROFILE, &[], "").await;
    assert_eq!((head.status, head.text()), (StatusCode::OK, ""));
    assert_eq!(head.header("content-length"), got.body.len().to_string());
    assert_eq!(head.etag(), got.etag());

    // Bodies A, B, A give three tags.
    let replaced = world.store_profile(&profile("")).await;
    assert_eq!((replaced.status, replaced.text()), (StatusCode::OK, ""));
    let again = world.store_profile(&profile("<Name>1</Name>")).await;
    let tags = [created.etag(), replaced.etag(), again.etag()];
    assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");

    // X18: without a tag, as the document is gone.
    let gone = administrator.delete(PROFILE).await;
    assert_eq!((gone.status, gone.header("etag")), (StatusCode::OK, ""));
    assert_eq!(owner.get(PROFILE).await.status, StatusCode::NOT_FOUND);
    assert_eq!(administrator.delete(PROFILE).await.status, StatusCode::NOT_FOUND);

    // Deleted and made again it has yet another tag.
    let reborn = world.store_profile(&profile("<Name>1</Name>")).await;
    assert_eq!(reborn.status, StatusCode::CREATED);
    assert!(!tags.contains(&reborn.etag()));
}

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
        "<!-- all --><Common index='0' p:mark='a&amp;b'><URI>tel:+1</URI><URI n='x/y~~%25'>한글</URI></Common><p:Common/>",
    );
    let stored = world.store_profile(&content).await;
    let common = "<Common index='0' p:mark='a&amp;b'><URI>tel:+1</URI><URI n='x/y~~%25'>한글</URI></Common>";
    for (selector, media_type, body) in [
        ("mcptt-user-profile/Common", "application/xcap-el+xml", common),
        (
            "u:mcptt-user-profile/*[1]?xmlns(u=urn:3gpp:mcptt:user-profile:1.0)",
            "application/xcap-el+xml",
            common,
        ),
        ("mcptt-user-profile/Common%5b@index=%220%22%5D", "application/xcap-el+xml", common),
        ("mcptt-user-profile/Common[@index='0']/URI[1]", "application/xcap-el+xml", "<URI>tel:+1</URI>"),
        ("*/Common/URI[@n='x%2Fy~~%2525']", "application/xcap-el+xml", "<URI n='x/y~~%25'>한글</URI>"),
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
        "mcptt-user-profile/Common/URI",
        "mcptt-user-profile/Common/URI[3]",
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
async fn nodes_are_read_only() {
    let world = World::new().await;
    world.store_profile(&profile("<Name/>")).await;
    for selector in
        ["mcptt-user-profile/Name", "mcptt-user-profile/@XUI-URI", "mcptt-user-profile/namespace::*"]
    {
        let target = format!("{PROFILE}/~~/{selector}");
        for method in [Method::PUT, Method::DELETE, Method::POST] {
            for client in [world.owner(), world.administrator()] {
                let answer = client.send(method.clone(), &target, &[], "").await;
                assert_eq!(
                    (answer.status.as_u16(), answer.header("allow")),
                    (405, "GET, HEAD"),
                    "{method} {selector}"
                );
            }
            let answer = world.as_user("tel:+8211").send(method.clone(), &target, &[], "").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn x8_x10_conditions() {
    let world = World::new().await;
    let (owner, administrator) = (world.owner(), world.administrator());
    let put = |headers: &[(&'static str, &str)], content: String| {
        let mut headers: Vec<(&str, String)> =
            headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        headers.push(("content-type", PROFILE_TYPE.to_owned()));
        let administrator = administrator.clone();
        async move {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            administrator.send(Method::PUT, PROFILE, &headers, content).await
        }
    };
    assert_eq!(put(&[("if-match", "*")], profile("")).await.status, 412);
    assert_eq!(put(&[("if-match", "\"x\"")], profile("")).await.status, 412);
    let first = put(&[("if-none-match", "*")], profile("")).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let tag = first.etag();
    let bare = tag.trim_matches('"').to_owned();

    // Identical bodies are held to conditions too.
    for (name, value) in [
        ("if-none-match", "*"),
        ("if-none-match", tag.as_str()),
        ("if-match", "\"x\""),
        ("if-match", &format!("W/{tag}")),
    ] {
        assert_eq!(put(&[(name, value)], profile("")).await.status, 412, "{name}: {value}");
    }
    assert_eq!(owner.get(PROFILE).await.etag(), tag, "X17: nothing was written");

    let get = |name: &'static str, value: String| {
        let owner = owner.clone();
        async move { owner.send(Method::GET, PROFILE, &[(name, &value)], "").await }
    };
    for value in [tag.clone(), format!("W/{tag}"), "*".to_owned(), format!("\"x\", {tag}"), bare.clone()] {
        let answer = get("if-none-match", value).await;
        assert_eq!((answer.status.as_u16(), answer.etag(), answer.text()), (304, tag.clone(), ""));
    }
    assert_eq!(get("if-none-match", "\"x\"".to_owned()).await.status, 200);
    assert_eq!(get("if-match", "\"x\"".to_owned()).await.status, 412);
    assert_eq!(get("if-match", tag.clone()).await.status, 200);

    assert_eq!(administrator.send(Method::DELETE, PROFILE, &[("if-match", "\"x\"")], "").await.status, 412);
    assert_eq!(put(&[("if-match", &format!("\"x\", {tag}"))], profile("")).await.status, 200);
    assert_eq!(put(&[("if-match", &bare)], profile("")).await.status, 412, "the tag is an old one");
    let current = owner.get(PROFILE).await.etag();
    assert_eq!(
        put(&[("if-match", current.trim_matches('"'))], profile("")).await.status,
        200,
        "bare tags count"
    );
    assert_eq!(administrator.send(Method::DELETE, PROFILE, &[("if-match", "*")], "").await.status, 200);
    assert_eq!(administrator.send(Method::DELETE, PROFILE, &[("if-match", "\"x\"")], "").await.status, 404);
}

#[tokio::test]
async fn x9_media_types() {
    let world = World::new().await;
    let administrator = world.administrator();
    for media_type in ["", "application/xml", "application/xcap-el+xml", "text/plain"] {
        assert_eq!(administrator.put(PROFILE, media_type, profile("")).await.status, 415, "{media_type}");
    }
    assert_eq!(administrator.send(Method::PUT, PROFILE, &[], profile("")).await.status, 415);
    for media_type in [
        "application/vnd.3gpp.mcptt-user-profile+xml; charset=\"utf-8\"",
        "application/org.3gpp.mcptt.user-profile+xml;a=b",
    ] {
        assert!(
            administrator.put(PROFILE, media_type, profile("")).await.status.is_success(),
            "{media_type}"
        );
        assert!(world.owner().get(PROFILE).await.header("content-type").starts_with(PROFILE_TYPE));
    }
}

#[tokio::test]
async fn x16_x17_bad_documents() {
    let world = World::new().await;
    let stored = world.store_profile(&profile("<Name/>")).await;
    let bomb =
        "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]><a>&b;&b;</a>";
    let nested: String = (0..4000).map(|number| format!("<a xmlns:n{number}='u'>")).collect();
    assert!(nested.len() > 64 << 10);
    for (content, condition) in [
        (profile("").as_bytes()[..50].to_vec(), "not-well-formed"),
        (b"".to_vec(), "not-well-formed"),
        (profile("<x:y/>").into_bytes(), "not-well-formed"),
        (profile("\u{1}").into_bytes(), "not-well-formed"),
        ([profile("").as_bytes(), b"<Name/>"].concat(), "not-well-formed"),
        ([b"<a>\xc3".as_slice(), b"</a>"].concat(), "not-utf-8"),
        (profile("").replace("?>", " encoding='ISO-8859-1'?>").into_bytes(), "not-utf-8"),
        (bomb.as_bytes().to_vec(), "constraint-failure"),
        (nested.into_bytes(), "constraint-failure"),
        (profile(&format!("{}{}", "<a>".repeat(64), "</a>".repeat(64))).into_bytes(), "constraint-failure"),
        (b"<mcptt-user-profile/>".to_vec(), "schema-validation-error"),
        (service_config("").into_bytes(), "schema-validation-error"),
        (profile("").replace("XUI-URI", "xui").into_bytes(), "constraint-failure"),
    ] {
        let answer = world.administrator().put(PROFILE, PROFILE_TYPE, content).await;
        assert_conflict(&answer, condition);
    }
    let kept = world.owner().get(PROFILE).await;
    assert_eq!((kept.etag(), kept.text()), (stored.etag(), profile("<Name/>").as_str()));
}

#[tokio::test]
async fn x17_every_octet_is_kept() {
    let world = World::new().await;
    let odd = "\u{FEFF}<?xml version='1.0' encoding=\"utf-8\" ?>\r\n<?pi x?><!-- 한글 🚒 --><mcptt-user-profile\n\
               user-profile-index='0'  XUI-URI = 'sip:a@b' xmlns='urn:3gpp:mcptt:user-profile:1.0'><![CDATA[<x>]]>\
               <x xmlns='urn:unknown' y=\"'\"></x  >&#x41;</mcptt-user-profile >\n<!-- end -->\n";
    assert_eq!(world.store_profile(odd).await.status, StatusCode::CREATED);
    assert_eq!(world.owner().get(PROFILE).await.text(), odd);
}

#[tokio::test]
async fn x19_sixteen_writers_one_wins() {
    let world = World::new().await;
    let tag = world.store_profile(&profile("")).await.etag();
    let writers = (0..16).map(|number| {
        let (client, tag) = (world.administrator(), tag.clone());
        tokio::spawn(async move {
            let headers = [("if-match", tag.as_str()), ("content-type", PROFILE_TYPE)];
            client
                .send(Method::PUT, PROFILE, &headers, profile(&format!("<Name>{number}</Name>")))
                .await
                .status
                .as_u16()
        })
    });
    let mut statuses = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        statuses.push(writer.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert_eq!(statuses[1..], [412; 15]);
}

#[tokio::test]
async fn x20_directory_and_capabilities() {
    let world = World::with(&[("CSC_XCAP_URL", "https://csc.example.org:4420/")]).await;
    let owner = world.owner();
    let empty = owner.get(DIRECTORY).await;
    assert_eq!(empty.status, StatusCode::OK);
    assert_eq!(empty.header("content-type"), "application/vnd.oma.xcap-directory+xml; charset=\"utf-8\"");
    assert!(
        empty.text().ends_with("<xcap-directory xmlns=\"urn:oma:xml:xdm:xcap-directory\"/>"),
        "{}",
        empty.text()
    );

    let profile_tag = world.store_profile(&profile("")).await.etag();
    let config = world.administrator().put(SERVICE_CONFIG, SERVICE_CONFIG_TYPE, service_config("")).await;
    let listed = owner.get(DIRECTORY).await;
    assert_ne!(listed.etag(), empty.etag());
    for (path, tag) in [
        ("org.3gpp.mcptt.user-profile/users/tel:+8210/mcptt-user-profile-0.xml", profile_tag),
        ("org.3gpp.mcptt.service-config/users/tel:+8210/service-config", config.etag()),
    ] {
        let entry = format!("<entry uri=\"https://csc.example.org:4420/{path}\" etag={tag}/>");
        assert!(listed.text().contains(&entry), "{}", listed.text());
        let found = owner.get(&format!("/{path}")).await;
        assert_eq!((found.status, found.etag()), (StatusCode::OK, tag));
    }
    let by_root = owner.get(&format!("/Org/F{DIRECTORY}")).await;
    assert!(by_root.text().contains("\"https://csc.example.org:4420/Org/F/org.3gpp"), "{}", by_root.text());
    let headers = [("if-none-match", listed.header("etag"))];
    assert_eq!(owner.send(Method::GET, DIRECTORY, &headers, "").await.status, 304);
    let folder = format!("{DIRECTORY}/~~/xcap-directory/folder[@auid='org.3gpp.mcptt.user-profile']/@auid");
    assert_eq!(owner.get(&folder).await.text(), "org.3gpp.mcptt.user-profile");

    assert_eq!(world.as_user("tel:+8211").get(DIRECTORY).await.status, StatusCode::FORBIDDEN);
    let refused =
        world.administrator().put(DIRECTORY, "application/vnd.oma.xcap-directory+xml", "<x/>").await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET, HEAD"));

    let capabilities = owner.get("/xcap-caps/global/index").await;
    assert!(capabilities.text().contains("<auid>xcap-caps</auid>"));
    assert_eq!(capabilities.header("content-type"), "application/xcap-caps+xml; charset=\"utf-8\"");
}

#[tokio::test]
async fn x21_sizes() {
    let world = World::with(&[("CSC_CMS_DOCUMENT_SIZE", "4KiB")]).await;
    let fits = profile(&" ".repeat(4096 - profile("").len()));
    assert_eq!(fits.len(), 4096);
    assert_eq!(world.store_profile(&fits).await.status, StatusCode::CREATED);
    assert_eq!(world.store_profile(&format!("{fits} ")).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let huge = world.administrator().put(PROFILE, "text/plain", vec![b' '; 10 << 20]).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE, "size comes before the media type");
    assert_eq!(world.owner().get(PROFILE).await.text(), fits);
}

#[tokio::test]
async fn x22_c4_service_configuration() {
    let world = World::new().await;
    let view = "/org.3gpp.mcptt.service-config/users/tel:+8210/service-config";
    assert_eq!(world.owner().get(view).await.status, StatusCode::NOT_FOUND);
    let stored = world.administrator().put(SERVICE_CONFIG, SERVICE_CONFIG_TYPE, service_config("<a/>")).await;
    let seen = world.owner().get(view).await;
    assert_eq!((seen.text(), seen.etag()), (service_config("<a/>").as_str(), stored.etag()));
    let global = world.owner().get(SERVICE_CONFIG).await;
    assert_eq!((global.text(), global.etag()), (seen.text(), seen.etag()));
    for client in [world.owner(), world.administrator()] {
        for method in [Method::PUT, Method::DELETE] {
            let answer =
                client.send(method, view, &[("content-type", SERVICE_CONFIG_TYPE)], service_config("")).await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD"));
        }
    }
    // Each organisation has its own; below a root it needs no name.
    let foreign = world.as_user("tel:+8299");
    assert_eq!(foreign.get(SERVICE_CONFIG).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        foreign.put(SERVICE_CONFIG, SERVICE_CONFIG_TYPE, service_config("")).await.status,
        StatusCode::FORBIDDEN
    );
    let own = "/Org/P/org.3gpp.mcptt.service-config/global/service-config.xml";
    assert_eq!(
        foreign.put(own, SERVICE_CONFIG_TYPE, service_config("<b/>")).await.status,
        StatusCode::CREATED
    );
    let by_name = foreign.get("/org.3gpp.mcptt.service-config/global/police/service-config.xml").await;
    assert_eq!(by_name.text(), service_config("<b/>"));
    let own_view = foreign.get("/org.3gpp.mcptt.service-config/users/tel:+8299/service-config").await;
    assert_eq!((own_view.text(), own_view.etag()), (by_name.text(), by_name.etag()));
}

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
async fn terminals() {
    let world = World::new().await;
    let target = "/org.3gpp.mcptt.ue-config/users/urn:ue:1/urn:ue:1";
    let content = "<mcptt-UE-configuration xmlns='urn:3gpp:mcptt:mcpttUEConfig:1.0'/>";
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

#[tokio::test]
async fn provisioning() {
    let world = World::new().await;
    let mut client = DocumentsClient::new(bus::in_process(world.parts.grpc.clone().unwrap()));
    let mut put = async |path: &str, content: &str, organisation: &str, dry_run: bool| {
        let request = PutRequest {
            path: path.into(),
            content: content.into(),
            organisation: organisation.into(),
            dry_run,
        };
        client.put(request).await.map(tonic::Response::into_inner).map_err(|status| status.code())
    };
    let outcome = |answer: Result<PutResponse, tonic::Code>| answer.unwrap().outcome();
    let path = "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile";
    assert_eq!(outcome(put(path, &profile(""), "", true).await), Outcome::Created);
    assert_eq!(world.owner().get(PROFILE).await.status, StatusCode::NOT_FOUND);
    let created = put(path, &profile(""), "fire", false).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    assert_eq!(world.owner().get(PROFILE).await.etag(), format!("\"{}\"", created.etag));
    let same = put(path, &profile(""), "", false).await.unwrap();
    assert_eq!((same.outcome(), same.etag), (Outcome::Unchanged, created.etag.clone()));
    assert_eq!(outcome(put(path, &profile("<Name/>"), "", true).await), Outcome::Changed);
    assert_eq!(outcome(put(path, &profile("<Name/>"), "", false).await), Outcome::Changed);
    assert_eq!(world.owner().get(PROFILE).await.text(), profile("<Name/>"));

    let config = "org.3gpp.mcptt.service-config/global/service-config.xml";
    assert_eq!(outcome(put(config, &service_config(""), "police", false).await), Outcome::Created);
    let view =
        world.as_user("tel:+8299").get("/org.3gpp.mcptt.service-config/users/tel:+8299/service-config").await;
    assert_eq!(view.status, StatusCode::OK);

    use tonic::Code;
    for (path, content, organisation, code) in [
        (path, profile("").as_str(), "police", Code::FailedPrecondition),
        (
            "org.3gpp.mcptt.user-profile/users/tel:+8277/user-profile",
            &profile(""),
            "",
            Code::FailedPrecondition,
        ),
        (path, "<a/>", "", Code::InvalidArgument),
        (path, &profile(""), "a/b", Code::InvalidArgument),
        ("org.openmobilealliance.groups/global/byGroupID/tel:+8220", "<a/>", "", Code::NotFound),
        ("org.3gpp.mcptt.service-config/users/tel:+8210/service-config", "<a/>", "", Code::InvalidArgument),
    ] {
        assert_eq!(put(path, content, organisation, false).await.err(), Some(code), "{path}");
    }
}

#[tokio::test]
async fn the_examples_are_served() {
    let world = World::new().await;
    for (file, target, media_type) in [
        ("mcptt-user-profile-conformant.xml", PROFILE, PROFILE_TYPE),
        ("service-config-conformant.xml", SERVICE_CONFIG, SERVICE_CONFIG_TYPE),
        (
            "ue-config-conformant.xml",
            "/org.3gpp.mcptt.ue-config/users/tel:+8210/ue-config",
            "application/vnd.3gpp.mcptt-ue-config+xml",
        ),
    ] {
        let Some(path) = shared("the_examples_are_served", &format!("examples/{file}")) else { return };
        let content = std::fs::read(path).unwrap();
        assert_eq!(
            world.administrator().put(target, media_type, content.clone()).await.status,
            StatusCode::CREATED
        );
        assert_eq!(world.owner().get(target).await.body, content);
    }
}
