//! Session tickets under keys from a file, so that a UE resumes its session at any replica and after a restart.
//!
//! The file holds one or two lines of 64 hexadecimal digits: the current key, then the previous one. New tickets are
//! made with the first, both are understood. To change keys, put a fresh line in front and drop the last. A line may be
//! a comment that begins with `#`.
//!
//! A ticket is `name (8) ‖ nonce (12) ‖ AES-256-GCM(session)`, with the name of the key as associated data (RFC 5077
//! section 4 recommends this shape). Nonces are random: one key is good for 2^32 tickets.

use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use csc_types::Entropy;
use rustls::server::ProducesTickets;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::config::SecretBytes;

/// What UEs are told: a ticket is of no use after half a day. In truth it lives as long as its key.
const LIFETIME: u32 = 12 * 3600;
const NAME: usize = 8;
const NONCE: usize = 12;

pub(crate) struct FileTicketer {
    /// Never empty; the first one makes new tickets.
    keys: Vec<TicketKey>,
    entropy: Arc<dyn Entropy>,
}

struct TicketKey {
    /// What tickets name it by: a hash, so that it says nothing about the key.
    name: [u8; NAME],
    cipher: Aes256Gcm,
}

impl FileTicketer {
    /// Reads the content of a ticket key file.
    pub(crate) fn new(file: &SecretBytes, entropy: Arc<dyn Entropy>) -> Result<Self, String> {
        let wanted = "one or two lines of 64 hexadecimal digits are wanted; openssl rand -hex 32 makes one";
        let text = std::str::from_utf8(file.expose()).map_err(|_| wanted.to_owned())?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys =
            lines.map(TicketKey::parse).collect::<Option<Vec<_>>>().ok_or_else(|| wanted.to_owned())?;
        match keys.len() {
            1 | 2 => Ok(Self { keys, entropy }),
            _ => Err(wanted.to_owned()),
        }
    }
}

impl TicketKey {
    fn parse(line: &str) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(line, key.as_mut_slice()).ok()?;
        let digest =
            Sha256::new().chain_update("csc session ticket key name").chain_update(key.as_slice()).finalize();
        let mut name = [0; NAME];
        name.copy_from_slice(&digest[..NAME]);
        Some(Self { name, cipher: Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key)) })
    }
}

impl ProducesTickets for FileTicketer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let key = self.keys.first()?;
        let mut nonce = [0; NONCE];
        self.entropy.fill(&mut nonce);
        let payload = Payload { msg: plain, aad: &key.name };
        let sealed = key.cipher.encrypt(&Nonce::from(nonce), payload).ok()?;
        Some([&key.name[..], &nonce, &sealed].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk::<NAME>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let key = self.keys.iter().find(|key| key.name == *name)?;
        key.cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: name }).ok()
    }
}

impl fmt::Debug for FileTicketer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileTicketer")
    }
}

#[cfg(test)]
mod tests {
    use csc_test_support::SeededEntropy;

    use super::*;

    const ONE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const TWO: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

    fn ticketer(text: &str) -> Result<FileTicketer, String> {
        FileTicketer::new(&SecretBytes::new(text.as_bytes().to_vec()), Arc::new(SeededEntropy::new(1)))
    }

    #[test]
    fn the_previous_key_still_opens() {
        let before = ticketer(ONE).unwrap();
        let ticket = before.encrypt(b"session").unwrap();
        assert_eq!(before.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        let after = ticketer(&format!("# changed\n{TWO}\n{ONE}\n")).unwrap();
        assert_eq!(after.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        assert_eq!(ticketer(TWO).unwrap().decrypt(&ticket), None);
        assert_eq!(before.decrypt(&after.encrypt(b"session").unwrap()), None);
    }

    #[test]
    fn a_changed_ticket_is_refused() {
        let ticketer = ticketer(ONE).unwrap();
        let ticket = ticketer.encrypt(b"session").unwrap();
        for n in 0..ticket.len() {
            assert_eq!(ticketer.decrypt(&ticket[..n]), None, "cut at {n}");
            let mut changed = ticket.clone();
            changed[n] ^= 1;
            assert_eq!(ticketer.decrypt(&changed), None, "octet {n}");
        }
        assert_ne!(ticketer.encrypt(b"session"), ticketer.encrypt(b"session"));
    }

    #[test]
    fn files_that_are_refused() {
        for text in
            ["", "# only a comment", "00", "zz", &format!("{ONE}\n{TWO}\n{ONE}"), &ONE[1..], "\u{fffd}"]
        {
            assert!(ticketer(text).unwrap_err().contains("openssl rand -hex 32"), "{text:?}");
        }
    }
}
