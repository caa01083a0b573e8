//! What the identity service decides. No HTTP, no gRPC, no store engine.

pub mod accounts;
pub mod claim;
pub mod claims;
pub mod client;
pub mod directory;
pub mod fault;
pub mod grant;
pub mod grants;
pub mod opaque;
pub mod organisation;
pub mod password;
pub mod pkce;
pub mod scope;
pub mod throttle;
pub mod user;
