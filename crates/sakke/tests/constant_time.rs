//! The compiled code, run under valgrind's simulated processor: for different secrets it executes the same number of
//! instructions and branches, mispredicts the same number, and touches memory in a way that gives the same number of
//! cache misses at every level.
//!
//! That sees what the source does not show: a table read at a secret index, or arithmetic that the compiler turned into
//! a branch. It does not see an instruction whose own duration depends on its operands, and it speaks of the profile it
//! was compiled in: run it with `--release` before a release.
//!
//! The process runs itself under valgrind once per seed, without the threads of the test harness.

use std::env;
use std::hint::black_box;
use std::process::Command;

use csc_sakke::{Root, Ssv, Uid};
use csc_test_support::{SeededEntropy, skip};

const TEST: &str = "constant_time";
const SEED: &str = "CONSTANT_TIME_SEED";

fn main() {
    if let Ok(seed) = env::var(SEED) {
        return use_secrets(seed.parse().expect("a number"));
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        return skip(TEST, "valgrind");
    }
    let profiles: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = (1..=2).map(|seed: u64| scope.spawn(move || profile(seed))).collect();
        runs.into_iter().map(|run| run.join().expect("a finished run")).collect()
    });
    assert!(profiles[0].split(' ').count() > 10, "{profiles:?}");
    assert_eq!(profiles[0], profiles[1], "the course of a computation depends on its secrets");
}

/// What valgrind counted when the secrets of `seed` were used.
fn profile(seed: u64) -> String {
    let counted = Command::new("valgrind")
        .args([
            "--tool=cachegrind",
            "--cache-sim=yes",
            "--branch-sim=yes",
            "--cachegrind-out-file=/dev/stdout",
        ])
        .arg(env::current_exe().expect("the path of this program"))
        .env(SEED, seed.to_string())
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&counted.stdout).into_owned();
    assert!(counted.status.success(), "{}", String::from_utf8_lossy(&counted.stderr));
    text.lines().find(|line| line.starts_with("summary:")).expect("a summary").to_owned()
}

/// Everything that is done with a master secret, a user's key or an ephemeral.
fn use_secrets(seed: u64) {
    let entropy = SeededEntropy::new(seed);
    let root = Root::generate("kms.example.org", &entropy).expect("the entropy is good");
    let uid = Uid::from_bytes([7; 32]);
    let set = root.issue(&uid).expect("no such UID is known");
    black_box((set.rsk.to_bytes().to_hex(), set.signing.ssk().to_hex(), root.to_bytes()));
    let (id, z, kpak) = (uid.identifier(), root.pub_enc_key(), root.pub_auth_key());
    set.verify(&uid, z, kpak).expect("the set was just issued");
    let data = z.encapsulate(&Ssv::new([seed as u8; 16]), id).expect("no such secret is known");
    black_box(set.rsk.decapsulate(&data, id, z).expect("it was just encapsulated"));
    black_box(set.signing.sign(id, kpak, b"message", &entropy).expect("the entropy is good"));
}
