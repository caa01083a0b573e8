//! What goes wrong with a server, sorted by what there is to do.

use redis::{RedisError, Value};

use crate::StoreError;

/// Why a command has no answer that could be passed on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The connection could not be made, broke, or was silent; whether the command was executed is unknown. Look for the
    /// master and repeat.
    #[error("{0}")]
    Gone(String),
    /// The server is not, or no longer, the master of the partition. Look for that and repeat.
    #[error("{0}")]
    Elsewhere(String),
    /// The server will be able to do it some time later. Repeat.
    #[error("{0}")]
    Busy(String),
    /// Too few replicas have it. Repeat.
    #[error("{have} of {need} replicas have confirmed")]
    Unconfirmed {
        /// How many have.
        have: i64,
        /// How many must.
        need: u32,
    },
    /// An operator must do something about it. Repeating does not help.
    #[error("{0}")]
    Refused(String),
    /// The partition's birth record is not what it should be.
    #[error("birth record: {0}")]
    Birth(String),
}

impl Failure {
    /// What the server said instead of an answer, by the code in front.
    pub(super) fn of_server(code: &str, detail: &str) -> Self {
        let said = format!("redis: {code} {detail}");
        match code {
            "BIRTH" => Self::Birth(detail.to_owned()),
            "MOVED" | "ASK" | "READONLY" => Self::Elsewhere(said),
            "UNBLOCKED" | "NOSCRIPT" => Self::Gone(said),
            // Not the clients' fault, and passing.
            "ERR" if detail.starts_with("max number of clients") => Self::Busy(said),
            "LOADING" | "BUSY" | "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN" | "NOREPLICAS" => Self::Busy(said),
            "OOM" => Self::Refused(format!("the memory of redis is full: {detail}")),
            "MISCONF" => Self::Refused(format!("redis cannot write its files: {detail}")),
            "NOAUTH" | "WRONGPASS" => Self::Refused(format!("redis refuses the login: {detail}")),
            "NOPERM" => Self::Refused(format!("the redis user lacks a permission: {detail}")),
            _ => Self::Refused(said),
        }
    }

    /// Whether the connection it was said on is of no further use.
    pub(super) fn ends_connection(&self, code: &str) -> bool {
        matches!(self, Self::Gone(_) | Self::Elsewhere(_))
            || matches!(code, "NOAUTH" | "LOADING" | "MASTERDOWN")
    }

    /// Whether repeating may help.
    pub(super) fn passes(&self) -> bool {
        matches!(self, Self::Gone(_) | Self::Elsewhere(_) | Self::Busy(_) | Self::Unconfirmed { .. })
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Birth(why) => {
                // The scripts name the key, and the key names the partition.
                let tag = why.split_once("{p").and_then(|(_, rest)| rest.split_once('}'));
                let partition = tag.and_then(|(number, _)| number.parse().ok()).unwrap_or_default();
                Self::NoBirthRecord { partition, why }
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        match error.code() {
            Some(code) if !error.is_io_error() => Self::of_server(code, error.detail().unwrap_or_default()),
            _ => Self::Gone(format!("redis: {error}")),
        }
    }
}

/// A value, or what the server said instead, with its code.
pub(super) fn answered(value: Value) -> Result<Value, (Failure, String)> {
    match value {
        Value::ServerError(error) => {
            let failure = Failure::of_server(error.code(), error.details().unwrap_or_default());
            Err((failure, error.code().to_owned()))
        }
        value => Ok(value),
    }
}
