//! `csc idms keys create`.

use std::path::Path;

use anyhow::Context;
use csc_idms::crypto::files::{create_server_secret, create_signing_key};
use csc_types::Entropy;

/// Creates the two key files of the identity server in `folder`: `idms-signing.pem` and `idms-secret`.
///
/// # Errors
/// If one of them exists or cannot be written.
pub(crate) fn create(folder: &Path, entropy: &dyn Entropy) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let (key, secret) = (folder.join("idms-signing.pem"), folder.join("idms-secret"));
    create_signing_key(&key).with_context(|| format!("creating {}", key.display()))?;
    create_server_secret(&secret, entropy).with_context(|| format!("creating {}", secret.display()))
}
