//! What the reference schemas say of mutants.

use std::fmt::Write as _;
use std::process::Command;

use csc_test_support::shared;

use super::SCHEMA;
use super::every::Mutant;

/// Namespaces and reference schemas, in an order in which each finds what it imports already loaded.
const SCHEMAS: [(&str, &str); 13] = [
    ("http://www.w3.org/XML/1998/namespace", "openxcap-xml.xsd"),
    ("urn:ietf:params:xml:ns:common-policy", "openxcap-common-policy.xsd"),
    ("urn:ietf:params:xml:ns:resource-lists", "openxcap-resource-lists.xsd"),
    ("urn:oma:xml:xdm:extensions", "RECONSTRUCTED-xdm-extensions.xsd"),
    ("urn:3gpp:ns:mcpttGroupInfo:1.0", "mcpttGroupInfo.xsd"),
    ("urn:oma:xml:poc:list-service", "RECONSTRUCTED-list-service.xsd"),
    ("urn:3gpp:mcptt:user-profile:1.0", "mcptt-user-profile.xsd"),
    ("urn:3gpp:mcptt:mcpttUEConfig:1.0", "ue-config.xsd"),
    ("urn:3gpp:mcptt:mcpttUEinitConfig:1.0", "ue-init-config.xsd"),
    ("urn:3gpp:ns:mcpttServiceConfig:1.0", "Servconf.xsd"),
    ("urn:ietf:params:xml:ns:rls-services", "openxcap-rls-services.xsd"),
    ("urn:ietf:params:xml:ns:pres-rules", "pres-rules.xsd"),
    ("urn:ietf:params:xml:ns:xcap-caps", "xcap-caps.xsd"),
];

/// The faults against a schema that are none there, and the others that are; nothing where that cannot be asked.
pub(crate) fn valid(kind: &str, mutants: &[Mutant]) -> Vec<String> {
    let Some(schemas) = shared(kind, "schemas") else { return Vec::new() };
    if Command::new("xmllint").arg("--version").output().is_err() {
        csc_test_support::skip(kind, "xmllint (Debian package libxml2-utils)");
        return Vec::new();
    }
    let mut driver = String::from("<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">");
    for (namespace, file) in SCHEMAS {
        let location = schemas.canonicalize().expect("it exists").join(file);
        write!(driver, "<xs:import namespace=\"{namespace}\" schemaLocation=\"{}\"/>", location.display())
            .expect("writing to a String");
    }
    driver.push_str("</xs:schema>");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("all.xsd"), driver).expect("a writable folder");
    let mut command = Command::new("xmllint");
    command.args(["--nonet", "--noout", "--schema"]).arg(at("all.xsd"));
    // Faults that are none in XML, and those against the schema.
    let judged: Vec<_> = mutants
        .iter()
        .filter(|(what, _, condition)| {
            !matches!(**condition, "not-well-formed" | "not-utf-8")
                && !what.contains("document type")
                && !what.contains("entity")
                && !what.contains("depth")
        })
        .collect();
    for (number, (_, mutant, _)) in judged.iter().enumerate() {
        let file = at(&format!("{number}.xml"));
        std::fs::write(&file, mutant).expect("a writable folder");
        command.arg(file);
    }
    let output = command.output().expect("it ran a moment ago");
    let said = String::from_utf8_lossy(&output.stderr);
    let wrong = judged.iter().enumerate().filter(|(number, (_, _, condition))| {
        let validates =
            said.lines().any(|line| line == format!("{} validates", at(&format!("{number}.xml")).display()));
        validates == (**condition == SCHEMA)
    });
    wrong.map(|(_, (what, _, condition))| format!("{what} ({condition})")).collect()
}
