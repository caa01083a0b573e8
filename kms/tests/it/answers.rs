//! What terminals get.

use csc_service::http::Body;

use crate::server::{ALEX, KEY_SCOPE, KMS_URI, NOW, Server, find, post};

/// Names of the children of an element, in order.
fn children(answer: &crate::server::Answer, name: &str) -> Vec<String> {
    answer.with(|document| {
        let parent = find(document, name).unwrap();
        parent.children().filter(|n| n.is_element()).map(|n| n.tag_name().name().to_owned()).collect()
    })
}

fn attribute(answer: &crate::server::Answer, element: &str, name: &str) -> Option<String> {
    answer.with(|document| find(document, element).unwrap().attribute(name).map(str::to_owned))
}

fn namespace(answer: &crate::server::Answer) -> String {
    answer.with(|document| document.root_element().tag_name().namespace().unwrap().to_owned())
}

/// The document's own keyprov body.
const FORM: &str = "MCPTTID=tel:%2b82571009990&UserUri=tel:%2b82571009990@ps-lte.com";

#[tokio::test]
async fn the_field_dialect_is_that_of_the_document() {
    let settings =
        [("USER_DOMAINS", "ps-lte.com"), ("KMS_ID", "kmsprovider12345"), ("ISSUER", "www.mcptt.com")];
    let server = Server::start(&settings).await;
    let init = server.field("init", "").await;
    assert_eq!(namespace(init.ok()), "http://org.csc.kms");
    let frame = ["KmsUri", "UserUri", "Time", "KmsId", "ClientReqUrl", "KmsMessage"];
    assert_eq!(children(&init, "KmsResponse"), frame);
    assert_eq!(init.text("KmsUri"), KMS_URI);
    assert_eq!(init.text("UserUri"), ALEX);
    assert_eq!(init.text("Time"), "2026-11-20T00:00:00Z");
    assert_eq!(init.text("KmsId"), "kmsprovider12345");
    assert_eq!(init.text("ClientReqUrl"), "https://127.0.0.1:4420/keymanagement/identity/v1/init");
    let certificate = [
        "KmsUri",
        "Issuer",
        "UserIdFormat",
        "UserKeyPeriod",
        "UserKeyOffset",
        "PubEncKey",
        "PubAuthKey",
        "ParameterSet",
    ];
    assert_eq!(children(&init, "KmsCertificate"), certificate);
    let values =
        ["UserIdFormat", "UserKeyPeriod", "UserKeyOffset", "ParameterSet"].map(|name| init.text(name));
    assert_eq!(values, ["2", "2419200", "0", "1"]);
    assert_eq!(attribute(&init, "KmsCertificate", "Role").unwrap(), "Root");
    for (element, version) in [("KmsResponse", "1.1.0"), ("KmsInit", "1.0.0"), ("KmsCertificate", "1.0.0")] {
        assert_eq!(attribute(&init, element, "Version").as_deref(), Some(version), "{element}");
    }

    let keys = server.field("keyprov", FORM).await;
    assert_eq!(children(keys.ok(), "KmsResponse"), frame);
    assert_eq!(keys.text("UserUri"), "tel:+82571009990@ps-lte.com");
    let set = [
        "KmsUri",
        "Issuer",
        "UserUri",
        "UserID",
        "KeyPeriodNo",
        "UserDecryptKey",
        "UserSigningKeySSK",
        "UserPubTokenPVT",
    ];
    assert_eq!(children(&keys, "KmsKeySet"), set);
    for (element, version) in [("KmsResponse", "1.1.0"), ("KmsKeyProv", "1.0.0"), ("KmsKeySet", "1.1.0")] {
        assert_eq!(attribute(&keys, element, "Version").as_deref(), Some(version), "{element}");
    }
    assert!(!keys.body.contains("xsi:type"));
    keys.verify(0, ALEX, 1655, &init);
    let key_set = keys.with(|document| {
        find(document, "KmsKeySet").unwrap().children().nth(2).unwrap().text().unwrap().to_owned()
    });
    assert_eq!(key_set, "tel:+82571009990@ps-lte.com");
}

#[tokio::test]
async fn the_standard_dialect_is_that_of_the_schema() {
    let server = Server::start(&[]).await;
    let init = server.standard("init", "").await;
    assert_eq!(namespace(init.ok()), "urn:3gpp:ns:mcsecKMSInterface:1.0");
    assert_eq!(children(&init, "KmsResponse"), ["UserUri", "KmsUri", "Time", "ClientReqUrl", "KmsMessage"]);
    for (element, version) in [("KmsResponse", "1.0.0"), ("KmsInit", "1.0.0"), ("KmsCertificate", "1.1.0")] {
        assert_eq!(attribute(&init, element, "Version").as_deref(), Some(version), "{element}");
    }
    let keys = server.standard("keyprov", "").await;
    keys.ok().verify(0, ALEX, 1655, &init);
    for key in ["UserDecryptKey", "UserSigningKeySSK", "UserPubTokenPVT"] {
        let kind = keys.with(|document| {
            let node = find(document, key).unwrap();
            node.attribute(("http://www.w3.org/2001/XMLSchema-instance", "type")).unwrap().to_owned()
        });
        assert_eq!(kind, "KeyContentType");
    }
}

#[tokio::test]
async fn the_form_and_a_setting_decide_the_dialect_too() {
    let server = Server::start(&[]).await;
    let form = server.standard("keyprov", "MCPTTID=tel:%2b82571009990").await;
    assert_eq!(namespace(form.ok()), "http://org.csc.kms");
    for (setting, expected) in
        [("field", "http://org.csc.kms"), ("standard", "urn:3gpp:ns:mcsecKMSInterface:1.0")]
    {
        let server = Server::start(&[("DIALECT", setting)]).await;
        assert_eq!(namespace(server.field("init", "").await.ok()), expected);
        assert_eq!(namespace(server.standard("init", "").await.ok()), expected);
    }
}

#[tokio::test]
async fn every_body_and_path_gets_the_same_keys() {
    let server = Server::start(&[]).await;
    let init = server.field("init", "").await;
    let xml = r#"<KmsRequest xmlns="urn:3gpp:ns:mcsecKMSInterface:1.0"><ClientReqUrl>https://kms/x</ClientReqUrl>
        <Time>2026-11-20T00:00:00Z</Time><KmsUri>kms.mcptt.com</KmsUri><UserUri>tel:+82571009990</UserUri></KmsRequest>"#;
    let now = NOW + 2_208_988_800;
    let timestamp = format!("{:016x}", now << 32 | 0xabcd);
    let upper = timestamp.to_uppercase();
    let mut first = None;
    for (path, body) in [
        ("keyprov".to_owned(), ""),
        ("keyprov".to_owned(), "MCPTTID=tel:%2B82571009990"),
        ("keyprov".to_owned(), xml),
        ("keyprov/tel:+82571009990".to_owned(), ""),
        ("keyprov/tel%3A%2b82571009990".to_owned(), "UserUri=tel:+82571009990"),
        (format!("keyprov/tel:+82571009990/{timestamp}"), ""),
        (format!("keyprov/tel:+82571009990/{upper}"), ""),
    ] {
        let keys = server.field(&path, body).await;
        keys.ok().verify(0, ALEX, 1655, &init);
        let set = keys.body[keys.body.find("<KmsMessage>").unwrap()..].to_owned();
        assert_eq!(*first.get_or_insert_with(|| set.clone()), set, "{path} {body}");
    }
    assert_eq!(server.field("keyprov", xml).await.text("ClientReqUrl"), "https://kms/x");
}

#[tokio::test]
async fn the_next_period_and_by_a_setting_the_previous() {
    const PERIOD: u64 = 2_419_200;
    let server = Server::start(&[]).await;
    let init = server.field("init", "").await;
    let path = |at: u64| format!("keyprov/{ALEX}/{:016X}", (at + 2_208_988_800) << 32);
    let next = server.field(&path(NOW + PERIOD), "").await;
    next.ok().verify(0, ALEX, 1656, &init);
    server.field(&path(NOW + 2 * PERIOD), "").await.error(400);
    server.field(&path(NOW - PERIOD), "").await.error(400);
    server.field(&path(0), "").await.error(400);

    // The clock moves on, and the same keys are then those of the current period.
    server.advance(std::time::Duration::from_secs(PERIOD)).await;
    let later = server.field("keyprov", "").await;
    later.ok().verify(0, ALEX, 1656, &init);
    assert_eq!(later.text("UserDecryptKey"), next.text("UserDecryptKey"));

    let server = Server::start(&[("PREVIOUS_PERIOD", "true")]).await;
    let init = server.field("init", "").await;
    server.field(&path(NOW - PERIOD), "").await.ok().verify(0, ALEX, 1654, &init);
}

#[tokio::test]
async fn a_bound_identity_gets_a_second_set() {
    let server = Server::start(&[]).await;
    server.account(ALEX, |account| account.user_uris = vec!["sip:alex.kim@example.org".to_owned()]).await;
    let init = server.field("init", "").await;
    let keys = server.field("keyprov/sip:alex.kim@example.org", "").await;
    assert_eq!(keys.ok().text("UserUri"), "sip:alex.kim@example.org");
    keys.verify(0, ALEX, 1655, &init);
    keys.verify(1, "sip:alex.kim@example.org", 1655, &init);
    assert_eq!(keys.body.matches("<KmsKeySet").count(), 2);
    assert_eq!(server.field("keyprov", "").await.ok().body.matches("<KmsKeySet").count(), 1);
}

#[tokio::test]
async fn user_id_in_base64_by_a_setting() {
    let server = Server::start(&[("USER_ID", "base64")]).await;
    let keys = server.field("keyprov", "").await;
    assert_eq!(keys.ok().text("UserID").len(), 44);
}

#[tokio::test]
async fn what_a_client_sends_is_escaped() {
    let server = Server::start(&[]).await;
    let url = "https://kms/?a=1&amp;b=&lt;x>";
    let body = format!("<KmsRequest><ClientReqUrl>{url}</ClientReqUrl></KmsRequest>");
    let init = server.standard("init", &body).await;
    assert_eq!(init.ok().text("ClientReqUrl"), "https://kms/?a=1&b=<x>");
    // Even when every octet of it grows.
    let body = format!("<KmsRequest><ClientReqUrl>{}</ClientReqUrl></KmsRequest>", "&amp;".repeat(512));
    server.standard("keyprov", &body).await.ok();
}

#[tokio::test]
async fn without_a_host_there_is_still_a_request_url() {
    let server = Server::start(&[]).await;
    let request = http::Request::post("/keymanagement/identity/v1/init")
        .header("access_token", server.token(ALEX, KEY_SCOPE))
        .body(Body::empty())
        .unwrap();
    let answer = server.send(request).await;
    assert_eq!(answer.ok().text("ClientReqUrl"), "/keymanagement/identity/v1/init");
}

#[tokio::test]
async fn requests_and_key_sets_are_counted() {
    let server = Server::start(&[]).await;
    server.field("init", "").await.ok();
    server.field("keyprov", "").await.ok();
    server.send(post("keyprov").body(Body::empty()).unwrap()).await.error(401);
    let metrics = server.metrics.render();
    for line in [
        r#"csc_kms_requests_total{request="init",status="200"} 1"#,
        r#"csc_kms_requests_total{request="keyprov",status="200"} 1"#,
        r#"csc_kms_requests_total{request="keyprov",status="401"} 1"#,
        "csc_kms_key_sets_total 1",
        "csc_kms_issue_seconds_count 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}
