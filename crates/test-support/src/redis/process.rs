//! A server process that cannot outlive the test: a shell waits beside it for the end of our pipe, kills it then, and
//! takes its directory away. That end comes even when the test is killed.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const GUARD: &str = r#"
directory=$1; shift
"$@" </dev/null >>"$directory/output" 2>&1 &
pid=$!
echo "$pid"
read -r word || word=gone
kill -9 "$pid"
wait "$pid"
[ "$word" = keep ] || rm -rf "$directory"
"#;

/// A running server. Dropped, it is killed and its directory removed.
#[derive(Debug)]
pub(super) struct Process {
    guard: Child,
    pid: u32,
}

impl Process {
    /// Starts `command` for the data in `directory`.
    pub(super) fn start(directory: &Path, command: &[String]) -> io::Result<Self> {
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(directory)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = guard.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let pid = line.trim().parse().map_err(|_| io::Error::other("the shell told no process id"))?;
        Ok(Self { guard, pid })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal, such as `STOP`. The process is the shell's child until the shell ends, so its id is still its own.
    pub(super) fn signal(&self, signal: &str) -> bool {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.pid.to_string()).status();
        sent.is_ok_and(|status| status.success())
    }

    /// Kills it at once and leaves its directory.
    pub(super) fn kill(mut self) {
        if let Some(pipe) = self.guard.stdin.as_mut() {
            // A shell that is gone has killed the server already.
            let _ = pipe.write_all(b"keep\n");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}
