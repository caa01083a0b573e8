//! Which terminal asks, by what its Instance ID says of it.

use csc_types::UeId;

/// The start of an Instance ID that holds an IMEI (RFC 7254).
const IMEI: &str = "urn:gsma:imei:";

/// A terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terminal {
    pub(crate) id: UeId,
    /// Type allocation code and serial number, if its id holds an IMEI.
    pub(super) imei: Option<(u32, u32)>,
}

impl Terminal {
    pub(crate) fn new(id: UeId) -> Self {
        let imei = imei(id.as_str());
        Self { id, imei }
    }

    /// Whether `urn` names this terminal. The scheme and namespace of a URN ignore case, and so do the digits of those
    /// that name terminals.
    pub(super) fn is(&self, urn: &str) -> bool {
        self.id.as_str().eq_ignore_ascii_case(urn.trim())
    }
}

/// The IMEI in a URN, with or without separators and check digit, or bare (TS 23.003 6.2: eight digits, then six).
fn imei(id: &str) -> Option<(u32, u32)> {
    let is_urn = id.get(..IMEI.len()).is_some_and(|start| start.eq_ignore_ascii_case(IMEI));
    let text = if is_urn { &id[IMEI.len()..] } else { id };
    let text = text.split(';').next().unwrap_or_default();
    if !text.bytes().all(|octet| octet.is_ascii_digit() || octet == b'-') {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !(14..=16).contains(&digits.len()) {
        return None;
    }
    Some((digits[..8].parse().ok()?, digits[8..14].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imeis() {
        for text in [
            "urn:gsma:imei:35643205-905062-0",
            "URN:GSMA:IMEI:35643205905062",
            "urn:gsma:imei:356432059050620;svn=01",
            "356432059050620",
        ] {
            assert_eq!(imei(text), Some((35_643_205, 905_062)), "{text}");
        }
        for text in
            ["", "urn:uuid:00000000-0000-4000-8000-000000000001", "urn:gsma:imei:3564320590506", "1-2", "가"]
        {
            assert_eq!(imei(text), None, "{text}");
        }
    }
}
