//! Keys and what is done with them. Keys lie in files, made by an operator's command and never by the service itself.

pub mod files;
pub mod seal;
pub mod sign;
