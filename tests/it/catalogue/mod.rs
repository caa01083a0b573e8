//! What holds for every installation, however it is laid out: the scenarios start a `crate::Server`, which each binary that
//! holds this module names for itself.

mod access;
mod farewell;
mod groups;
mod hostile;
mod seeds;
mod seeds_sip;
mod torture;
