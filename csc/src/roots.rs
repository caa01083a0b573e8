//! `csc kms root create`.

use std::path::Path;

use anyhow::Context;
use csc_kms::root::{self, Kek};
use csc_service::config::SecretBytes;
use csc_types::Entropy;

/// Creates the root of `uri` in the new file `out`, sealed with the key in `kek_file`, which is made when there is none, or
/// with the passphrase in `passphrase_file`.
///
/// # Errors
/// If no file is named, a secret can be read by others, or `out` exists.
pub(crate) fn create(
    uri: &str,
    out: &Path,
    kek_file: Option<&Path>,
    passphrase_file: Option<&Path>,
    entropy: &dyn Entropy,
) -> anyhow::Result<()> {
    let kek = match (kek_file, passphrase_file) {
        (Some(file), None) => {
            if !file.exists() {
                root::create_kek(file, entropy).with_context(|| format!("creating {}", file.display()))?;
            }
            Kek::from_key_file(read(file)?.expose()).with_context(|| file.display().to_string())?
        }
        (None, Some(file)) => {
            Kek::from_passphrase(read(file)?.expose()).with_context(|| file.display().to_string())?
        }
        _ => anyhow::bail!("exactly one of --kek-file and --passphrase-file is needed"),
    };
    root::create(out, uri, &kek, entropy).with_context(|| format!("creating {}", out.display()))
}

fn read(file: &Path) -> anyhow::Result<SecretBytes> {
    SecretBytes::read(file).map_err(|why| anyhow::anyhow!("{}: {why}", file.display()))
}
