//! One Redis process.

use std::collections::HashSet;
use std::fmt::Write;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use super::client::{self, Reply};
use super::process::Process;
use super::{BINARY, Setting, installed, until};

/// As little waiting as replication permits, and everything durable.
const DEFAULTS: &[Setting<'static>] = &[
    ("bind", "127.0.0.1"),
    ("protected-mode", "no"),
    ("save", "\"\""),
    ("appendonly", "yes"),
    ("appendfsync", "always"),
    ("maxmemory-policy", "noeviction"),
    ("repl-diskless-sync-delay", "0"),
    ("repl-ping-replica-period", "1"),
];

/// A `redis-server` with a directory of its own. Dropped, it is killed and the directory removed.
#[derive(Debug)]
pub struct Server {
    port: u16,
    directory: PathBuf,
    command: Vec<String>,
    password: Option<String>,
    process: Option<Process>,
}

impl Server {
    /// Starts a server; `None` if Redis is not installed, `test` being skipped then.
    pub fn start(test: &str) -> Option<Self> {
        Self::with(test, &[])
    }

    /// Starts a server with `settings` beside, or instead of, those of all of them.
    ///
    /// # Panics
    /// When it does not start.
    pub fn with(test: &str, settings: &[Setting<'_>]) -> Option<Self> {
        if !installed(test) {
            return None;
        }
        let server = Self::launch(settings, false);
        server.ready();
        Some(server)
    }

    /// Starts a Sentinel with `settings`, which say all that it is to watch; `None` if Redis is not installed. A whole
    /// set-up is [`super::Sentinels`].
    ///
    /// # Panics
    /// When it does not start.
    pub fn sentinel(test: &str, settings: &[Setting<'_>]) -> Option<Self> {
        if !installed(test) {
            return None;
        }
        let server = Self::launch(settings, true);
        server.ready();
        Some(server)
    }

    /// Starts it without waiting until it answers. Redis is known to be installed.
    pub(super) fn launch(settings: &[Setting<'_>], sentinel: bool) -> Self {
        let own = settings.iter().find(|(name, _)| *name == "port");
        let port = own.map_or_else(free_port, |(_, port)| port.parse().expect("a port was given"));
        let directory =
            tempfile::Builder::new().prefix("csc-redis-").tempdir().expect("a temporary directory").keep();
        let mut text = format!("port {port}\ndir {}\nlogfile {0}/log\n", directory.display());
        if !sentinel {
            for (name, value) in
                DEFAULTS.iter().filter(|(name, _)| !settings.iter().any(|(own, _)| own == name))
            {
                writeln!(text, "{name} {value}").expect("a string takes text");
            }
        }
        for (name, value) in settings.iter().filter(|(name, _)| *name != "port") {
            writeln!(text, "{name} {value}").expect("a string takes text");
        }
        let file = directory.join("redis.conf");
        std::fs::write(&file, text).expect("the configuration is written");
        let mut command = vec![BINARY.to_owned(), file.display().to_string()];
        if sentinel {
            command.push("--sentinel".to_owned());
        }
        let password =
            settings.iter().find(|(name, _)| *name == "requirepass").map(|(_, value)| (*value).to_owned());
        let mut server = Self { port, directory, command, password, process: None };
        server.run();
        server
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The port it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its files are, such as `appendonlydir` and `log`.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its process id; `None` after [`Server::kill`].
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Sends a command and returns the answer, which may be an error of the server's.
    ///
    /// # Errors
    /// When it does not answer within 15 s.
    pub fn try_call<A: AsRef<[u8]>>(&self, arguments: &[A]) -> io::Result<Reply> {
        client::call(self.address(), self.password.as_deref(), arguments)
    }

    /// Sends a command that must succeed.
    ///
    /// # Panics
    /// When it does not.
    pub fn call<A: AsRef<[u8]>>(&self, arguments: &[A]) -> Reply {
        let name = arguments.first().map(|name| String::from_utf8_lossy(name.as_ref()).into_owned());
        match self.try_call(arguments) {
            Ok(Reply::Error(why)) => panic!("{name:?}: {why}"),
            Ok(reply) => reply,
            Err(why) => panic!("{name:?}: {why}"),
        }
    }

    /// A line of `INFO`, such as `master_link_status`; `None` if there is none or no answer.
    pub fn info(&self, field: &str) -> Option<String> {
        let text = self.try_call(&["INFO"]).ok()?.text();
        let found = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        found.map(|value| value.trim().to_owned())
    }

    /// Kills it (SIGKILL). Its files stay.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Starts it again after [`Server::kill`], on the same port and files, without waiting until it has loaded them.
    ///
    /// # Panics
    /// When it runs.
    pub fn run(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        self.process = Some(Process::start(&self.directory, &self.command).expect("a shell starts"));
    }

    /// Kills it and starts it again, and waits until it answers.
    pub fn restart(&mut self) {
        self.kill();
        self.run();
        self.ready();
    }

    /// Stops it in its tracks (SIGSTOP): its connections stay open, nothing is answered.
    ///
    /// # Panics
    /// When it does not run.
    pub fn freeze(&self) {
        assert!(self.process.as_ref().is_some_and(|process| process.signal("STOP")), "it runs");
    }

    /// Lets it go on after [`Server::freeze`].
    ///
    /// # Panics
    /// When it does not run.
    pub fn thaw(&self) {
        assert!(self.process.as_ref().is_some_and(|process| process.signal("CONT")), "it runs");
    }

    /// Waits until it has loaded its files and answers.
    ///
    /// # Panics
    /// When that does not come within 60 s.
    pub fn ready(&self) {
        until("the server answers", || self.try_call(&["PING"]).is_ok_and(|reply| reply.text() == "PONG"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Without a process there is no guard to do it.
        if self.process.take().is_none() {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

/// A port that is free now and that no outgoing connection takes later: a server that is started again needs the one it
/// had, so it lies below the range of passing connections.
pub fn free_port() -> u16 {
    static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    // Processes that run at the same time begin at different places.
    let start = std::process::id().wrapping_mul(7919) % SPAN;
    let candidates = (0..SPAN).map(|n| FIRST + ((start + n) % SPAN) as u16);
    let free = |port: &u16| !given.contains(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let port = candidates.into_iter().find(free).expect("one of many ports is free");
    given.insert(port);
    port
}

const FIRST: u16 = 12_000;
const SPAN: u32 = 20_000;
