//! Faults on purpose, and what a store answered meanwhile.
//!
//! [`proxy`] stands between a store and its servers and drops, delays, cuts and loses; [`history`] writes down what
//! clients asked and were told, and afterwards says which promise was broken. [`crowd`] are such clients, [`site`] is Redis
//! with replicas and Sentinels behind proxies, and [`soak`] lets one [`trouble`] after the other happen to it.

pub mod crowd;
pub mod history;
pub mod proxy;
pub mod site;
pub mod soak;
pub mod trouble;
