//! Passwords. A terminal sends base64url(SHA-256(password)); Argon2id (RFC 9106) over those 32 octets is what is stored.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use csc_types::Entropy;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// What proves a password: its SHA-256 digest, as the terminal sends it.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Proof([u8; 32]);

impl Proof {
    /// The proof of a password in clear.
    pub fn of(password: &str) -> Self {
        Self(Sha256::digest(password.as_bytes()).into())
    }

    /// The proof in a `user_password` parameter; `None` if the text is no digest and so proves nothing.
    pub fn from_parameter(text: &str) -> Option<Self> {
        let octets = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?);
        octets.as_slice().try_into().ok().map(Self)
    }
}

/// What Argon2id is made to cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// What RFC 9106 and OWASP name as the least for interactive logins: 19 MiB, two passes, one lane.
    pub const DEFAULT: Self = Self { memory: 19 * 1024, passes: 2, lanes: 1 };

    /// Most memory that a stored hash or a setting may ask for, in KiB.
    const MAX_MEMORY: u32 = 1024 * 1024;

    fn params(self) -> Option<Params> {
        let bounded = self.memory <= Self::MAX_MEMORY && self.passes <= 64 && self.lanes <= 16;
        bounded.then(|| Params::new(self.memory, self.passes, self.lanes, Some(32)).ok())?
    }

    /// Whether Argon2id can be run with it.
    pub fn is_valid(self) -> bool {
        self.params().is_some()
    }
}

/// A stored password hash, with the cost it was made with, so that old ones outlive a change of the setting.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    /// The cost it was made with.
    pub cost: Cost,
    /// 16 random octets.
    pub salt: [u8; 16],
    /// What Argon2id gave.
    pub tag: [u8; 32],
}

/// Argon2id cannot be run with the cost of this hash, or its memory is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("password hashing failed")]
pub struct HashingError;

impl PasswordHash {
    /// Hashes `proof` with a fresh salt. Takes milliseconds: not on a thread that serves requests.
    pub fn new(proof: &Proof, cost: Cost, entropy: &dyn Entropy) -> Result<Self, HashingError> {
        let mut salt = [0; 16];
        entropy.fill(&mut salt);
        let tag = tag(proof, cost, &salt)?;
        Ok(Self { cost, salt, tag: *tag })
    }

    /// A hash that no proof matches and that costs as much to check as a real one: its tag is random.
    pub fn unmatchable(cost: Cost, entropy: &dyn Entropy) -> Self {
        let (mut salt, mut tag) = ([0; 16], [0; 32]);
        entropy.fill(&mut salt);
        entropy.fill(&mut tag);
        Self { cost, salt, tag }
    }

    /// Whether `proof` is what was hashed. Takes milliseconds.
    pub fn matches(&self, proof: &Proof) -> Result<bool, HashingError> {
        Ok(tag(proof, self.cost, &self.salt)?.ct_eq(&self.tag).into())
    }
}

fn tag(proof: &Proof, cost: Cost, salt: &[u8; 16]) -> Result<Zeroizing<[u8; 32]>, HashingError> {
    let params = cost.params().ok_or(HashingError)?;
    let mut blocks = Vec::new();
    blocks.try_reserve_exact(params.block_count()).map_err(|_| HashingError)?;
    blocks.resize(params.block_count(), Block::default());
    let mut out = Zeroizing::new([0; 32]);
    let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        &proof.0,
        salt,
        out.as_mut_slice(),
        &mut blocks,
    );
    done.map(|()| out).map_err(|_| HashingError)
}

impl Drop for PasswordHash {
    fn drop(&mut self) {
        self.tag.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use csc_test_support::SeededEntropy;

    use super::*;

    const CHEAP: Cost = Cost { memory: 8, passes: 1, lanes: 1 };

    #[test]
    fn the_proof_is_what_a_terminal_sends() {
        let stored = PasswordHash::new(&Proof::of("1234567"), CHEAP, &SeededEntropy::new(1)).unwrap();
        let sent = "i7DPbrmxfQ99IrRW8SElfcElTh8BZlNwR2OD6ndt9BQ";
        let padded = format!("{sent}=");
        for right in [sent, &padded] {
            assert_eq!(stored.matches(&Proof::from_parameter(right).unwrap()), Ok(true));
        }
        let other = Proof::from_parameter("FN2_tPfNzuemOaMjnL5UxizwNdx_aDE-faQ_xTNzhhk").unwrap();
        assert_eq!(stored.matches(&other), Ok(false));
        for nothing in ["1234567", "", "i7DPbrmxfQ99IrRW8SElfcElTh8BZlNwR2OD6ndt9BR", &sent[..42], "\u{fffd}"]
        {
            assert!(Proof::from_parameter(nothing).is_none(), "{nothing}");
        }
    }

    #[test]
    fn a_salt_is_used_once() {
        let entropy = SeededEntropy::new(1);
        let [one, two] = [(); 2].map(|()| PasswordHash::new(&Proof::of("x"), CHEAP, &entropy).unwrap());
        assert!(one.salt != two.salt && one.tag != two.tag);
    }

    #[test]
    fn the_dummy_matches_nothing() {
        let dummy = PasswordHash::unmatchable(CHEAP, &SeededEntropy::new(1));
        assert_eq!(dummy.matches(&Proof::of("")), Ok(false));
    }

    #[test]
    fn known_answer() {
        // The reference implementation, through argon2-cffi: hash_secret_raw(sha256(b"correct horse").digest(),
        // b"0123456789abcdef", time_cost=3, memory_cost=64, parallelism=2, hash_len=32, type=Type.ID, version=0x13)
        let cost = Cost { memory: 64, passes: 3, lanes: 2 };
        let tag = tag(&Proof::of("correct horse"), cost, b"0123456789abcdef").unwrap();
        assert_eq!(hex::encode(*tag), "d0ea9d36ba641170d4fa41dff12e90ed852bc9b2e33849bc21dc25a7ed4b8a1e");
    }

    #[test]
    fn costs_are_bounded() {
        assert!(Cost::DEFAULT.is_valid());
        for cost in [
            Cost { memory: 4, ..Cost::DEFAULT },
            Cost { memory: u32::MAX, ..Cost::DEFAULT },
            Cost { passes: 0, ..Cost::DEFAULT },
            Cost { passes: 65, ..Cost::DEFAULT },
            Cost { lanes: 0, ..Cost::DEFAULT },
            Cost { lanes: 17, ..Cost::DEFAULT },
        ] {
            assert!(!cost.is_valid(), "{cost:?}");
        }
    }
}
