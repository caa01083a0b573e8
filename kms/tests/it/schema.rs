//! Answers in the standard dialect against the schema of TS 33.180 annex D.3.5, by `xmllint`.

use std::path::Path;
use std::process::Command;

use csc_service::http::Body;
use csc_test_support::{shared, skip};

use crate::server::{ALEX, Server, post};

/// The schemas that the KMS schema imports, as far as it names something in them: what is there may be anything.
const IMPORTS: [(&str, &str); 3] = [
    ("http://www.w3.org/2000/09/xmldsig#", r#"<xsd:element name="Signature"/>"#),
    ("http://www.w3.org/2001/04/xmlenc#", r#"<xsd:element name="EncryptedKey"/>"#),
    ("urn:3gpp:ns:mcsecKMSKRR:1.0", r#"<xsd:complexType name="KmsRedirectResponseType"/>"#),
];

/// Writes the schema with its imports into `folder`.
fn write_schema(folder: &Path, schema: &str) {
    let mut schema = schema.to_owned();
    for (n, (namespace, content)) in IMPORTS.iter().enumerate() {
        let name = format!("import{n}.xsd");
        let stub = format!(
            r#"<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="{namespace}">{content}</xsd:schema>"#
        );
        std::fs::write(folder.join(&name), stub).unwrap();
        let import = format!(r#"<xsd:import namespace="{namespace}""#);
        assert!(schema.contains(&import), "{namespace}");
        schema = schema.replace(&import, &format!(r#"{import} schemaLocation="{name}""#));
    }
    std::fs::write(folder.join("kms.xsd"), schema).unwrap();
}

#[tokio::test]
async fn every_answer_is_valid() {
    const TEST: &str = "every_answer_is_valid";
    let Some(schema) = shared(TEST, "schemas/kms-interface-33180-D351.xsd") else { return };
    if Command::new("xmllint").arg("--version").output().is_err() {
        return skip(TEST, "xmllint");
    }
    let folder = tempfile::tempdir().unwrap();
    write_schema(folder.path(), &std::fs::read_to_string(schema).unwrap());

    let settings = [("KMS_ID", "kms 1"), ("ISSUER", "www.example.org")];
    let server = Server::start(&settings).await;
    server.account(ALEX, |account| account.user_uris = vec!["sip:alex.kim@example.org".to_owned()]).await;
    let answers = [
        server.standard("init", "").await,
        server.standard("keyprov", "").await,
        server.standard("keyprov/sip:alex.kim@example.org", "").await,
        server.standard("keyprov/tel:+82571009991", "").await,
        server.standard("keyprov", "<x/>").await,
        server.send(post("init").body(Body::empty()).unwrap()).await,
    ];
    for answer in &answers {
        let path = folder.path().join("answer.xml");
        std::fs::write(&path, &answer.body).unwrap();
        let schema = folder.path().join("kms.xsd");
        let checked =
            Command::new("xmllint").arg("--noout").arg("--schema").args([&schema, &path]).output().unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{said}\n{}", answer.body);
    }
}
