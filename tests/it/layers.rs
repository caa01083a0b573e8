//! Which way dependencies point. The table is the one of CONTRIBUTING.md; a new crate gets its line here first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Every crate of the workspace with its layer.
const LAYERS: &[(&str, u8)] = &[
    ("csc-types", 1),
    ("csc-xml", 1),
    ("csc-xsd", 2),
    ("csc-xcap", 2),
    ("sip-codec", 2),
    ("csc-sip", 2),
    ("csc-sakke", 2),
    ("csc-proto", 3),
    ("csc-service", 4),
    ("csc-auth", 4),
    ("csc-store", 4),
    ("csc-process", 5),
    ("csc-xcap-server", 5),
    ("csc-idms", 6),
    ("csc-gms", 6),
    ("csc-cms", 6),
    ("csc-kms", 6),
    ("csc-subscription-proxy", 6),
    ("csc", 7),
    ("csc-faults", 7),
    ("csc-tests", 7),
];

/// For tests only: no crate that ships may need it to be built.
const TEST_SUPPORT: &str = "csc-test-support";

/// What pure layers may use from outside the workspace. No runtime, no clock, no randomness of its own, no environment.
const PURE: &[(&str, &[&str])] = &[
    ("csc-types", &["sha2", "thiserror"]),
    ("csc-xml", &["memchr", "roxmltree", "thiserror"]),
    ("csc-xsd", &["regex", "thiserror"]),
    ("csc-xcap", &["bytes", "memchr", "percent-encoding", "thiserror"]),
    ("sip-codec", &["bytes", "memchr", "thiserror", "tokio-util"]),
    ("csc-sip", &["bytes", "thiserror"]),
    (
        "csc-sakke",
        &[
            "crypto-bigint",
            "elliptic-curve",
            "hkdf",
            "hmac",
            "p256",
            "rand_core",
            "sha2",
            "subtle",
            "thiserror",
            "zeroize",
        ],
    ),
    ("csc-proto", &["prost", "tonic", "tonic-prost"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The dependencies that each workspace crate needs to be built (dev-dependencies and optional ones left out).
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--offline", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs: it runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let text = |value: &Value| value.as_str().expect("a name").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let needed = package["dependencies"].as_array().expect("dependencies").iter();
            let needed = needed.filter(|d| d["kind"].is_null() && d["optional"] == false);
            let needed = needed.map(|d| text(&d["name"])).collect();
            (text(&package["name"]), needed)
        })
        .collect()
}

#[test]
fn arrows_point_down() {
    let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    for (package, needed) in dependencies() {
        if package == TEST_SUPPORT {
            continue;
        }
        let layer = *layers
            .get(package.as_str())
            .unwrap_or_else(|| panic!("{package} has no layer: add it to LAYERS"));
        for dependency in needed {
            let ships = !matches!(package.as_str(), "csc-faults" | "csc-tests");
            assert!(!ships || dependency != TEST_SUPPORT, "{package} must not ship test support");
            let Some(&below) = layers.get(dependency.as_str()) else { continue };
            // Protocol crates may use each other downwards, and tests may use the whole; no other layer its own.
            let sideways = below == layer && matches!(layer, 2 | 7);
            assert!(
                below < layer || sideways,
                "{package} (layer {layer}) must not use {dependency} (layer {below})"
            );
        }
    }
}

#[test]
fn pure_layers_stay_pure() {
    let dependencies = dependencies();
    for (package, allowed) in PURE {
        for dependency in &dependencies[*package] {
            let ours = LAYERS.iter().any(|(name, _)| name == dependency);
            assert!(ours || allowed.contains(&dependency.as_str()), "{package} must not use {dependency}");
        }
    }
}

/// All Rust sources below `folder`.
fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("a readable folder").path()) {
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn domains_know_no_transport_and_no_engine() {
    const FOREIGN: [&str; 7] =
        ["axum::", "hyper::", "tonic::", "redb::", "redis::", "Embedded", "crate::http"];
    let mut seen = 0;
    for service in ["idms", "gms", "cms", "kms", "subscription-proxy"] {
        let mut files = Vec::new();
        sources(&root().join(service).join("src/domain"), &mut files);
        for file in files {
            seen += 1;
            let text = std::fs::read_to_string(&file).expect("a source file");
            let production = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in FOREIGN {
                assert!(!production.contains(word), "{} speaks of {word}", file.display());
            }
        }
    }
    assert!(seen > 0, "no domain folder was found");
}
