//! To-tags. They are derived, not drawn: a copy of a request gets the same answer wherever it arrives, also after a
//! restart. A dialog's tag begins with the partition of its subscriber, so that its record is found without knowing the
//! user.

use csc_service::config::SecretBytes;
use csc_types::Partition;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The secret of the installation that tags are derived from. Without it nobody can tell a stranger's tag from the
/// Call-ID alone.
pub(crate) struct Tags(SecretBytes);

impl Tags {
    /// Tags under `secret`.
    pub(crate) fn new(secret: SecretBytes) -> Tags {
        Tags(secret)
    }

    /// The tag of the dialog that a SUBSCRIBE of `subscriber` creates. Another subscriber gets another one, so that nobody
    /// who learns a Call-ID comes near the dialog it names.
    pub(crate) fn dialog(&self, subscriber: &str, call_id: &str, from_tag: &str) -> String {
        let partition = Partition::of(subscriber).number();
        format!("{partition:02x}{}", self.derive(&[subscriber, call_id, from_tag]))
    }

    /// The tag of an answer that creates no dialog. It begins like no partition.
    pub(crate) fn refusal(&self, call_id: &str, from: &str) -> String {
        format!("x-{}", self.derive(&[call_id, from]))
    }

    fn derive(&self, parts: &[&str]) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.expose()).expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        hex::encode(&mac.finalize().into_bytes()[..16])
    }
}

/// The partition that the record of a dialog with this tag lies in; `None` for a tag that is not ours.
pub(crate) fn partition(tag: &str) -> Option<Partition> {
    let well_formed = tag.len() == 34 && tag.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !well_formed {
        return None;
    }
    Partition::new(u16::from_str_radix(tag.get(..2)?, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(octet: u8) -> Tags {
        Tags::new(SecretBytes::new(vec![octet; 32]))
    }

    #[test]
    fn a_tag_repeats_and_names_its_partition() {
        let ours = tags(7);
        let here = "tel:+8251";
        let tag = ours.dialog(here, "c1", "f1");
        assert_eq!(tag, tags(7).dialog(here, "c1", "f1"));
        assert_eq!(partition(&tag), Some(Partition::of(here)));
        let others = [ours.dialog(here, "c1f", "1"), tags(8).dialog(here, "c1", "f1")];
        assert!(!others.contains(&tag));
        assert_ne!(tag[2..], ours.dialog("tel:+8252", "c1", "f1")[2..]);
    }

    #[test]
    fn foreign_tags_have_no_partition() {
        let refusal = tags(7).refusal("c1", "f1");
        let beyond = format!("40{}", "0".repeat(32));
        for tag in ["", "00", "x", &refusal, &beyond, &"g".repeat(34), &"é".repeat(17)] {
            assert_eq!(partition(tag), None, "{tag}");
        }
    }
}
