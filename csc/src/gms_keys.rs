//! `csc gms keys`: the keys of the GLMS dialect.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use csc_gms::glms;
use csc_service::config::SecretBytes;
use csc_types::{Entropy, McpttId};
use zeroize::Zeroizing;

use crate::pki::write_secret;

/// Octets of a key, and of it as a line of hexadecimal digits.
const KEY: usize = 32;
const LINE: usize = 2 * KEY + 1;

#[derive(Subcommand)]
pub(crate) enum GmsKeys {
    /// Create the file that `glms.key_file` names. An existing one is never overwritten.
    Create {
        /// The file it is written to.
        #[arg(long)]
        out: PathBuf,
    },
    /// Write the keys that terminals open group session keys with, to be provisioned in them: a line with the user and 64
    /// hexadecimal digits for each. They hold for the reference protection, which is ours: the source of the dialect does
    /// not say how terminals of the field do it.
    Terminal {
        /// The file that `glms.key_file` names.
        #[arg(long)]
        key_file: PathBuf,
        /// The MCPTT ID of the terminal's user, as its account has it; may be repeated.
        #[arg(long = "user", required = true)]
        users: Vec<McpttId>,
        /// The file they are written to; an existing one is never overwritten.
        #[arg(long)]
        out: PathBuf,
    },
}

impl GmsKeys {
    pub(crate) fn run(self, entropy: &dyn Entropy) -> anyhow::Result<()> {
        match self {
            Self::Create { out } => {
                create(&out, entropy)?;
                say!("created the key of the GLMS dialect in {}", out.display());
            }
            Self::Terminal { key_file, users, out } => {
                terminals(&key_file, &users, &out)?;
                say!("wrote the keys of {} terminals to {}", users.len(), out.display());
            }
        }
        Ok(())
    }
}

fn create(out: &Path, entropy: &dyn Entropy) -> anyhow::Result<()> {
    let mut key = Zeroizing::new([0; KEY]);
    entropy.fill(key.as_mut_slice());
    write_secret(out, line(&key).as_slice())
}

fn terminals(key_file: &Path, users: &[McpttId], out: &Path) -> anyhow::Result<()> {
    let file = key_file.display();
    let content = SecretBytes::read(key_file).map_err(|why| anyhow::anyhow!("{file}: {why}"))?;
    // Room for all: text that grows leaves copies behind.
    let room = users.iter().map(|user| user.as_str().len() + 1 + LINE).sum();
    let mut lines = Zeroizing::new(Vec::with_capacity(room));
    for user in users {
        let key = glms::terminal_key(content.expose(), user)
            .with_context(|| format!("{file}: a key file holds 64 hexadecimal digits"))?;
        lines.extend_from_slice(user.as_str().as_bytes());
        lines.push(b' ');
        lines.extend_from_slice(line(&key).as_slice());
    }
    write_secret(out, &lines)
}

fn line(key: &[u8; KEY]) -> Zeroizing<[u8; LINE]> {
    let mut line = Zeroizing::new([b'\n'; LINE]);
    hex::encode_to_slice(key, &mut line[..2 * KEY]).expect("two digits for each octet");
    line
}
