//! `csc demo --once`.

use std::net::TcpListener;
use std::path::Path;

use super::{Ran, csc};

/// What the demo shows, in its order.
const STEPS: [&str; 17] = [
    "certificates, keys, configuration",
    "services start",
    "organisation, users, documents",
    "UE logs in (CSC-1)",
    "UE configuration (CSC-4)",
    "user profile (CSC-4)",
    "service configuration (CSC-4)",
    "groups of the user (CSC-2)",
    "group document (CSC-2)",
    "KMS certificate (CSC-8)",
    "user key set (CSC-8)",
    "SUBSCRIBE",
    "first NOTIFY",
    "dispatcher adds the user to a group",
    "NOTIFY of the change",
    "new group fetched (CSC-2)",
    "unsubscribe",
];

fn demo(folder: &Path, settings: &[(&str, &str)]) -> Ran {
    csc(folder, &["demo", "--once", "--free-ports", "--dir", "demo"], settings)
}

/// The numbered lines, each with the name of its step.
fn printed(ran: &Ran) -> Vec<&str> {
    let numbered = ran.out.lines().filter_map(|line| line.trim_start().split_once("  "));
    numbered.filter(|(number, _)| number.parse::<u32>().is_ok()).map(|(_, rest)| rest).collect()
}

#[test]
fn every_step_passes_and_may_be_repeated() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for _ in 0..2 {
        let ran = demo(folder.path(), &[]);
        assert!(ran.good, "{ran:?}");
        let lines = printed(&ran);
        assert_eq!(lines.len(), STEPS.len(), "{}", ran.out);
        for (line, step) in lines.iter().zip(STEPS) {
            assert!(line.starts_with(&format!("{step} ")), "{line} is not {step}");
        }
        assert!(!ran.out.contains("FAILED"), "{}", ran.out);
        assert!(ran.out.lines().count() <= 24, "more than a screen:\n{}", ran.out);
        assert_eq!(ran.err, "");
    }
}

#[test]
fn a_broken_step_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("it is bound").to_string();
    for (setting, value, step) in [
        ("CSC_HTTP_LISTEN", taken.as_str(), "services start"),
        ("CSC_HTPP_LISTEN", "127.0.0.1:0", "services start"),
        ("CSC_BUS_DOMAIN", "elsewhere.example.org", "organisation, users, documents"),
        ("CSC_AUTH_AUDIENCES", "somebody_else", "UE configuration (CSC-4)"),
        ("CSC_SIP_TRUSTED_PEERS", "127.0.0.9", "SUBSCRIBE"),
        ("CSC_SIP_PSIS", "another_psi", "SUBSCRIBE"),
    ] {
        let ran = demo(folder.path(), &[(setting, value)]);
        let number = 1 + STEPS.iter().position(|name| *name == step).expect("a step of the demo");
        assert!(!ran.good, "{setting}={value}: {ran:?}");
        let named = format!("step {number} ({step}) failed");
        assert!(ran.err.contains(&named), "{setting}={value}: {named} is not in {}", ran.err);
        // Its last line is that step, and the ones before it passed.
        let lines = printed(&ran);
        assert_eq!(lines.len(), number, "{}", ran.out);
        assert_eq!(ran.out.matches("FAILED").count(), 1, "{}", ran.out);
        assert!(lines[number - 1].starts_with(step) && lines[number - 1].ends_with("FAILED"), "{}", ran.out);
    }
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let other = folder.path().join("demo");
    std::fs::create_dir(&other).expect("a writable folder");
    std::fs::write(other.join("letters.txt"), "do not lose this").expect("a writable folder");
    let ran = demo(folder.path(), &[]);
    assert!(!ran.good && ran.err.contains("step 1 (certificates, keys, configuration) failed"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(other.join("letters.txt")).expect("it is there"), "do not lose this");
    assert_eq!(std::fs::read_dir(&other).expect("a folder").count(), 1);
}
