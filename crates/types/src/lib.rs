//! The words every crate shares.
//!
//! Nothing here does I/O. A text that came from outside becomes one of these types at the edge, or an error;
//! past the edge nobody validates it again. Time and randomness are traits, so that protocol code and tests
//! never reach for the system's.

mod caller;
mod clock;
mod entropy;
mod id;
mod partition;
mod revision;

pub use caller::{Caller, Role, Roles, Server, UnknownRole, User};
pub use clock::{Clock, SystemClock, Timestamp};
pub use entropy::Entropy;
pub use id::{ClientId, GroupId, IdError, McpttId, OrgId, UeId};
pub use partition::{PARTITIONS, Partition};
pub use revision::{Etag, EtagError, Revision};
