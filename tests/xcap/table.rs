//! The results, line by line.

use std::collections::BTreeSet;
use std::fmt;

use csc_test_support::shared;

use crate::check::Check;
use crate::world::Layout;

/// What became of a check.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It holds.
    Ok,
    /// It does not, with what was found.
    Failed(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Ok { "ok" } else { "FAILED" })
    }
}

/// What became of a check in an installation.
pub(crate) struct Finding {
    pub(crate) layout: Layout,
    pub(crate) check: &'static Check,
    pub(crate) outcome: Outcome,
}

/// Prints each line with what became of its checks, in one process and on Redis, and why those that failed did.
pub(crate) fn print(results: &[Finding]) {
    let failed: Vec<_> = results.iter().filter(|result| result.outcome != Outcome::Ok).collect();
    for result in &failed {
        if let Outcome::Failed(why) = &result.outcome {
            println!("\n{} ({}):\n  {why}", result.check.name, result.layout);
        }
    }
    println!("\n{:<5}{:<16}on Redis", "line", "in one process");
    for id in ids(results.iter().map(|result| result.check.id)) {
        let of = |on_redis: bool| {
            let here = results.iter().filter(|result| {
                result.check.id == id.text() && (result.layout == Layout::Redis) == on_redis
            });
            let (good, bad): (Vec<_>, Vec<_>) = here.partition(|result| result.outcome == Outcome::Ok);
            match (good.len(), bad.len()) {
                (0, 0) => "-".to_owned(),
                (good, 0) => format!("ok ({good})"),
                (good, bad) => format!("FAILED ({bad} of {})", good + bad),
            }
        };
        println!("{:<5}{:<16}{}", id.text(), of(false), of(true));
    }
}

/// Whether every line of the page has a check and every check a line; true where the page is not at hand.
pub(crate) fn is_complete(checks: &[&Check]) -> bool {
    let Some(page) = shared("every line has a check", "spec/xcap.md") else { return true };
    let page = std::fs::read_to_string(page).expect("a readable page");
    let lines = page.lines().filter_map(|line| line.strip_prefix("* ")?.split(' ').next());
    let promised: BTreeSet<Id> = lines.filter_map(Id::read).collect();
    assert!(promised.len() > 30, "the page has lost its lines: {promised:?}");
    let checked = ids(checks.iter().map(|check| check.id));
    for missing in promised.difference(&checked) {
        println!("line {} has no check", missing.text());
    }
    for unknown in checked.difference(&promised) {
        println!("there is no line {}", unknown.text());
    }
    let named = checks.iter().all(|check| {
        let name = format!("{}_", check.id.to_lowercase());
        let good = check.name.starts_with(&name);
        if !good {
            println!("{} is a check of {}", check.name, check.id);
        }
        good
    });
    promised == checked && named
}

/// A letter and a number, in the order of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Id(usize, char, u32);

impl Id {
    fn read(text: &str) -> Option<Self> {
        let letter = text.chars().next()?;
        Some(Self("XGCLR".find(letter)?, letter, text[1..].parse().ok()?))
    }

    fn text(self) -> String {
        format!("{}{}", self.1, self.2)
    }
}

fn ids<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeSet<Id> {
    texts.map(|text| Id::read(text).expect("a letter and a number")).collect()
}
