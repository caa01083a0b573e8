//! Commands that need no server: the reference, a configuration that is wrong, keys.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::csc;

#[test]
fn the_reference_names_every_setting() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The environment is not asked for the reference.
    let ran = csc(folder.path(), &["config"], &[("CSC_HTTP_LISTEN", "nonsense")]);
    assert!(ran.good, "{ran:?}");
    let reference: toml::Table = ran.out.parse().expect("the reference is a configuration file");
    for section in
        ["admin", "auth", "bus", "cms", "gms", "http", "idms", "kms", "log", "scopes", "sip", "store", "xcap"]
    {
        assert!(reference.contains_key(section), "[{section}]");
    }
    for part in [
        "Environment: CSC_HTTP_LISTEN\nlisten = [\"127.0.0.1:4420\"]",
        "Environment: CSC_SCOPES_FIELD_COMPAT\nfield_compat = false",
        "Environment: CSC_SIP_MIN_NOTIFY_INTERVAL\nmin_notify_interval = \"5s\"",
        "Environment: CSC_IDMS_SIGNING_KEY\n# Required, for example:\n# signing_key = ",
    ] {
        assert!(ran.out.contains(part), "{part}");
    }

    // As it stands it lacks what cannot have a default, and nothing else.
    let file = folder.path().join("csc.toml");
    std::fs::write(&file, &ran.out).expect("a writable folder");
    let required = ran.out.matches("# Required, for example:").count();
    let run = csc(folder.path(), &["run", "--config", "csc.toml"], &[]);
    assert!(!run.good, "{run:?}");
    let mistakes: Vec<&str> = run.err.lines().skip(1).collect();
    assert!(mistakes.len() >= required && required > 0, "{required} in {}", run.err);
    assert!(!run.err.contains("unknown"), "{}", run.err);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let configuration = "\
[http]
listen = [\"127.0.0.1:65536\"]
certificate = \"missing.pem\"
lisetn = [\"127.0.0.1:0\"]
[sip]
from_is_identity = \"perhaps\"
min_expires = 99999
[idsm]
issuer = \"https://127.0.0.1\"
[store
";
    std::fs::write(folder.path().join("csc.toml"), configuration).expect("a writable folder");
    let settings = [("CSC_SIP_MAX_ENTRIES", "many"), ("CSC_HTPP_LISTEN", "127.0.0.1:0")];
    let ran = csc(folder.path(), &["run", "--config", "csc.toml"], &settings);
    assert!(!ran.good, "{ran:?}");
    for part in [
        "csc.toml:2: http.listen",
        "csc.toml:4: http.lisetn",
        "did you mean listen?",
        "csc.toml:6: sip.from_is_identity",
        "csc.toml:7: sip.min_expires",
        "csc.toml:8: idsm",
        "csc.toml:10:",
        "CSC_SIP_MAX_ENTRIES",
        "CSC_HTPP_LISTEN",
        "idms.issuer",
        "http.key",
    ] {
        assert!(ran.err.contains(part), "{part} is not in {}", ran.err);
    }
    // A value may be a secret in the wrong place.
    assert!(!ran.err.contains("perhaps") && !ran.err.contains("many\""), "{}", ran.err);
    let missing = csc(folder.path(), &["run", "--config", "nowhere.toml"], &[]);
    assert!(!missing.good && missing.err.contains("nowhere.toml"), "{missing:?}");
}

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).expect("a file").permissions().mode() & 0o777
}

#[test]
fn a_root_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let create = |arguments: &[&str]| {
        let command = ["kms", "root", "create", "--uri", "kms.example.org"];
        csc(folder.path(), &[&command[..], arguments].concat(), &[])
    };
    let first = create(&["--out", "kms.root", "--kek-file", "kms.kek"]);
    assert!(first.good, "{first:?}");
    let (root, kek) = (folder.path().join("kms.root"), folder.path().join("kms.kek"));
    let before = (std::fs::read(&root).expect("a root"), std::fs::read(&kek).expect("a key"));
    assert_eq!((mode(&root), mode(&kek)), (0o600, 0o600));
    for out in ["kms.root", "kms.kek"] {
        let again = create(&["--out", out, "--kek-file", "kms.kek"]);
        assert!(!again.good && again.err.contains(out), "{again:?}");
    }
    assert_eq!(before, (std::fs::read(&root).expect("a root"), std::fs::read(&kek).expect("a key")));

    // The same key seals another root; a new root holds other secrets.
    assert!(create(&["--out", "second.root", "--kek-file", "kms.kek"]).good);
    assert_ne!(std::fs::read(folder.path().join("second.root")).expect("a root"), before.0);
    assert!(!create(&["--out", "third.root"]).good, "nothing to seal it with");
    // A key that everybody may read is none.
    std::fs::set_permissions(&kek, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    assert!(!create(&["--out", "third.root", "--kek-file", "kms.kek"]).good);
    assert!(!folder.path().join("third.root").exists());
}

#[test]
fn keys_of_the_identity_server_are_never_overwritten() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let create = || csc(folder.path(), &["idms", "keys", "create", "--dir", "keys"], &[]);
    assert!(create().good);
    let files = ["idms-signing.pem", "idms-secret"].map(|name| folder.path().join("keys").join(name));
    let read = || files.clone().map(|file| std::fs::read(file).expect("a key"));
    assert_eq!(files.clone().map(|file| mode(&file)), [0o600, 0o600]);
    let before = read();
    let again = create();
    assert!(!again.good && again.err.contains("idms-signing.pem"), "{again:?}");
    assert_eq!(before, read());
}
