//! Every scenario, in one binary.

mod layers;
mod samples;
