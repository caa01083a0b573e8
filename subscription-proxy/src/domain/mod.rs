//! What the service decides. No I/O, no clock: messages, records and times come in, decisions go out.

pub(crate) mod hop;
pub(crate) mod list;
pub(crate) mod mcptt_info;
pub(crate) mod notify;
pub(crate) mod subscription;
pub(crate) mod tag;
pub(crate) mod target;
pub(crate) mod wish;
