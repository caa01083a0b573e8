//! The whole product in one binary: all services in one process, the operator's commands, and a simulated terminal.
//!
//! [`AllInOne`] is what `csc run` starts and what tests start; [`ue`] is a terminal that drives it from outside.

#[macro_use]
mod say;

mod all_in_one;
mod archive;
mod cli;
mod demo;
mod documents;
mod edge;
mod gms_keys;
mod groups;
mod idms_keys;
mod pki;
pub mod provision;
mod roots;
pub mod site;
mod terminal;
pub mod ue;
mod users;

pub use all_in_one::AllInOne;
pub use cli::main;
pub use edge::Edge;
