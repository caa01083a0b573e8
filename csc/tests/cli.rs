//! The binary as an operator uses it: what it says when something is wrong, and the commands that the demo prints.
#![allow(clippy::unwrap_used, reason = "in a test every failure is a panic")]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

fn csc(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_csc"));
    command.args(arguments);
    command
}

/// What it wrote, to both outputs.
fn words(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[test]
fn a_configuration_that_cannot_be_read_is_all_that_is_reported() {
    // A variable that is no text is not ours and does no harm.
    let odd = OsStr::from_bytes(b"\xff");
    let output = csc(&["run", "--config", "/nonexistent/csc.toml"]).env("ODD", odd).output().unwrap();
    let said = words(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("csc: 1 mistake in the configuration\n  /nonexistent/csc.toml: cannot read"),
        "{said}"
    );
    assert!(said.contains("`csc config`"), "{said}");
}

#[test]
fn a_cause_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let create = || {
        let (out, kek) = (at("kms.root"), at("kek"));
        csc(&["kms", "root", "create", "--uri", "kms.example.org", "--out", &out, "--kek-file", &kek])
            .output()
            .unwrap()
    };
    assert!(create().status.success());
    let said = words(&create());
    assert_eq!(said.matches("File exists").count(), 1, "{said}");
}

#[test]
fn keys_of_the_glms_dialect() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (key, table) = (at("glms.key"), at("terminals"));
    let keys = |arguments: &[&str]| csc(&[&["gms", "keys"], arguments].concat()).output().unwrap();
    assert!(keys(&["create", "--out", &key]).status.success());
    let before = std::fs::read(&key).unwrap();
    assert_eq!(before.len(), 65);
    let again = keys(&["create", "--out", &key]);
    assert!(!again.status.success() && std::fs::read(&key).unwrap() == before, "{}", words(&again));
    let terminal = |out: &str, users: &[&str]| {
        let users: Vec<&str> = users.iter().flat_map(|user| ["--user", user]).collect();
        keys(&[&["terminal", "--key-file", &key, "--out", out][..], &users].concat())
    };
    let wrote = terminal(&table, &["tel:+1", "TEL:+-2"]);
    assert!(wrote.status.success(), "{}", words(&wrote));
    let written = std::fs::read_to_string(&table).unwrap();
    let lines: Vec<(&str, &str)> = written.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let users: Vec<&str> = lines.iter().map(|(user, _)| *user).collect();
    assert_eq!(users, ["tel:+1", "tel:+2"]);
    assert!(lines.iter().all(|(_, key)| key.len() == 64) && lines[0].1 != lines[1].1);
    assert!(!words(&wrote).contains(lines[0].1), "a key is in its file alone");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&table).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(&key, "no key").unwrap();
    let refused = terminal(&at("other"), &["tel:+1"]);
    assert!(words(&refused).contains("64 hexadecimal digits"), "{}", words(&refused));
    assert!(!Path::new(&at("other")).exists());
}

/// A demo that serves. It is killed when dropped.
struct Demo {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Demo {
    /// Starts it in `folder` and reads what it prints at the end of its scenario: the commands to try.
    fn start(folder: &Path) -> (Self, Vec<String>) {
        let mut child = self::demo(folder).stdout(Stdio::piped()).spawn().expect("the binary starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut demo = Self { child, output };
        let hints =
            (&mut demo.output).lines().map(Result::unwrap).skip_while(|line| !line.starts_with("Serving"));
        let hints: Vec<String> = hints.skip(1).take(7).collect();
        assert!(hints.last().is_some_and(|last| last.contains("provision apply")), "{hints:?}");
        (demo, hints)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn demo(folder: &Path) -> Command {
    csc(&["demo", "--free-ports", "--dir", &folder.display().to_string()])
}

#[test]
fn what_a_serving_demo_prints_works_and_nothing_disturbs_it() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("demo");
    let (demo, hints) = Demo::start(&folder);

    let second = self::demo(&folder).arg("--once").output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(words(&second).contains("a demo is running in"), "{}", words(&second));

    let run = |hint: &String| {
        let words: Vec<&str> = hint.split_whitespace().collect();
        let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
        assert!(output.status.success(), "{hint}\n{}", self::words(&output));
        self::words(&output)
    };
    let hint = |wanted: &str| hints.iter().find(|hint| hint.contains(wanted)).unwrap();
    assert!(run(hint(" boot")).contains("RSK and SSK verified"));
    assert!(run(hint(" provision apply ")).contains("unchanged"));

    // The directory tells where the documents are: at the port that is served.
    let profile = std::fs::read_to_string(folder.join("alex.toml")).unwrap();
    let server = profile.lines().find_map(|line| line.strip_prefix("server = ")).unwrap().trim_matches('"');
    let directory = run(hint("directory.xml"));
    assert!(directory.contains(&format!("uri=\"{server}/")), "{server}\n{directory}");

    let provision = hint(" provision apply ");
    documents_are_administered(&folder, &provision[provision.find("--bus").unwrap()..]);

    drop(demo);
    let words: Vec<&str> = hint(" provision apply ").split_whitespace().collect();
    let late = Command::new(words[0]).args(&words[1..]).output().unwrap();
    let expected =
        "csc: organisation city-fire: the bus cannot be reached: Connection refused (os error 111)\n";
    assert_eq!(self::words(&late), expected);
}

/// The commands for documents and groups, at the demo in `folder`, whose bus is reached with the options `bus`.
fn documents_are_administered(folder: &Path, bus: &str) {
    let run = |arguments: &[&str]| {
        let output = csc(arguments).args(bus.split_whitespace()).output().unwrap();
        (output.status.success(), words(&output))
    };
    let good = |arguments: &[&str]| {
        let (good, said) = run(arguments);
        assert!(good, "{arguments:?}\n{said}");
        said
    };
    let (usage, alex) = ("org.3gpp.mcptt.user-profile", "tel:+82571009990");
    let path = format!("{usage}/users/{alex}/mcptt-user-profile-0.xml");
    let listed = good(&["documents", "list", usage]);
    assert!(listed.starts_with(&format!("{path}\t")) && listed.ends_with("\tcity-fire\n"), "{listed}");
    let profile = good(&["documents", "get", &path]);

    // The same again changes nothing; a change is in the history, and the operator's.
    let file = folder.join("profile.xml").display().to_string();
    std::fs::write(&file, &profile).unwrap();
    assert!(good(&["documents", "put", &path, &file]).starts_with("unchanged"));
    std::fs::write(&file, format!("{profile}<!-- seen -->")).unwrap();
    assert!(good(&["documents", "put", &path, &file, "--dry-run"]).starts_with("changed"));
    let (stored, said) = run(&["documents", "put", &path, &file, "--etag", "1-1"]);
    assert!(!stored && said.contains("another etag"), "{said}");
    assert!(good(&["documents", "put", &path, &file]).starts_with("changed"));
    let history = good(&["documents", "history", &path]);
    assert_eq!(history.lines().count(), 2, "{history}");
    assert!(
        history
            .lines()
            .all(|line| line.contains("Z\tstored\t") && line.contains("\toperator via documents.v1\t")),
        "{history}"
    );

    // A folder of documents: what is wrong with one does not hold up the others.
    let import = folder.join("import");
    let users = import.join(usage).join("users").join(alex);
    std::fs::create_dir_all(&users).unwrap();
    let second = profile.replace("user-profile-index=\"0\"", "user-profile-index=\"7\"");
    let second = second.replace("<Pre-selected-indication/>", "");
    std::fs::write(users.join("mcptt-user-profile-7.xml"), second).unwrap();
    std::fs::write(users.join("mcptt-user-profile-8.xml"), "<mcptt-user-profile/>").unwrap();
    std::fs::write(users.join(".hidden"), "no document").unwrap();
    let import = import.display().to_string();
    let (good_import, said) = run(&["provision", "import", &import, "--dry-run"]);
    assert!(
        !good_import && said.contains("1 created, 0 changed, 0 unchanged, 1 refused (dry run)"),
        "{said}"
    );
    let (good_import, said) = run(&["provision", "import", &import]);
    assert!(!good_import && said.contains("schema-validation-error"), "{said}");
    std::fs::remove_file(users.join("mcptt-user-profile-8.xml")).unwrap();
    let said = good(&["provision", "import", &import]);
    assert!(said.ends_with("0 created, 0 changed, 1 unchanged, 0 refused\n"), "{said}");

    let seventh = path.replace("-0.xml", "-7.xml");
    let (deleted, said) = run(&["documents", "delete", &seventh, "--etag", "1-1"]);
    assert!(!deleted, "{said}");
    assert!(good(&["documents", "delete", &seventh]).starts_with("deleted"));
    assert!(good(&["documents", "delete", &seventh]).starts_with("absent"));
    assert!(!run(&["documents", "get", &seventh]).0);

    let groups = good(&["groups", "of", alex]);
    assert!(groups.starts_with("tel:+82570000701\t") && groups.contains("\tcity-fire\n"), "{groups}");
    assert!(good(&["groups", "members", "tel:+82570000701"]).contains(alex));

    // Somebody leaves: the account at once, the place in the group when gms has followed.
    let sam = "tel:+82571009992";
    assert_eq!(good(&["users", "delete", sam, "--dry-run"]), format!("deleted    {sam} (dry run)\n"));
    assert_eq!(good(&["users", "delete", sam]), format!("deleted    {sam}\n"));
    assert_eq!(good(&["users", "delete", sam]), format!("absent     {sam}\n"));
    assert!(!run(&["users", "delete", "sam"]).0);
    // The name is given away again, in the same breath: not before the place in the group is gone, which it then gets back.
    let plan = folder.join("provision.toml").display().to_string();
    let said = good(&["provision", "apply", &plan]);
    let group = "org.openmobilealliance.groups/global/byGroupID/tel:+82570000701";
    for line in [format!("created    user {sam}\n"), format!("changed    document {group}\n")] {
        assert!(said.contains(&line), "{line}{said}");
    }
    assert!(good(&["groups", "members", "tel:+82570000701"]).contains(sam));
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let mut child = csc(&["config"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
}
