//! Why a request gets no keys.

use std::time::Duration;

use csc_auth::Reason;

/// What is wrong, in the words of the KMS. The edge gives each its status and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nobody can read this request.
    Malformed(&'static str),
    /// The time asked for lies in no period that keys are given out for.
    Period,
    /// The token is missing or not good enough.
    Token(Reason),
    /// A path or a body names someone else.
    SomeoneElse,
    /// The user's keys come from this KMS, and not from ours.
    OtherKms(String),
    /// The user of the token does not exist.
    UnknownUser,
    /// The body is too large.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// The user asked too often; when to come back.
    TooOften(Duration),
    /// Too many others are asking.
    Busy,
    /// Something this service needs does not answer.
    Unavailable,
}
