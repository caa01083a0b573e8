//! No document of 1 MiB costs more than 64 MiB. Each shape is parsed in a process of its own, whose peak the kernel knows.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test; shapes are shared with a bench")]

mod shapes;

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use csc_xml::{Limits, parse};
use shapes::{SIZE, shapes};

const ASKED: &str = "CSC_XML_HOSTILE";
const MOST_KIB: u64 = 64 << 10;

#[test]
fn memory_of_hostile_documents() {
    for shape in shapes() {
        // What the scan refuses never reaches the parser, which takes nearly all of the memory.
        let text = shape.text(shape.accepted(&Limits::DEFAULT));
        let peak = peak_of(&text);
        println!("{peak:>7} KiB  {} octets: {}", text.len(), shape.name);
        assert!(peak <= MOST_KIB, "{} octets: {}: {peak} KiB", text.len(), shape.name);
    }
}

fn peak_of(text: &str) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_document", "--nocapture", "--ignored"])
        .env(ASKED, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let peak = said.split_whitespace().skip_while(|word| *word != "peak").nth(1);
    peak.and_then(|peak| peak.parse().ok()).unwrap_or_else(|| panic!("{said}"))
}

/// The process of one document: says how far its memory grew while the document was parsed.
#[test]
#[ignore = "run by memory_of_hostile_documents"]
fn one_document() {
    if std::env::var_os(ASKED).is_none() {
        return;
    }
    let mut text = Vec::with_capacity(SIZE + 1);
    std::io::stdin().read_to_end(&mut text).unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap(); // the peak begins anew
    let before = kib("VmHWM:");
    let parsed = parse(&text, &Limits::DEFAULT);
    let after = kib("VmHWM:");
    drop(parsed);
    println!("peak {} KiB", after - before);
}

fn kib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
