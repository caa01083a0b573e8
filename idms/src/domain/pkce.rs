//! Proof key for code exchange (RFC 7636), method S256 and no other, with the second form of the challenge that
//! terminals in the field send.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Longest code_verifier (RFC 7636 4.1). Terminals send shorter ones than its 43 characters, so there is no least
/// length.
const MAX_VERIFIER: usize = 128;

/// A code_challenge: the SHA-256 digest of the verifier, in whichever form it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge([u8; 32]);

/// The text is neither form of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code_challenge is base64url of a SHA-256 digest or of its hexadecimal form")]
pub struct ChallengeError;

impl Challenge {
    /// Takes base64url of the 32 octets of the digest (RFC 7636), or of the 64 characters of its hexadecimal form.
    pub fn from_parameter(text: &str) -> Result<Self, ChallengeError> {
        if text.len() > 90 {
            return Err(ChallengeError);
        }
        let octets = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| ChallengeError)?;
        let digest = match octets.len() {
            64 => hex::decode(&octets).map_err(|_| ChallengeError)?,
            _ => octets,
        };
        digest.try_into().map(Self).map_err(|_| ChallengeError)
    }

    /// The challenge that a record holds.
    pub const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest, to be stored.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this challenge was made from `verifier`.
    pub fn matches(&self, verifier: &Verifier<'_>) -> bool {
        Sha256::digest(verifier.0.as_bytes())[..].ct_eq(&self.0[..]).into()
    }
}

/// A code_verifier of 1 to 128 octets.
#[derive(Clone, Copy)]
pub struct Verifier<'a>(&'a str);

impl<'a> Verifier<'a> {
    /// The verifier in a parameter; `None` if it is empty or too long.
    pub fn from_parameter(text: &'a str) -> Option<Self> {
        (1..=MAX_VERIFIER).contains(&text.len()).then_some(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX_FORM: &str =
        "OGJiMGNmNmViOWIxN2QwZjdkMjJiNDU2ZjEyMTI1N2RjMTI1NGUxZjAxNjY1MzcwNDc2MzgzZWE3NzZkZjQxNA";
    const RFC_FORM: &str = "i7DPbrmxfQ99IrRW8SElfcElTh8BZlNwR2OD6ndt9BQ";

    #[test]
    fn both_forms_are_one_challenge() {
        let hex = Challenge::from_parameter(HEX_FORM).unwrap();
        assert_eq!(Challenge::from_parameter(RFC_FORM), Ok(hex));
        assert_eq!(Challenge::from_parameter(&format!("{RFC_FORM}=")), Ok(hex));
        assert!(hex.matches(&Verifier::from_parameter("1234567").unwrap()));
        assert!(!hex.matches(&Verifier::from_parameter("1234568").unwrap()));
    }

    #[test]
    fn rfc_7636_appendix_b() {
        let challenge = Challenge::from_parameter("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        let verifier = Verifier::from_parameter("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert!(challenge.matches(&verifier));
    }

    #[test]
    fn anything_else_is_refused() {
        let plain = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEj+k";
        for text in
            ["", "1234567", plain, &RFC_FORM[..42], &HEX_FORM[..85], &"A".repeat(86), &"A".repeat(10_000)]
        {
            assert_eq!(Challenge::from_parameter(text), Err(ChallengeError), "{text}");
        }
        assert!(Verifier::from_parameter("").is_none());
        assert!(Verifier::from_parameter(&"v".repeat(129)).is_none());
    }
}
