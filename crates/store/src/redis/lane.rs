//! A connection to a master that many callers share: what waits is sent as one pipeline, with one `WAIT` behind it where
//! the answers must be durable.
//!
//! `WAIT` covers what the server had written when the connection's last command ran. So it stands in the same pipeline
//! as the commands it speaks for, behind them, and nothing else uses the connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::{Cmd, Pipeline, Value, cmd};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, yield_now};

use super::Access;
use super::connection::Connection;
use super::failure::{Failure, answered};
use super::lease::Lease;
#[cfg(feature = "sabotage")]
use super::options::Sabotage;
use super::routes::Way;

/// How many requests share a pipeline at most, and how many octets end it earlier: what bounds the time that the first of
/// them waits, and the server's memory.
const BATCH: usize = 256;
const BATCH_OCTETS: usize = 8 << 20;

/// How often other tasks get their turn before a pipeline leaves without those who are expected to share it.
const TURNS: usize = 16;

/// How long `WAIT` waits. Then the commands are repeated, which their ids make harmless.
const CONFIRMATION: Duration = Duration::from_millis(500);

/// How long a pipeline may take, `WAIT` included.
const RESPONSE: Duration = Duration::from_millis(2500);

/// Commands whose answers belong together.
struct Request {
    commands: Arc<[Cmd]>,
    octets: usize,
    answer: oneshot::Sender<Result<Vec<Value>, Failure>>,
}

/// The callers' end.
pub(super) struct Lane {
    requests: mpsc::Sender<Request>,
    task: AbortHandle,
}

impl Lane {
    pub(super) fn open(access: Arc<Access>, address: Arc<str>, lease: Arc<Lease>, way: Way) -> Self {
        let (requests, received) = mpsc::channel(access.options.queue.max(1));
        let need = if way == Way::Read { 0 } else { access.options.min_replicas };
        #[cfg(feature = "sabotage")]
        let need = if access.options.breaks(Sabotage::Wait) { 0 } else { need };
        let server = Server { access, address, lease, way, need, connection: None };
        Self { requests, task: tokio::spawn(server.run(received)).abort_handle() }
    }

    /// Sends `commands` in one pipeline; an answer for each, none of them an error.
    pub(super) async fn ask(&self, commands: Arc<[Cmd]>) -> Result<Vec<Value>, Failure> {
        let gone = || Failure::Gone("the connection was given up".to_owned());
        let (answer, answered) = oneshot::channel();
        let octets = commands.iter().flat_map(Cmd::args_iter).map(|argument| length(&argument)).sum();
        self.requests.send(Request { commands, octets, answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// How many requests wait.
    pub(super) fn queued(&self) -> usize {
        self.requests.max_capacity() - self.requests.capacity()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn length(argument: &redis::Arg<&[u8]>) -> usize {
    if let redis::Arg::Simple(octets) = argument { octets.len() } else { 0 }
}

struct Server {
    access: Arc<Access>,
    address: Arc<str>,
    lease: Arc<Lease>,
    way: Way,
    /// How many replicas must confirm.
    need: u32,
    connection: Option<Connection>,
}

/// What a pipeline was answered, and what it lacks to be passed on.
struct Exchanged {
    answers: Vec<Value>,
    unconfirmed: Option<Failure>,
}

impl Server {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        // How many were at hand when the last pipeline was answered. They are likely to be back at once; a pipeline that
        // does not wait for them leaves with half of those who could have shared its `WAIT`, and so do all that follow.
        let mut together = 0;
        while let Some(first) = requests.recv().await {
            let mut batch = gather(first, &mut requests, together).await;
            together = batch.len();
            // Whoever has given up is spared the work; what was sent is sent.
            batch.retain(|request| !request.answer.is_closed());
            if batch.is_empty() {
                continue;
            }
            let exchanged = self.exchange(&batch).await;
            together += requests.len();
            match exchanged {
                Ok(exchanged) => self.hand_out(batch, exchanged),
                Err(failure) => {
                    self.connection = None;
                    for request in batch {
                        let _ = request.answer.send(Err(failure.clone()));
                    }
                }
            }
        }
    }

    async fn exchange(&mut self, batch: &[Request]) -> Result<Exchanged, Failure> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let mut new = Connection::to_master(&self.access, &self.address, RESPONSE).await?;
                new.load(&self.access.scripts).await?;
                none.insert(new)
            }
        };
        let commands = batch.iter().flat_map(|request| request.commands.iter());
        let mut pipeline = Pipeline::new();
        let mut count = 0;
        for command in commands {
            pipeline.add_command(command.clone());
            count += 1;
        }
        if self.need == 0 {
            let answers = connection.send_pipeline(&pipeline, count).await?;
            return Ok(Exchanged { answers, unconfirmed: self.lapsed() });
        }
        let mut wait = cmd("WAIT");
        wait.arg(self.need).arg(CONFIRMATION.as_millis() as u64);
        pipeline.add_command(wait);
        let mut answers = connection.send_pipeline(&pipeline, count + 1).await?;
        let unconfirmed = match answers.pop().map(answered) {
            Some(Ok(Value::Int(have))) if have >= i64::from(self.need) => self.lapsed(),
            Some(Ok(Value::Int(have))) => Some(Failure::Unconfirmed { have, need: self.need }),
            // A server that is no master any more says so in words that depend on what it was doing.
            Some(Err((failure, _))) => return Err(Failure::Gone(format!("WAIT: {failure}"))),
            _ => return Err(Failure::Gone("WAIT was not answered with a number".to_owned())),
        };
        Ok(Exchanged { answers, unconfirmed })
    }

    /// Why the server is not to be believed now that its answers are there.
    fn lapsed(&self) -> Option<Failure> {
        // A commit that no replica need have is believed as it is.
        if self.way == Way::Commit && self.need == 0 {
            return None;
        }
        self.lease.check(self.access.clock.monotonic()).err()
    }

    /// Without enough confirmations nobody gets an answer, not even a conflict: it was judged on what may be taken back.
    fn hand_out(&mut self, batch: Vec<Request>, exchanged: Exchanged) {
        self.access.counters.batches.fetch_add(1, Ordering::Relaxed);
        let mut answers = exchanged.answers.into_iter();
        for request in batch {
            let mut values = Vec::with_capacity(request.commands.len());
            let mut failed = None;
            for value in answers.by_ref().take(request.commands.len()) {
                match answered(value) {
                    Ok(value) => values.push(value),
                    Err((failure, code)) => {
                        if failure.ends_connection(&code) {
                            self.connection = None;
                        }
                        failed.get_or_insert(failure);
                    }
                }
            }
            let outcome = match failed.or_else(|| exchanged.unconfirmed.clone()) {
                None => Ok(values),
                Some(failure) => Err(failure),
            };
            let _ = request.answer.send(outcome);
        }
    }
}

async fn gather(first: Request, requests: &mut mpsc::Receiver<Request>, together: usize) -> Vec<Request> {
    let mut octets = first.octets;
    let mut batch = vec![first];
    let mut turns = TURNS;
    while batch.len() < BATCH && octets < BATCH_OCTETS {
        if let Ok(next) = requests.try_recv() {
            octets += next.octets;
            batch.push(next);
        } else if batch.len() < together && turns > 0 {
            turns -= 1;
            yield_now().await;
        } else {
            break;
        }
    }
    batch
}
