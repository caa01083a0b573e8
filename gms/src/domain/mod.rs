//! What this service decides.

mod members;

pub(crate) use members::Members;
