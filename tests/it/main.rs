//! Every scenario with all services in one process, and what can only be seen there.

mod catalogue;
mod crash;
mod demo;
mod layers;
mod samples;
mod traces;

use csc_tests::Server;
