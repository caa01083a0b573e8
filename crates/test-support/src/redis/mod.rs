//! Redis servers for tests: started on loopback, stopped when they are dropped.
//!
//! [`Server`] is one process, [`Replicated`] a master with replicas, [`Sentinels`] the same with Sentinels that watch
//! it, [`Cluster`] masters that share the slots with a replica each. They store under a temporary directory, durably
//! (`appendonly yes`, `appendfsync always`), as the product asks operators to do.
//!
//! Starting waits until the servers answer, and blocks the calling thread for that long. A machine without
//! `redis-server` gets `None` after [`crate::skip`].

mod client;
mod cluster;
mod process;
mod replicated;
mod sentinels;
mod server;

pub use client::{Reply, call};
pub use cluster::Cluster;
pub use replicated::Replicated;
pub use sentinels::Sentinels;
pub use server::{Server, free_port};

use std::thread::sleep;
use std::time::Duration;

/// A setting of a server's configuration file and its value.
pub type Setting<'a> = (&'a str, &'a str);

/// How often something is looked at until it is so, with [`PAUSE`] between: 60 s.
const LOOKS: u32 = 3000;
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `done`, at most about 60 s.
///
/// # Panics
/// When it does not come.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if done() {
            return;
        }
        sleep(PAUSE);
    }
    panic!("{what}: not within 60 s");
}

/// Whether `redis-server` can be started; says that `test` is skipped if not.
fn installed(test: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|at| at.join(BINARY).exists()));
    if !found {
        crate::skip(test, BINARY);
    }
    found
}

const BINARY: &str = "redis-server";
