//! Identity-based cryptography for MIKEY-SAKKE key management.
//!
//! * **SAKKE** (RFC 6508) with parameter set 1 of RFC 6509: receiver secret keys, encapsulation
//!   of a shared secret to an identifier, and its recovery.
//! * **ECCSI** (RFC 6507) over P-256: signing pairs, signatures.
//! * **UIDs and key periods** (TS 33.180 annex F.2.1): what an identifier is.
//!
//! A key management server holds a [`Root`] and calls [`Root::issue`]; a terminal checks what it
//! was given with [`KeySet::verify`]. One file per layer, from the bottom up:
//!
//! ```text
//! field    F_p                     hash        hashing to an integer range
//! scalar   integers modulo q       identifier  identifiers as octets and integers
//! curve    E: y^2 = x^3 - 3x       uid         UIDs of users
//! multiply [k]P and [k]Q           period      key periods and NTP time
//! target   PF_p, where pairings    secret      octets that wipe themselves
//!          take their values       sakke, eccsi, root   the schemes
//! pairing  the Tate pairing
//! ```
//!
//! # Constant time
//!
//! No branch, array index, length or early return depends on a master secret (z, KSAK, the secret
//! behind v), on a key made from one (RSK, SSK, v) or on an ephemeral r or j. What is public may
//! decide the flow: identifiers, public keys, the bits of p and q, and whether a whole check
//! passed. A function that breaks this is named `_vartime`; there is none today.
//!
//! The crate does no I/O and knows no clock and no random generator: both are arguments ([`csc_types::Entropy`]).

mod curve;
mod eccsi;
mod error;
mod field;
mod hash;
mod identifier;
mod multiply;
mod pairing;
mod period;
mod root;
mod sakke;
mod scalar;
mod secret;
mod target;
mod uid;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trace;

pub use eccsi::{PUB_AUTH_KEY_LEN, PVT_LEN, PubAuthKey, SIGNATURE_LEN, SSK_LEN, SigningPair};
pub use error::Error;
pub use identifier::Identifier;
pub use period::{KeyPeriods, NtpSeconds};
pub use root::{KeySet, ROOT_LEN, Root};
pub use sakke::{ENCAPSULATED_LEN, PUB_ENC_KEY_LEN, PubEncKey, RSK_LEN, ReceiverSecretKey, SSV_LEN, Ssv};
pub use secret::{SecretBytes, SecretHex};
pub use uid::Uid;
