//! The GLMS dialect over HTTP.

mod groups;
mod listener;
mod multicast;
mod search;
mod world;
