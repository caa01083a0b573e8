//! Every rule of the configuration reader, and the reference file.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

/// One of each kind of setting.
#[derive(Debug, PartialEq)]
struct Sample {
    listen: SocketAddr,
    name: String,
    proxy: Option<SocketAddr>,
    hops: Vec<SocketAddr>,
    workers: u16,
    strict: bool,
    wait: Duration,
    limit: usize,
    file: PathBuf,
    ca: Option<PathBuf>,
}

fn sample(settings: &mut Settings) -> Sample {
    let mut section = settings.section("sample", "A sample.");
    Sample {
        listen: section.value("listen", "127.0.0.1:1", "Where."),
        name: section.required("name", "alpha", "Who.\nOn two lines."),
        proxy: section.optional("proxy", "127.0.0.1:2", "Through whom."),
        hops: section.list("hops", &["127.0.0.1:3", "127.0.0.1:4"], "Over whom."),
        workers: section.number("workers", 4, 1..=64, "How many."),
        strict: section.flag("strict", true, "How."),
        wait: section.duration("wait", "30s", ("1s", "1h"), "How long."),
        limit: section.size("limit", "1MiB", ("1B", "2MiB"), "How much."),
        file: section.path("file", "data/file", "Which."),
        ca: section.optional_path("ca", "ca.pem", "Whose."),
    }
}

fn load(file: &str, environment: &[(&str, &str)]) -> (Settings, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("csc.toml");
    fs::write(&path, file).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    (Settings::load(Some(&path), environment), folder)
}

/// The mistakes, each as one line without the folder of the file.
fn mistakes(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let (mut settings, folder) = load(file, environment);
    sample(&mut settings);
    let folder = format!("{}/", folder.path().display());
    let found = settings.finish().err().map_or_else(Vec::new, |mistakes| mistakes.0);
    found.iter().map(|mistake| mistake.to_string().replace(&folder, "")).collect()
}

#[test]
fn defaults_hold() {
    let (mut settings, folder) = load("[sample]\nname = 'x'", &[]);
    let got = sample(&mut settings);
    settings.finish().unwrap();
    let expected = Sample {
        listen: "127.0.0.1:1".parse().unwrap(),
        name: "x".to_owned(),
        proxy: None,
        hops: vec!["127.0.0.1:3".parse().unwrap(), "127.0.0.1:4".parse().unwrap()],
        workers: 4,
        strict: true,
        wait: Duration::from_secs(30),
        limit: 1 << 20,
        file: folder.path().join("data/file"),
        ca: None,
    };
    assert_eq!(got, expected);
}

#[test]
fn the_file_is_read_and_the_environment_wins() {
    let file = "
        [sample]
        listen = '[::1]:5'
        name = 'x'
        proxy = '127.0.0.1:6'
        hops = []
        workers = 0x10
        strict = false
        wait = '2m'
        limit = '512B'
        file = '/abs'
        ca = 'other.pem'";
    let (mut settings, folder) =
        load(file, &[("CSC_SAMPLE_WORKERS", "7"), ("PATH", "/bin"), ("CSC_SHARED", "x")]);
    let got = sample(&mut settings);
    settings.finish().unwrap();
    assert_eq!(got.listen, "[::1]:5".parse().unwrap());
    assert_eq!((got.proxy, got.hops), (Some("127.0.0.1:6".parse().unwrap()), vec![]));
    assert_eq!((got.workers, got.strict), (7, false));
    assert_eq!((got.wait, got.limit), (Duration::from_secs(120), 512));
    assert_eq!((got.file.as_path(), got.ca), (Path::new("/abs"), Some(folder.path().join("other.pem"))));

    let environment = [
        ("CSC_SAMPLE_NAME", "y"),
        ("CSC_SAMPLE_HOPS", "127.0.0.1:7, 127.0.0.1:8"),
        ("CSC_SAMPLE_STRICT", "false"),
        ("CSC_SAMPLE_WAIT", "1s"),
    ];
    let (mut settings, _folder) = load("", &environment);
    let got = sample(&mut settings);
    settings.finish().unwrap();
    assert_eq!((got.name.as_str(), got.hops.len(), got.strict), ("y", 2, false));
}

#[test]
fn every_mistake_is_reported_at_once() {
    let file = "stray = 1
[sample]
lisen = '127.0.0.1:1'
listen = 'nowhere'
proxy = 5
hops = '127.0.0.1:1'
workers = 65
strict = 'yes'
wait = '2h'
limit = 3.5
file = ''

[smaple]
x = 1
[another]
";
    let found = mistakes(file, &[("CSC_SAMPLE_NAMES", "x"), ("CSC_OTHER_KEY", "secret")]);
    let expected = [
        "csc.toml:1: stray: a setting outside of a [section]",
        "csc.toml:4: sample.listen: invalid socket address syntax",
        "sample.name: is required and missing",
        "csc.toml:5: sample.proxy: must be a text in quotes",
        "csc.toml:6: sample.hops: must be a list of texts: [\"…\", \"…\"]",
        "csc.toml:7: sample.workers: must be a whole number from 1 to 64",
        "csc.toml:8: sample.strict: must be true or false",
        "csc.toml:9: sample.wait: must be from 1s to 1h",
        "csc.toml:10: sample.limit: must be a text in quotes",
        "csc.toml:11: sample.file: must not be empty",
        "csc.toml:15: another: unknown section",
        "csc.toml:3: sample.lisen: unknown setting; did you mean listen?",
        "csc.toml:13: smaple: unknown section; did you mean sample?",
        "CSC_OTHER_KEY: unknown setting",
        "CSC_SAMPLE_NAMES: unknown setting; did you mean CSC_SAMPLE_NAME?",
    ];
    for line in expected {
        assert!(found.contains(&line.to_owned()), "missing: {line}\nfound: {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert!(!found.concat().contains("secret"));
}

#[test]
fn a_file_with_bad_syntax_still_reports_the_rest() {
    let found = mistakes("[sample]\nname = \nworkers = 0\nworkers = 1\n", &[]);
    assert!(found.iter().any(|line| line.starts_with("csc.toml:2: ")), "{found:#?}");
    assert!(found.iter().any(|line| line.contains("sample.workers: must be")), "{found:#?}");
    assert!(found.iter().any(|line| line.starts_with("csc.toml:4: duplicate")), "{found:#?}");
}

#[test]
fn a_file_that_cannot_be_read_is_the_only_mistake() {
    let mut settings = Settings::load(Some(Path::new("/nonexistent/csc.toml")), []);
    sample(&mut settings);
    let text = settings.finish().unwrap_err().to_string();
    let expected =
        "1 mistake in the configuration\n  /nonexistent/csc.toml: cannot read the configuration file";
    assert!(text.starts_with(expected) && text.lines().count() == 2, "{text}");
}

#[test]
fn two_askers_get_the_same_answer() {
    let (mut settings, _folder) = load("[sample]\nname = 'x'\nworkers = 99", &[]);
    assert_eq!(sample(&mut settings), sample(&mut settings));
    assert_eq!(settings.finish().unwrap_err().0.len(), 1);
}

#[test]
fn the_reference_file_is_what_is_read() {
    let mut settings = Settings::defaults();
    let defaults = sample(&mut settings);
    let reference = settings.reference();
    settings.finish().unwrap();
    assert!(
        reference
            .contains("# Who.\n# On two lines.\n# Environment: CSC_SAMPLE_NAME\n# Required, for example:\n")
    );

    // As printed only what is required is missing; with the examples taken it is complete.
    assert_eq!(mistakes(&reference, &[]), ["sample.name: is required and missing"]);
    let (mut settings, folder) = load(&reference.replace("# name =", "name ="), &[]);
    let read = sample(&mut settings);
    settings.finish().unwrap();
    assert_eq!(read, Sample { file: folder.path().join("data/file"), ..defaults });
}

fn secret(mode: u32, content: &[u8]) -> Result<SecretBytes, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    SecretBytes::read(&path)
}

#[test]
fn secrets_come_from_private_files() {
    let good = secret(0o640, b"hush").unwrap();
    assert_eq!(good.expose(), b"hush");
    assert_eq!(format!("{good:?}"), "[secret]");
    assert_eq!(secret(0o600, &[0; 64 * 1024]).unwrap().expose().len(), 64 * 1024);
    for (mode, content, why) in [
        (0o644, &b"hush"[..], "chmod o="),
        (0o602, b"hush", "chmod o="),
        (0o600, b"", "is empty"),
        (0o600, &[0; 64 * 1024 + 1], "larger than"),
    ] {
        assert!(secret(mode, content).unwrap_err().contains(why), "{mode:o} {why}");
    }
    assert!(SecretBytes::read(Path::new("/")).unwrap_err().contains("is no file"));
    assert!(SecretBytes::read(Path::new("/nonexistent")).unwrap_err().contains("cannot open"));
}

#[test]
fn a_secret_setting_is_a_path() {
    let (mut settings, folder) = load("[sample]\nkey = 'key'\nopen = 'open'", &[]);
    let key = folder.path().join("key");
    fs::write(&key, "hush").unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let mut section = settings.section("sample", "A sample.");
    assert_eq!(section.secret_file("key", "key", "Key.").expose(), b"hush");
    assert!(section.optional_secret_file("open", "open", "Missing.").is_none());
    assert!(section.optional_secret_file("none", "none", "Not set.").is_none());
    assert!(section.secret_file("gone", "gone", "Not set.").expose().is_empty());
    let text = settings.finish().unwrap_err().to_string();
    assert!(text.contains("sample.open: secret file "), "{text}");
    assert!(text.contains("sample.gone: is required and missing"), "{text}");
    assert!(text.starts_with("2 mistakes"), "{text}");
}

#[test]
fn an_asker_can_add_its_own_mistake() {
    let (mut settings, _folder) = load("", &[]);
    settings.section("sample", "A sample.").mistake("strict", "does not fit the weather");
    let text = settings.finish().unwrap_err().to_string();
    assert_eq!(text, "1 mistake in the configuration\n  sample.strict: does not fit the weather");
}
