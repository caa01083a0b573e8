//! Every scenario, in one binary.

mod layers;
mod samples;
mod seeds;
mod seeds_sip;
