//! A writer for answers that hold keys: its memory is reserved once and wiped at the end, so that no copy is left behind
//! by growing.

use bytes::Bytes;
use csc_sakke::SecretHex;
use zeroize::Zeroizing;

/// An XML document that is being written.
pub(crate) struct Xml {
    out: Zeroizing<String>,
    reserved: usize,
}

impl Xml {
    /// A document of at most `capacity` octets.
    pub(crate) fn document(capacity: usize) -> Self {
        let mut out = Zeroizing::new(String::with_capacity(capacity));
        let reserved = out.capacity();
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        Self { out, reserved }
    }

    /// Opens an element. Attributes are our own words and need no escaping.
    pub(crate) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.push(&["<", name]);
        for (attribute, value) in attributes {
            self.push(&[" ", attribute, "=\"", value, "\""]);
        }
        self.push(&[">"]);
    }

    /// Closes an element.
    pub(crate) fn close(&mut self, name: &str) {
        self.push(&["</", name, ">"]);
    }

    /// An element with text alone; no element at all for an empty text, for a fielded client stumbles over those.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.open(name, &[]);
            self.push(&[&csc_xml::escape_text(text)]);
            self.close(name);
        }
    }

    /// An element with the digits of a key. They need no escaping, and must not get it: looking for characters to
    /// escape takes another course for a letter than for a figure.
    pub(crate) fn key(&mut self, name: &str, attributes: &[(&str, &str)], digits: &SecretHex) {
        self.open(name, attributes);
        self.push(&[digits.expose()]);
        self.close(name);
    }

    /// The document. Its memory is wiped when it has been sent.
    pub(crate) fn finish(self) -> Bytes {
        debug_assert_eq!(self.out.capacity(), self.reserved, "the answer was larger than expected");
        Bytes::from_owner(Octets(self.out))
    }

    fn push(&mut self, pieces: &[&str]) {
        for piece in pieces {
            self.out.push_str(piece);
        }
    }
}

struct Octets(Zeroizing<String>);

impl AsRef<[u8]> for Octets {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
