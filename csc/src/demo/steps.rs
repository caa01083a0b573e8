//! Prints each step of a scenario with what came of it, and names the one that failed.

use std::fmt::Display;
use std::time::Duration;

use anyhow::Context;
use csc_types::{Clock, SystemClock};

/// The steps so far.
pub(crate) struct Steps {
    clock: SystemClock,
    number: u32,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self { clock: SystemClock::new(), number: 0 }
    }

    /// Runs one step: prints its name, how long it took and what `detail` says of its result.
    pub(crate) async fn run<T, D: Display>(
        &mut self,
        name: &str,
        work: impl Future<Output = anyhow::Result<T>>,
        detail: impl FnOnce(&T) -> D,
    ) -> anyhow::Result<T> {
        self.number += 1;
        let start = self.clock.monotonic();
        let result = work.await;
        let took = self.clock.monotonic().saturating_sub(start);
        match result {
            Ok(result) => {
                self.print(name, took, &detail(&result).to_string());
                Ok(result)
            }
            Err(error) => {
                self.print(name, took, "FAILED");
                Err(error).with_context(|| format!("step {} ({name}) failed", self.number))
            }
        }
    }

    fn print(&self, name: &str, took: Duration, detail: &str) {
        say!("{:>3}  {name:<34} {:>6} ms   {detail}", self.number, took.as_millis());
    }
}
