//! The compact serialisation of a JWS (RFC 7515 section 7.1), taken apart and bounded.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Longest token that is looked at, in octets. Ours have about 900.
pub(crate) const MAX_TOKEN: usize = 8 * 1024;

/// A token in its parts. Nothing of it is verified yet.
pub(crate) struct Jws<'a> {
    pub(crate) header: Header,
    /// What the signature is over: header, dot, payload, as they came.
    pub(crate) signed: &'a [u8],
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// What matters of the protected header. Serde refuses a name that comes twice.
#[derive(Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) kid: Option<String>,
    typ: Option<String>,
    /// Present in any form, it asks for something we do not do (RFC 7515 section 4.1.11).
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// The text is no JWS in compact serialisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotJws;

impl<'a> Jws<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, NotJws> {
        if token.len() > MAX_TOKEN {
            return Err(NotJws);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(NotJws)?;
        let (header, payload) = signed.split_once('.').ok_or(NotJws)?;
        // The engine refuses padding, foreign characters and stray bits at the end, so a token has one spelling only.
        // A dot too many is such a foreign character.
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| NotJws);
        let header = serde_json::from_slice(&decode(header)?).map_err(|_| NotJws)?;
        Ok(Self {
            header,
            signed: signed.as_bytes(),
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }
}

impl Header {
    /// Whether this may be the header of an access token: no critical extensions, and no type but those of plain JWTs
    /// and of RFC 9068.
    pub(crate) fn fits(&self) -> bool {
        let typ = self.typ.as_ref().map(|typ| typ.to_ascii_lowercase());
        let known = typ
            .is_none_or(|typ| matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt"));
        known && !self.crit
    }
}

fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(value).map(|_| true)
}
