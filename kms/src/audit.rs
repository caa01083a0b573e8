//! The audit line of each key set that was given out.
//!
//! Collection `kms.audit`, name `<mcptt_id>/<time in microseconds>-<chain>-<sequence>`, in the user's partition, kept for
//! seven days; the same octets go to the log. A line holds identifiers, never key octets.
//!
//! Each process writes one chain: a line names the SHA-256 of the line before it, octet for octet as stored, so that
//! none can be changed, left out or added without it being seen. A line is chained first and stored second. When the
//! store fails, the line is in the log and its keys are with nobody.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use csc_store::{Change, Key, Records, UpdateError};
use csc_types::{Clock, Entropy, McpttId, Partition, Timestamp};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::provision::Provided;
use crate::time::date_time;

const COLLECTION: &str = "kms.audit";
const KEPT: Duration = Duration::from_secs(7 * 86_400);
/// What the first line of a chain names.
const NOTHING_BEFORE: [u8; 32] = [0; 32];

/// Who was given keys.
pub(crate) struct Recipient<'a> {
    /// The user of the token.
    pub(crate) user: &'a McpttId,
    /// The identifier of the token, if it has one.
    pub(crate) token: Option<&'a str>,
    /// Where the request came from.
    pub(crate) address: Option<String>,
}

/// Writes the chain of this process.
pub(crate) struct Audit {
    records: Records,
    clock: Arc<dyn Clock>,
    kms_uri: String,
    chain: String,
    last: Mutex<Last>,
}

struct Last {
    sequence: u64,
    hash: [u8; 32],
}

/// One line. The order of its fields is the order in JSON.
#[derive(Serialize)]
struct Line<'a> {
    format: u32,
    chain: &'a str,
    sequence: u64,
    previous: String,
    time: String,
    mcptt_id: &'a str,
    identity: &'a str,
    uid: String,
    period: u64,
    kms_uri: &'a str,
    pvt_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
}

/// A line, ready to be stored.
#[derive(Clone)]
struct Written {
    sequence: u64,
    json: String,
}

/// The line is not durable; the keys must not leave.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error("audit line cannot be encoded")]
    Encode(#[from] serde_json::Error),
    #[error("audit line cannot be stored")]
    Store(#[from] UpdateError<std::convert::Infallible>),
}

impl Audit {
    pub(crate) fn new(records: Records, clock: Arc<dyn Clock>, entropy: &dyn Entropy, kms_uri: &str) -> Self {
        Self {
            records,
            clock,
            kms_uri: kms_uri.to_owned(),
            chain: format!("{:016x}", entropy.next_u64()),
            last: Mutex::new(Last { sequence: 0, hash: NOTHING_BEFORE }),
        }
    }

    /// Writes a line for each of `sets`; returns when all are durable.
    pub(crate) async fn issued(&self, to: &Recipient<'_>, sets: &[Provided]) -> Result<(), AuditError> {
        let now = self.clock.now();
        let lines: Vec<Written> =
            sets.iter().map(|set| self.chain(to, now, set)).collect::<Result<_, _>>()?;
        for line in &lines {
            tracing::info!(target: "csc_kms::audit", line = %line.json, "key set issued");
        }
        let expires = now.plus(KEPT);
        self.records
            .update(Partition::of(to.user.as_str()), &[], |_| {
                Ok(lines.iter().fold(Change::nothing(()), |change, line| {
                    let name = format!("{}/{:016x}-{}-{}", to.user, now.micros(), self.chain, line.sequence);
                    change.put_until(Key::new(COLLECTION, name), line.json.clone(), expires)
                }))
            })
            .await?;
        Ok(())
    }

    /// Appends one line to the chain.
    fn chain(
        &self,
        to: &Recipient<'_>,
        now: Timestamp,
        set: &Provided,
    ) -> Result<Written, serde_json::Error> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = last.sequence + 1;
        let json = serde_json::to_string(&Line {
            format: 1,
            chain: &self.chain,
            sequence,
            previous: hex::encode(last.hash),
            time: date_time(now),
            mcptt_id: to.user.as_str(),
            identity: &set.identity.uri,
            uid: set.uid.to_string(),
            period: set.period,
            kms_uri: &self.kms_uri,
            pvt_sha256: hex::encode(Sha256::digest(set.keys.signing.pvt())),
            token: to.token,
            address: to.address.as_deref(),
        })?;
        *last = Last { sequence, hash: Sha256::digest(json.as_bytes()).into() };
        Ok(Written { sequence, json })
    }
}
