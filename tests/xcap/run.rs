//! Runs the checks: layout by layout, a few at a time against one installation.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::check::{self, Check, Where};
use crate::table::{self, Finding, Outcome};
use crate::world::{Installation, Layout, World};

/// How many checks run at a time against one installation.
const AT_A_TIME: usize = 4;
/// How often a check is tried while the installation says that it cannot answer: on a machine that has more to do than it
/// can, Redis sees its replica too late.
const ATTEMPTS: usize = 4;
/// A bound for a check that hangs.
const PATIENCE: Duration = Duration::from_secs(240);

/// What the command line asks for.
struct Wanted {
    /// Checks whose names contain one of these; none: all.
    names: Vec<String>,
    layouts: Vec<Layout>,
    list: bool,
}

impl Wanted {
    fn read() -> Self {
        let mut wanted = Self { names: Vec::new(), layouts: Vec::new(), list: false };
        for argument in std::env::args().skip(1) {
            match argument.as_str() {
                "--embedded" => wanted.layouts.extend([Layout::Embedded, Layout::EmbeddedOpen]),
                "--redis" => wanted.layouts.push(Layout::Redis),
                "--list" => wanted.list = true,
                // What other test binaries understand, too, is not for this one.
                option if option.starts_with('-') => {}
                name => wanted.names.push(name.to_owned()),
            }
        }
        if wanted.layouts.is_empty() {
            wanted.layouts = vec![Layout::Embedded, Layout::EmbeddedOpen, Layout::Redis];
        }
        wanted
    }

    fn has(&self, check: &Check) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| check.name.contains(name.as_str()))
    }
}

/// Runs what the command line asks for.
pub(crate) fn main() -> ExitCode {
    let wanted = Wanted::read();
    let checks: Vec<&Check> = check::all().into_iter().filter(|check| wanted.has(check)).collect();
    if wanted.list {
        checks.iter().for_each(|check| println!("{}: test", check.name));
        return ExitCode::SUCCESS;
    }
    // What a check says stands in the report; here only where it said so.
    std::panic::set_hook(Box::new(|panic| {
        println!("{}", panic.location().map_or_else(String::new, |place| format!("panic at {place}")));
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut results = Vec::new();
    for layout in &wanted.layouts {
        let suitable: Vec<&Check> =
            checks.iter().copied().filter(|check| layout.suits(check.place)).collect();
        if !suitable.is_empty() {
            results.extend(runtime.block_on(run(*layout, &suitable)));
        }
    }
    let complete = table::is_complete(&check::all());
    table::print(&results);
    let failed = results.iter().filter(|result| result.outcome != Outcome::Ok).count();
    println!("\ntest result: {} passed; {failed} failed", results.len() - failed);
    if failed == 0 && complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs `checks` against one installation.
async fn run(layout: Layout, checks: &[&'static Check]) -> Vec<Finding> {
    println!("\nrunning {} checks, {layout}", checks.len());
    let Some(installation) = Installation::start(layout).await else { return Vec::new() };
    let installation = Arc::new(installation);
    let room = Arc::new(Semaphore::new(AT_A_TIME));
    let mut running = JoinSet::new();
    for check in checks.iter().copied().filter(|check| check.place != Where::Alone) {
        let (installation, room) = (Arc::clone(&installation), Arc::clone(&room));
        running.spawn(async move {
            let _room = room.acquire_owned().await;
            one(layout, check, installation).await
        });
    }
    let mut results = running.join_all().await;
    for check in checks.iter().copied().filter(|check| check.place == Where::Alone) {
        results.push(one(layout, check, Arc::clone(&installation)).await);
    }
    // Whoever did not end may still hold it; the process ends soon.
    if let Some(installation) = Arc::into_inner(installation) {
        installation.stop().await;
    }
    results
}

/// Runs a check; again, where it failed while the installation could not answer.
async fn one(layout: Layout, check: &'static Check, installation: Arc<Installation>) -> Finding {
    let mut attempt = 1;
    let outcome = loop {
        let world = Arc::new(World::of(Arc::clone(&installation)));
        let outcome = once(check, Arc::clone(&world)).await;
        world.tidy().await;
        if outcome == Outcome::Ok || !world.was_unavailable() || attempt == ATTEMPTS {
            break outcome;
        }
        println!("test {} ... once more: there was a 503", check.name);
        attempt += 1;
        world.recovers().await;
    };
    println!("test {} ... {outcome}", check.name);
    Finding { layout, check, outcome }
}

async fn once(check: &'static Check, world: Arc<World>) -> Outcome {
    let runtime = Handle::current();
    // On a thread of its own: it may panic, and it need not be able to move between threads.
    let task = tokio::task::spawn_blocking(move || {
        runtime.block_on(tokio::time::timeout(PATIENCE, (check.run)(world))).is_ok()
    });
    match task.await {
        Ok(true) => Outcome::Ok,
        Ok(false) => Outcome::Failed("it did not end".to_owned()),
        Err(error) => Outcome::Failed(said(error)),
    }
}

/// What a task said when it panicked.
fn said(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "it was cancelled".to_owned() };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => {
            panic.downcast::<&str>().map_or_else(|_| "it panicked".to_owned(), |text| (*text).to_owned())
        }
    }
}
