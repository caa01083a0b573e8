//! Secrets: read from files, wiped when dropped, never printed.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Largest secret file, in octets. Reserved in one piece, so that no copy is left behind by growing.
const MAX: usize = 64 * 1024;

/// Octets that wipe themselves and print as `[secret]`.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes `octets` over.
    pub fn new(octets: Vec<u8>) -> Self {
        Self(octets)
    }

    /// The secret itself.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Reads a secret file. It must not be readable by everybody, and must not be empty or larger than 64 KiB.
    ///
    /// # Errors
    /// What is wrong and what to do about it, without the path.
    pub fn read(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| format!("cannot open it: {error}"))?;
        let data = file.metadata().map_err(|error| format!("cannot examine it: {error}"))?;
        if !data.is_file() {
            return Err("is no file".to_owned());
        }
        if data.permissions().mode() & 0o007 != 0 {
            return Err("everybody may read or change this secret; run chmod o= on it".to_owned());
        }
        let mut secret = Self(Vec::with_capacity(MAX + 1));
        let bound = u64::try_from(MAX + 1).unwrap_or(u64::MAX);
        file.take(bound).read_to_end(&mut secret.0).map_err(|error| format!("cannot read it: {error}"))?;
        match secret.0.len() {
            0 => Err("is empty".to_owned()),
            length if length > MAX => Err(format!("is larger than {MAX} octets")),
            _ => Ok(secret),
        }
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
