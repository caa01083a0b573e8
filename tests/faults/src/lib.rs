//! Faults on purpose, and what a store answered meanwhile.
//!
//! [`proxy`] stands between a store and its servers and drops, delays, cuts and loses; [`history`] writes down what
//! clients asked and were told, and afterwards says which promise was broken.

pub mod crowd;
pub mod history;
pub mod proxy;
