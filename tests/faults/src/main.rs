//! `csc-faults --minutes 10`: random trouble for a Redis with replicas and Sentinels, until the time is over or a promise
//! is broken.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use csc_faults::soak::Soak;
use csc_faults::trouble::Trouble;
use csc_types::{Clock, SystemClock};

/// Lets faults happen to a Redis of its own and judges what the store answered meanwhile.
#[derive(Parser)]
struct Arguments {
    /// For how long.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Which faults, in which order; another one each time if none is given. What a run found depends on timing, too.
    #[arg(long)]
    seed: Option<u64>,
    /// Only this trouble, again and again.
    #[arg(long)]
    only: Option<Trouble>,
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "this is what the program is for")]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let clock = SystemClock::new();
    let seed = arguments.seed.unwrap_or_else(|| clock.now().micros() % 1_000_000);
    println!("seed {seed}, {} minutes", arguments.minutes);
    let soak = Soak::start("soak", seed, |_| {}).await?;
    let mut soak = soak.context("redis-server is not installed")?;
    let end = Duration::from_secs(arguments.minutes * 60);
    let (mut rounds, mut commits) = (0, 0);
    while clock.monotonic() < end {
        rounds += 1;
        let trouble = arguments.only.unwrap_or_else(|| soak.draw());
        let round = soak.round(trouble).await.with_context(|| format!("round {rounds}, {trouble:?}"))?;
        let counts = round.counts;
        commits += counts.done;
        println!(
            "{:4} s  round {rounds:3}  {:16} {:6} done {:5} conflicts {:5} unknown {:6} reads {:7} entries {:3} lost",
            clock.monotonic().as_secs(),
            format!("{trouble:?}"),
            counts.done,
            counts.conflicts,
            counts.unknown,
            counts.reads,
            counts.entries,
            counts.lost,
        );
        if !round.findings.is_empty() {
            for finding in &round.findings {
                println!("{finding}");
            }
            println!("{} findings in round {rounds} of seed {seed}", round.findings.len());
            return Ok(ExitCode::FAILURE);
        }
    }
    println!("{rounds} rounds, {commits} commits, nothing found (seed {seed})");
    Ok(ExitCode::SUCCESS)
}
