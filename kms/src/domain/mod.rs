//! What the service decides, without HTTP, XML answers or a store.

pub(crate) mod period;
pub(crate) mod provision;
pub(crate) mod refusal;
pub(crate) mod request;
pub(crate) mod subject;
