//! Randomness, handed in.

/// A source of cryptographically strong random octets. The system's is `csc_service::OsEntropy`; tests hand in a
/// repeatable one.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `out` completely. A source that cannot do so aborts the process: there is no safe way on.
    fn fill(&self, out: &mut [u8]);

    /// 64 random bits.
    fn next_u64(&self) -> u64 {
        let mut octets = [0; 8];
        self.fill(&mut octets);
        u64::from_be_bytes(octets)
    }
}
