//! The contracts between services: RPCs, log entries and the records that several services read.
//!
//! They only grow: a field is never renumbered or reused. Every stored format has a golden file in `golden/` that must
//! still decode.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::large_futures,
    reason = "generated; the .proto files hold the docs"
)]

/// What log entries hold.
pub mod event {
    pub mod v1 {
        tonic::include_proto!("csc.event.v1");
    }
}

/// Records that several services read.
pub mod record {
    pub mod v1 {
        tonic::include_proto!("csc.record.v1");
    }
}

/// Served by idms: keys; organisations, users and clients.
///
/// Messages that hold a secret cannot be printed by mistake:
///
/// ```compile_fail,E0277
/// println!("{:?}", csc_proto::identity::v1::PutUserRequest::default());
/// ```
/// ```compile_fail,E0277
/// println!("{:?}", csc_proto::identity::v1::PutClientRequest::default());
/// ```
/// ```
/// println!("{:?}", csc_proto::identity::v1::PutOrganisationRequest::default());
/// ```
pub mod identity {
    pub mod v1 {
        tonic::include_proto!("csc.identity.v1");
    }
}

/// Served by cms and gms: documents.
pub mod documents {
    pub mod v1 {
        tonic::include_proto!("csc.documents.v1");
    }
}

/// Served by gms: who is in which group.
pub mod groups {
    pub mod v1 {
        tonic::include_proto!("csc.groups.v1");
    }
}
