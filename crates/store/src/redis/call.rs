//! A call: to the masters of its partitions, again until there is an answer, the deadline has come, or repeating is of no
//! use.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use csc_types::Partition;
use futures::future::join_all;
use redis::{Cmd, Value};
use tokio::time::{Instant, sleep, timeout_at};

use super::Inner;
use super::failure::Failure;
use super::routes::{Node, Way};
use crate::StoreError;

/// How long to wait before a call is repeated: the first time, and at most.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

impl Inner {
    /// Sends one command to the master of `partition`.
    pub(super) async fn call_one(
        &self,
        way: Way,
        partition: Partition,
        command: Cmd,
    ) -> Result<Value, StoreError> {
        let mut answers = self.call(way, &[(partition, command)]).await?;
        answers.pop().ok_or_else(|| StoreError::Damaged("no answer to a command".to_owned()))
    }

    /// Sends commands to the masters of their partitions; an answer for each, in their order.
    pub(super) async fn call(
        &self,
        way: Way,
        commands: &[(Partition, Cmd)],
    ) -> Result<Vec<Value>, StoreError> {
        let counters = &self.access.counters;
        let end = Instant::now() + self.access.options.deadline;
        let mut answers: Vec<Option<Value>> = commands.iter().map(|_| None).collect();
        let mut pause = PAUSE;
        let mut last = None;
        loop {
            let table = self.routes.current();
            let mut failure = None;
            let mut parts: Vec<Part<'_>> = Vec::new();
            for (place, (partition, _)) in commands.iter().enumerate() {
                if answers[place].is_some() {
                    continue;
                }
                match table.node(*partition) {
                    Err(why) => failure = Some(why),
                    Ok(node) => match parts.iter_mut().find(|part| Arc::ptr_eq(part.node, node)) {
                        Some(part) => part.places.push(place),
                        None => parts.push(Part { node, places: vec![place] }),
                    },
                }
            }
            let asked = join_all(parts.iter().map(|part| part.ask(way, commands)));
            match timeout_at(end, asked).await {
                // What went wrong before tells more than that there was no time left.
                Err(_) => {
                    let silent = || Failure::Gone("no answer within the deadline".to_owned());
                    failure = Some(last.take().unwrap_or_else(silent));
                }
                Ok(outcomes) => {
                    for (part, outcome) in parts.iter().zip(outcomes) {
                        match outcome {
                            Ok(values) => {
                                part.places
                                    .iter()
                                    .zip(values)
                                    .for_each(|(place, value)| answers[*place] = Some(value));
                            }
                            // What will not pass is told rather than what may.
                            Err(why) if failure.as_ref().is_none_or(Failure::passes) => failure = Some(why),
                            Err(_) => {}
                        }
                    }
                }
            }
            let Some(why) = failure else { return Ok(answers.into_iter().flatten().collect()) };
            if matches!(why, Failure::Birth(_)) {
                return Err(self.unborn(why));
            }
            // The first table is empty: looking for the masters is no repetition.
            let first = table.number == 0;
            let spread = Duration::from_micros(self.access.entropy.next_u64() % (pause.as_micros() as u64));
            if !why.passes() || Instant::now() + spread >= end {
                counters.unavailable.fetch_add(1, Ordering::Relaxed);
                return Err(why.into());
            }
            if !first {
                counters.repeats.fetch_add(1, Ordering::Relaxed);
                sleep(spread).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            last = Some(why);
            // Whatever comes of it shows in the next table.
            let _ = timeout_at(end, self.routes.search(table.number)).await;
        }
    }
}

/// What goes to one master.
struct Part<'a> {
    node: &'a Arc<Node>,
    places: Vec<usize>,
}

impl Part<'_> {
    async fn ask(&self, way: Way, commands: &[(Partition, Cmd)]) -> Result<Vec<Value>, Failure> {
        let commands = self.places.iter().map(|place| commands[*place].1.clone()).collect();
        self.node.ask(way, commands).await
    }
}
