//! A process of the product: started, and asked through its log where it listens.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// How long a process may take until it listens.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that listens.
pub(crate) struct Started {
    pub(crate) child: Child,
    /// `https`, `sip`, `bus`, `admin`: those that were waited for.
    pub(crate) addresses: HashMap<String, SocketAddr>,
}

/// A process that may not listen yet.
pub(crate) struct Starting {
    name: String,
    child: Child,
    found: mpsc::Receiver<(String, SocketAddr)>,
}

/// Starts `command`. Its warnings and errors go on to the test's own output under `name`.
#[allow(clippy::print_stdout, reason = "what a failed test has to show")]
pub(crate) fn start(name: &str, mut command: Command) -> Starting {
    let mut child = command
        .envs([("CSC_LOG_FORMAT", "json"), ("CSC_LOG_FILTER", "info")])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let log = BufReader::new(child.stderr.take().expect("it is piped"));
    let (tell, found) = mpsc::channel();
    let process = name.to_owned();
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).unwrap_or(Value::String(line));
            let address = event["address"].as_str().and_then(|address| address.parse::<SocketAddr>().ok());
            match (event["name"].as_str(), address) {
                (Some(name), Some(address)) if event["message"] == "listening" => {
                    let _ = tell.send((name.to_owned(), address));
                }
                _ if matches!(event["level"].as_str(), Some("INFO")) => {}
                _ => println!("{process}: {event}"),
            }
        }
    });
    Starting { name: name.to_owned(), child, found }
}

impl Starting {
    /// Waits until it says that it listens on all of `sockets`.
    pub(crate) fn listens(self, sockets: &[&str]) -> Started {
        let Self { name, mut child, found } = self;
        let mut addresses = HashMap::new();
        while !sockets.iter().all(|name| addresses.contains_key(*name)) {
            match found.recv_timeout(PATIENCE) {
                Ok((name, address)) => addresses.insert(name, address),
                Err(_) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    panic!("{name} does not say where it listens");
                }
            };
        }
        Started { child, addresses }
    }
}
