//! The sample documents that the demo provisions are valid against the reference schemas.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use csc_test_support::{shared, skip};

/// Namespace and reference schema, in an order in which each finds what it imports already loaded.
const SCHEMAS: [(&str, &str); 9] = [
    ("http://www.w3.org/XML/1998/namespace", "openxcap-xml.xsd"),
    ("urn:ietf:params:xml:ns:common-policy", "openxcap-common-policy.xsd"),
    ("urn:ietf:params:xml:ns:resource-lists", "openxcap-resource-lists.xsd"),
    ("urn:oma:xml:xdm:extensions", "RECONSTRUCTED-xdm-extensions.xsd"),
    ("urn:3gpp:ns:mcpttGroupInfo:1.0", "mcpttGroupInfo.xsd"),
    ("urn:oma:xml:poc:list-service", "RECONSTRUCTED-list-service.xsd"),
    ("urn:3gpp:mcptt:user-profile:1.0", "mcptt-user-profile.xsd"),
    ("urn:3gpp:mcptt:mcpttUEConfig:1.0", "ue-config.xsd"),
    ("urn:3gpp:ns:mcpttServiceConfig:1.0", "Servconf.xsd"),
];

#[test]
fn demo_documents_are_valid() {
    const NAME: &str = "demo_documents_are_valid";
    let Some(schemas) = shared(NAME, "schemas") else { return };
    if Command::new("xmllint").arg("--version").output().is_err() {
        return skip(NAME, "xmllint (Debian package libxml2-utils)");
    }
    let mut driver = String::from("<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">");
    for (namespace, file) in SCHEMAS {
        let location = schemas.canonicalize().expect("it exists").join(file);
        write!(driver, "<xs:import namespace=\"{namespace}\" schemaLocation=\"{}\"/>", location.display())
            .expect("writing to a String");
    }
    driver.push_str("</xs:schema>");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let driver_file = folder.path().join("all.xsd");
    std::fs::write(&driver_file, driver).expect("a writable temporary folder");

    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../csc/demo/documents");
    let files: Vec<_> = std::fs::read_dir(documents)
        .expect("the demo's documents")
        .map(|f| f.expect("a file").path())
        .collect();
    assert!(files.len() >= 5, "some documents are missing: {files:?}");
    let output = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema"])
        .arg(&driver_file)
        .args(&files)
        .output();
    let output = output.expect("it ran a moment ago");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
