//! Commands against a running server: a terminal, provisioning.

use std::path::{Path, PathBuf};

use csc::ue::Profile;
use csc_tests::{ALEX, Client, ENGINE_7, Process, SAM};
use tempfile::TempDir;

use super::{BINARY, Ran, csc};

/// A folder with the profile of a terminal in it.
fn terminal(profile: &Profile) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let profile = toml::to_string(profile).expect("it can be written");
    std::fs::write(folder.path().join("ue.toml"), profile).expect("a writable folder");
    folder
}

fn ue(folder: &TempDir, arguments: &[&str]) -> Ran {
    csc(folder.path(), &[&["ue", "--profile", "ue.toml"], arguments].concat(), &[])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_on_the_command_line() {
    let process = Process::start(BINARY, &[]).await;
    let folder = terminal(&process.client().profile(ALEX));
    let profile = format!("org.3gpp.mcptt.user-profile/users/{}/user-profile", ALEX.0);
    let group = format!("org.openmobilealliance.groups/users/{}/{ENGINE_7}", ALEX.0);

    let boot = ue(&folder, &["boot"]);
    assert!(boot.good, "{boot:?}");
    for part in [
        "logged in as tel:+82571009990",
        &profile,
        &group,
        "ue-config",
        "service-config",
        "RSK and SSK verified",
    ] {
        assert!(boot.out.contains(part), "{part} is not in {}", boot.out);
    }

    let get = ue(&folder, &["get", &profile]);
    assert!(get.good && get.out.contains("<mcptt-user-profile "), "{get:?}");
    let name = format!("{group}/~~/group/list-service%5b@uri=%22{ENGINE_7}%22%5d/display-name");
    let get = ue(&folder, &["get", &name]);
    assert!(get.good && get.out.contains("Engine company 7</display-name>"), "{get:?}");
    let get = ue(&folder, &["get", &profile.replace(ALEX.0, SAM.0)]);
    assert!(!get.good && get.err.contains("403"), "{get:?}");

    let keys = ue(&folder, &["keys"]);
    assert!(keys.good && keys.out.contains("KMS kms.example.org: keys of tel:+82571009990"), "{keys:?}");

    let subscribe = ue(&folder, &["subscribe", "--count", "1"]);
    assert!(subscribe.good, "{subscribe:?}");
    for part in [
        "subscribed for 3600 s",
        "NOTIFY ",
        "active;expires=",
        "is there, ETag ",
        "terminated;reason=timeout",
    ] {
        assert!(subscribe.out.contains(part), "{part} is not in {}", subscribe.out);
    }
    for sel in [&profile, &group] {
        assert!(subscribe.out.contains(sel.as_str()), "{sel} is not in {}", subscribe.out);
    }

    let stranger = terminal(&process.client().profile((ALEX.0, "another password")));
    let refused = ue(&stranger, &["boot"]);
    assert!(!refused.good && refused.err.contains("pssword_is_not_matched"), "{refused:?}");
}

/// Somebody whom the demo does not know, of an organisation that it does not know.
const NEWCOMER: (&str, &str) = ("tel:+82571008881", "pump-nine");
const PROFILE: &str = "org.3gpp.mcptt.user-profile/users/tel:+82571008881/user-profile";
const PLAN: &str = r#"
[[organisation]]
id = "harbour-fire"
display_name = "Harbour Fire Brigade"

[[client]]
id = "HARBOUR_UE"
organisation = "harbour-fire"
redirect_uris = ["http://mcptt_client/cb"]
scopes = [
    "openid", "3gpp:mcptt:ptt_server", "3gpp:mcptt:key_management_server",
    "3gpp:mcptt:config_management_server", "3gpp:mcptt:group_management_server",
]

[[user]]
id = "tel:+82571008881"
organisation = "harbour-fire"
password = "pump-nine"

[[document]]
path = "org.3gpp.mcptt.user-profile/users/tel:+82571008881/user-profile"
file = "profile.xml"

[[document]]
path = "org.openmobilealliance.groups/global/byGroupID/tel:+82570008801"
organisation = "harbour-fire"
file = "group.xml"
"#;

/// Writes the plan, whose documents are the demo's under other names.
fn write_plan(folder: &Path) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../csc/demo/documents");
    let copy = |from: &str, to: &str, old: &str, new: &str| {
        let text = std::fs::read_to_string(demo.join(from)).expect("a document of the demo");
        std::fs::write(folder.join(to), text.replace(old, new)).expect("a writable folder");
    };
    copy("user-profile.xml", "profile.xml", ALEX.0, NEWCOMER.0);
    copy("group-engine-7.xml", "group.xml", ENGINE_7, "tel:+82570008801");
    std::fs::write(folder.join("plan.toml"), PLAN).expect("a writable folder");
}

/// `csc provision apply` as the operator.
struct Operator {
    folder: TempDir,
    bus: String,
    files: [PathBuf; 3],
}

impl Operator {
    fn of(client: &Client) -> Self {
        let files = ["bus-ca.pem", "operator.pem", "operator.key"].map(|name| client.site().at(name));
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_plan(folder.path());
        Self { folder, bus: format!("localhost:{}", client.bus_address().port()), files }
    }

    fn apply(&self, file: &Path, more: &[&str]) -> Ran {
        let [ca, certificate, key] =
            self.files.each_ref().map(|file| file.to_str().expect("a path of ASCII"));
        let file = file.to_str().expect("a path of ASCII");
        let command = ["provision", "apply", file, "--bus", &self.bus];
        let identity = ["--ca", ca, "--certificate", certificate, "--key", key];
        csc(self.folder.path(), &[&command[..], &identity, more].concat(), &[])
    }
}

/// The first word of each line.
fn outcomes(ran: &Ran) -> Vec<&str> {
    assert!(ran.good, "{ran:?}");
    ran.out.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn provisioning_is_idempotent() {
    let process = Process::start(BINARY, &[]).await;
    let operator = Operator::of(process.client());
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../csc/demo/provision.toml");
    // The process was given the demo's people already.
    assert_eq!(outcomes(&operator.apply(&demo, &[])), ["unchanged"; 10]);

    let plan = Path::new("plan.toml");
    let newcomer = terminal(&Profile {
        client_id: "HARBOUR_UE".parse().expect("a client"),
        ..process.client().profile(NEWCOMER)
    });
    for _ in 0..2 {
        let dry = operator.apply(plan, &["--dry-run"]);
        assert_eq!(outcomes(&dry), ["created"; 5]);
        assert_eq!(dry.out.matches("(dry run)").count(), 5, "{}", dry.out);
        assert!(!ue(&newcomer, &["get", PROFILE]).good, "a dry run changes nothing");
    }
    assert_eq!(outcomes(&operator.apply(plan, &[])), ["created"; 5]);
    assert_eq!(outcomes(&operator.apply(plan, &[])), ["unchanged"; 5]);
    assert_eq!(outcomes(&operator.apply(plan, &["--dry-run"])), ["unchanged"; 5]);
    let get = ue(&newcomer, &["get", PROFILE]);
    assert!(get.good && get.out.contains(NEWCOMER.0), "{get:?}");

    // What changed is changed, and nothing else.
    let file = operator.folder.path().join("plan.toml");
    std::fs::write(&file, PLAN.replace("pump-nine", "pump-ten")).expect("a writable folder");
    let changed = ["unchanged", "unchanged", "changed", "unchanged", "unchanged"];
    assert_eq!(outcomes(&operator.apply(plan, &[])), changed);
    assert!(!ue(&newcomer, &["get", PROFILE]).good, "the old password is over");

    // A mistake in the file is found before anything is sent; a stranger gets nowhere.
    std::fs::write(operator.folder.path().join("bad.toml"), "[[usr]]\nid = \"x\"\n")
        .expect("a writable folder");
    let bad = operator.apply(Path::new("bad.toml"), &[]);
    assert!(!bad.good && bad.err.contains("usr"), "{bad:?}");
    let server = ["server.pem", "server.key"].map(|name| process.client().site().at(name));
    let [ca, ..] = operator.files.clone();
    let [certificate, key] = server;
    let stranger = Operator { files: [ca, certificate, key], ..operator };
    assert!(!stranger.apply(plan, &[]).good, "a certificate of another CA opens nothing");
}
