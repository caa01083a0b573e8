//! The bus over real sockets and in process.
