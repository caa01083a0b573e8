//! What this service decides.

mod generated;

pub(crate) use generated::{Folder, capabilities, directory};
