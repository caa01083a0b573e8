//! What is promised of XCAP, line by line: every line has an id (X1, G4, …) and at least one check that drives running
//! servers over HTTPS, as somebody would who knows the promise and not the program.
//!
//! `cargo test -p csc-tests --test xcap` runs everything, first with all services in one process on the embedded store, then
//! with processes of their own on Redis, and prints what became of each id. `-- x12` runs the checks whose names contain
//! that; `-- --embedded` and `-- --redis` run one layout; `-- --list` names the checks.

#![expect(clippy::print_stdout, reason = "it is a test harness of its own")]

mod call;
mod check;
mod documents;
mod people;
mod run;
mod table;
mod world;

mod before_login;
mod bodies;
mod cms;
mod examples;
mod generated;
mod glms;
mod groups;
mod insert;
mod limits;
mod members;
mod mutants;
mod parallel;
mod put;
mod rcs;
mod read;
mod target;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::main()
}
