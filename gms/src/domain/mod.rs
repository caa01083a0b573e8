//! What this service decides.

mod alternative;
mod edit;
mod gmop;
mod members;

pub(crate) use alternative::alternative;
pub(crate) use edit::Edit;
pub(crate) use gmop::GMOP;
pub(crate) use members::Members;
