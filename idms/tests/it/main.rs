//! The identity service over its HTTP and gRPC interfaces, on the embedded store.

mod authreq;
mod directory;
mod endpoints;
mod tokenrefresh;
mod tokenreq;
mod world;
