//! The scripts.
//!
//! Each begins with `#!lua`, and none says `no-writes`: so a replica, and a master that lost the replicas its own
//! `min-replicas-to-write` asks for, refuses reads as well as commits, before anything is executed. What has been
//! refused so has changed nothing. Reads may go on when memory is full.

use redis::{Cmd, Script, cmd};

/// A script and how it is called.
pub(super) struct Call {
    source: String,
    hash: String,
}

impl Call {
    fn new(flags: &str, checked: bool, body: &str) -> Self {
        let common = if checked { include_str!("scripts/common.lua") } else { "" };
        let source = format!("#!lua{flags}\n{common}{body}");
        let hash = Script::new(&source).get_hash().to_owned();
        Self { source, hash }
    }

    /// A call for `keys`; the arguments come behind.
    pub(super) fn with(&self, keys: &[String]) -> Cmd {
        let mut call = cmd("EVALSHA");
        call.arg(&self.hash).arg(keys.len()).arg(keys);
        call
    }
}

pub(super) struct Scripts {
    pub(super) commit: Call,
    pub(super) get: Call,
    pub(super) scan: Call,
    pub(super) position: Call,
    pub(super) tail: Call,
    pub(super) install: Call,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self::checked(true)
    }

    /// Scripts that do not look at birth records.
    #[cfg(feature = "sabotage")]
    pub(super) fn unchecked() -> Self {
        Self::checked(false)
    }

    fn checked(checked: bool) -> Self {
        const READ: &str = " flags=allow-oom";
        Self {
            commit: Call::new("", checked, include_str!("scripts/commit.lua")),
            get: Call::new(READ, checked, include_str!("scripts/get.lua")),
            scan: Call::new(READ, checked, include_str!("scripts/scan.lua")),
            position: Call::new(READ, checked, include_str!("scripts/position.lua")),
            tail: Call::new(READ, checked, include_str!("scripts/tail.lua")),
            install: Call::new("", false, include_str!("scripts/install.lua")),
        }
    }

    /// What loads them all into a server.
    pub(super) fn loads(&self) -> impl Iterator<Item = Cmd> {
        [&self.commit, &self.get, &self.scan, &self.position, &self.tail, &self.install].into_iter().map(
            |call| {
                let mut load = cmd("SCRIPT");
                load.arg("LOAD").arg(&call.source);
                load
            },
        )
    }
}
