//! What can go wrong.

/// Why a value was refused or could not be made.
///
/// Nothing in it depends on a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An encoding has the wrong number of octets.
    #[error("{what}: {expected} octets expected, {actual} given")]
    Length {
        /// Which encoding.
        what: &'static str,
        /// How long it has to be.
        expected: usize,
        /// How long it was.
        actual: usize,
    },
    /// An encoding has the right length and is not that of a valid value: a coordinate or an
    /// integer out of range, a point off the curve or outside the group of order q.
    #[error("{0}: not a valid value")]
    Value(&'static str),
    /// An identifier is not an integer between 2 and q - 1 (RFC 6508 section 2.2).
    #[error("identifier out of range")]
    Identifier,
    /// A part of a UID is empty or longer than its length field can say.
    #[error("{0}: empty or too long for a UID")]
    UidPart(&'static str),
    /// A key period of no length.
    #[error("a key period must be at least one second long")]
    KeyPeriod,
    /// The source of randomness returned a value that no working source returns.
    #[error("the entropy source is broken")]
    Entropy,
    /// The one identifier or random value in about 2^255 that the schemes have no answer for.
    #[error("the computation met zero or the identity")]
    Degenerate,
    /// Key material does not belong to the identifier and the public key.
    #[error("key material does not match identifier and public key")]
    KeyMismatch,
    /// A signature does not verify, or an encapsulation was not made for this receiver.
    #[error("message does not verify")]
    Verification,
}
