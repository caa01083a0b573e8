//! The binary as people and operators use it: the demo, the reference of its settings, a terminal on the command line,
//! provisioning, keys.

mod cli;
mod once;
mod process;

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const BINARY: &str = env!("CARGO_BIN_EXE_csc-under-test");
/// A bound for a command that hangs, not a measurement.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a command that has ended left behind.
#[derive(Debug)]
struct Ran {
    good: bool,
    out: String,
    err: String,
}

/// Runs `csc` in `folder` with these arguments and environment variables.
fn csc(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Ran {
    let mut child = Command::new(BINARY)
        .args(arguments)
        .envs(settings.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let out = read(child.stdout.take().expect("it is piped"));
    let err = read(child.stderr.take().expect("it is piped"));
    let (Ok(out), Ok(err)) = (out.recv_timeout(PATIENCE), err.recv_timeout(PATIENCE)) else {
        let _ = child.kill();
        let _ = child.wait();
        panic!("csc {arguments:?} does not end");
    };
    let good = child.wait().expect("it is ours").success();
    Ran { good, out, err }
}

/// Reads to the end, so that a command never waits for somebody to read what it says.
fn read(mut from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = from.read_to_string(&mut text);
        let _ = done.send(text);
    });
    wait
}
