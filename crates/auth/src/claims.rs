//! What a verified access token says.

use csc_proto::record::v1::Account;
use csc_proto::record::v1::account::Status;
use csc_types::{Caller, McpttId, Timestamp, User};
use serde::{Deserialize, Deserializer};

use crate::refused::Reason;
use crate::scope::Scopes;

/// Times beyond the year 9999 are mistakes, and arithmetic with them would be another.
const LATEST: u64 = 253_402_300_799;

/// The claims of an access token whose signature, issuer, audience and times are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Whose token it is.
    pub mcptt_id: McpttId,
    /// The `sub`: which user of this name; `None` in tokens that do not say.
    pub subject: Option<String>,
    /// The client it was given to; `None` in tokens that do not say.
    pub client_id: Option<String>,
    /// The token's own identifier, for audit records; `None` in tokens that have none.
    pub jti: Option<String>,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it ends, without leeway.
    pub expires: Timestamp,
}

impl Claims {
    /// The caller, as the public account record knows it now: it overrides what an older token says.
    ///
    /// # Errors
    /// [`Reason::Invalid`] when there is no such account, it is disabled, or it was made after another one of this name
    /// that the token belonged to; [`Reason::Unavailable`] when its record does not make sense.
    pub fn caller(&self, account: Option<&Account>) -> Result<Caller, Reason> {
        let same = |account: &&Account| {
            account.subject.is_empty() || self.subject.as_deref() == Some(account.subject.as_str())
        };
        caller(&self.mcptt_id, account.filter(same))
    }
}

/// The user `id`, as the public account record knows it now.
///
/// # Errors
/// [`Reason::Invalid`] when there is no such account or it is disabled; [`Reason::Unavailable`] when its record does not
/// make sense.
pub fn caller(id: &McpttId, account: Option<&Account>) -> Result<Caller, Reason> {
    let account = account.filter(|account| account.status() == Status::Enabled).ok_or(Reason::Invalid)?;
    let damaged = |what: &'static str| {
        tracing::error!(mcptt_id = %id, what, "damaged account record");
        Reason::Unavailable
    };
    Ok(Caller::User(User {
        id: id.clone(),
        org: account.organisation.parse().map_err(|_| damaged("organisation"))?,
        // A role this release does not know gives no right here.
        roles: account.roles.iter().filter_map(|role| role.parse().ok()).collect(),
        ue_ids: account
            .ue_ids
            .iter()
            .map(|id| id.parse())
            .collect::<Result<_, _>>()
            .map_err(|_| damaged("UE id"))?,
    }))
}

/// The claims as they stand in the token. Serde refuses one that comes twice.
#[derive(Deserialize)]
pub(crate) struct Payload {
    pub(crate) iss: String,
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) aud: Vec<String>,
    #[serde(deserialize_with = "seconds")]
    pub(crate) exp: u64,
    #[serde(default, deserialize_with = "optional_seconds")]
    pub(crate) nbf: Option<u64>,
    pub(crate) mcptt_id: String,
    #[serde(default, deserialize_with = "one_or_many")]
    pub(crate) scope: Vec<String>,
    pub(crate) sub: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) jti: Option<String>,
}

impl Payload {
    pub(crate) fn into_claims(self) -> Result<Claims, Reason> {
        Ok(Claims {
            mcptt_id: self.mcptt_id.parse().map_err(|_| Reason::Invalid)?,
            subject: self.sub,
            client_id: self.client_id,
            jti: self.jti,
            scopes: self.scope.iter().map(|text| Scopes::parse(text)).fold(Scopes::default(), Scopes::union),
            expires: Timestamp::from_seconds(self.exp),
        })
    }
}

/// A string, or an array of strings.
fn one_or_many<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(value)? {
        OneOrMany::One(text) => vec![text],
        OneOrMany::Many(texts) => texts,
    })
}

/// A NumericDate (RFC 7519 section 2). Fractions are dropped: some libraries write every time as a float.
fn seconds<'de, D: Deserializer<'de>>(value: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(value)?;
    let whole = number.as_u64().or_else(|| {
        let float = number.as_f64().filter(|float| (0.0..=LATEST as f64).contains(float))?;
        Some(float as u64)
    });
    whole.filter(|seconds| *seconds <= LATEST).ok_or_else(|| serde::de::Error::custom("not a time"))
}

fn optional_seconds<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u64>, D::Error> {
    seconds(value).map(Some)
}
