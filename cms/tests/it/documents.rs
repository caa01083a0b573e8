//! Storing, reading and deleting whole documents.

use csc_test_support::shared;
use http::{Method, StatusCode};

use crate::world::{
    PROFILE, PROFILE_TYPE, SERVICE_CONFIG, SERVICE_CONFIG_TYPE, World, assert_conflict, profile,
    service_config,
};

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
        (profile("").replace("XUI-URI", "xui").into_bytes(), "schema-validation-error"),
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
               user-profile-index='0'  XUI-URI = 'sip:a@b' xmlns='urn:3gpp:mcptt:user-profile:1.0'><Name><![CDATA[<x>]]>\
               &#x41;</Name ><x xmlns='urn:unknown' y=\"'\"></x  ></mcptt-user-profile >\n<!-- end -->\n";
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
