//! Every scenario, in one binary.

mod access;
mod crash;
mod demo;
mod groups;
mod hostile;
mod layers;
mod samples;
mod traces;
mod seeds;
mod seeds_sip;
mod torture;
