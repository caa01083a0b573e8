//! Every scenario, in one binary.

mod crash;
mod layers;
mod samples;
mod seeds;
mod seeds_sip;
