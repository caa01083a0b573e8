//! What hostile documents of 1 MiB cost: `cargo bench -p csc-xml --bench hostile`.
//!
//! For each shape the whole document, and as much of it as the limits let through, in milliseconds of processor time, to be
//! held against 50.
#![allow(clippy::print_stdout, unreachable_pub, reason = "a bench measures and prints")]

use csc_xml::{Limits, parse, scan};

#[path = "../tests/hostile/shapes.rs"]
mod shapes;

use shapes::{SIZE, shapes};

fn main() {
    let limits = Limits::DEFAULT;
    println!("{:>9} {:>9} {:>9}  shape (milliseconds)", "octets", "scan", "all");
    for shape in shapes() {
        let accepted = shape.accepted(&limits);
        for octets in if accepted == SIZE { vec![SIZE] } else { vec![SIZE, accepted] } {
            let text = shape.text(octets);
            let scanned = cost(|| drop(scan(text.as_bytes(), &limits).map(|_| ())));
            let parsed = cost(|| drop(parse(text.as_bytes(), &limits)));
            let answer = parse(text.as_bytes(), &limits).map(|_| ());
            let answer = answer.map_or_else(|refused| refused.to_string(), |()| "accepted".to_owned());
            let answer: String = answer.chars().take(60).collect();
            println!("{:>9} {:>9.2} {:>9.2}  {}: {answer}", text.len(), scanned, parsed, shape.name);
        }
    }
}

/// Processor time of one run, in milliseconds. The kernel counts it in larger steps than a run may take.
fn cost(work: impl Fn()) -> f64 {
    const RUNS: u32 = 8;
    let begun = processor_nanos();
    (0..RUNS).for_each(|_| work());
    (processor_nanos() - begun) / f64::from(RUNS) / 1e6
}

fn processor_nanos() -> f64 {
    std::thread::yield_now(); // the count is brought up to date
    let stat = std::fs::read_to_string("/proc/self/schedstat").expect("Linux");
    stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("a number")
}
