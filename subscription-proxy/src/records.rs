//! What the service keeps on the store, in the partition of the subscriber.
//!
//! | collection | name | value | written by |
//! | --- | --- | --- | --- |
//! | `subscription-proxy.dialog` | our tag | [`DialogRecord`] | whoever answers a SUBSCRIBE; removed by the owner |
//! | `subscription-proxy.delivery` | our tag | [`DeliveryRecord`] | the owner of the partition, under its fence |
//! | `subscription-proxy.notifier` | `owner` | `csc.record.v1.Owner` | `csc_store::owner` |
//! | `subscription-proxy.replica` | a replica, in partition 0 | `csc.record.v1.Heartbeat` | `csc_store::owner` |
//!
//! A dialog's commit appends a `SubscriptionChanged` entry. Fields are never renumbered or reused.

use csc_sip::Dialog;
use csc_store::owner::Role;
use csc_store::{Key, StoreError};
use csc_types::Timestamp;
use prost::Message;

use crate::domain::subscription::{Progress, State};

/// The role of the replica that notifies the subscribers of a partition.
pub(crate) const ROLE: Role =
    Role { owners: "subscription-proxy.notifier", replicas: "subscription-proxy.replica" };
/// Dialog records.
pub(crate) const DIALOG: &str = "subscription-proxy.dialog";
const DELIVERY: &str = "subscription-proxy.delivery";

/// How long the records of an ended subscription stay if nobody removes them, in seconds.
pub(crate) const GRACE: u64 = 86_400;

/// A dialog as the last SUBSCRIBE left it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DialogRecord {
    #[prost(string, tag = "1")]
    pub(crate) call_id: String,
    #[prost(string, tag = "2")]
    pub(crate) local_tag: String,
    #[prost(string, tag = "3")]
    pub(crate) remote_tag: String,
    /// To of the first request.
    #[prost(string, tag = "4")]
    pub(crate) local: String,
    /// From of the first request.
    #[prost(string, tag = "5")]
    pub(crate) remote: String,
    #[prost(uint32, tag = "6")]
    pub(crate) remote_cseq: u32,
    #[prost(string, tag = "7")]
    pub(crate) target: String,
    #[prost(string, repeated, tag = "8")]
    pub(crate) routes: Vec<String>,
    /// The `id` of Event.
    #[prost(string, optional, tag = "9")]
    pub(crate) event_id: Option<String>,
    /// Microseconds since the Unix epoch.
    #[prost(uint64, tag = "10")]
    pub(crate) expires: u64,
    /// The subscriber ended it; one last NOTIFY is owed.
    #[prost(bool, tag = "11")]
    pub(crate) ended: bool,
    /// The subscriber: an MCPTT ID, or the PSI of a server.
    #[prost(string, tag = "12")]
    pub(crate) subscriber: String,
    /// The entries that were granted.
    #[prost(string, repeated, tag = "13")]
    pub(crate) entries: Vec<String>,
    /// For a server: the usage it watches instead of a list.
    #[prost(string, optional, tag = "14")]
    pub(crate) auid: Option<String>,
    /// The branch of the last request, and the answer it got.
    #[prost(string, tag = "15")]
    pub(crate) branch: String,
    #[prost(bytes = "vec", tag = "16")]
    pub(crate) answer: Vec<u8>,
    /// The `subject` of the subscriber's account: who has the MCPTT ID later is somebody else. Empty: not known.
    #[prost(string, tag = "17")]
    pub(crate) subject: String,
}

/// How far a subscriber was notified.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeliveryRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) reserved: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) full_for: u32,
    #[prost(message, repeated, tag = "3")]
    pub(crate) acknowledged: Vec<Acknowledged>,
}

/// A document that the subscriber knows.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Acknowledged {
    #[prost(string, tag = "1")]
    pub(crate) sel: String,
    #[prost(string, tag = "2")]
    pub(crate) etag: String,
}

/// Where the dialog with this tag lies.
pub(crate) fn dialog_key(tag: &str) -> Key {
    Key::new(DIALOG, tag)
}

/// Where the delivery record of that dialog lies.
pub(crate) fn delivery_key(tag: &str) -> Key {
    Key::new(DELIVERY, tag)
}

/// Decodes a record of `key`.
pub(crate) fn decode<M: Message + Default>(key: &Key, value: &[u8]) -> Result<M, StoreError> {
    M::decode(value).map_err(|why| StoreError::Damaged(format!("{} {}: {why}", key.collection, key.name)))
}

impl DialogRecord {
    /// Takes over what the dialog itself knows.
    pub(crate) fn set_dialog(&mut self, dialog: Dialog) {
        let Dialog { call_id, local_tag, remote_tag, local, remote, remote_cseq, target, routes } = dialog;
        (self.call_id, self.local_tag, self.remote_tag) = (call_id, local_tag, remote_tag);
        (self.local, self.remote, self.remote_cseq) = (local, remote, remote_cseq);
        (self.target, self.routes) = (target, routes);
    }

    /// The dialog.
    pub(crate) fn dialog(&self) -> Dialog {
        Dialog {
            call_id: self.call_id.clone(),
            local_tag: self.local_tag.clone(),
            remote_tag: self.remote_tag.clone(),
            local: self.local.clone(),
            remote: self.remote.clone(),
            remote_cseq: self.remote_cseq,
            target: self.target.clone(),
            routes: self.routes.clone(),
        }
    }

    /// When it ends by itself.
    pub(crate) fn expires(&self) -> Timestamp {
        Timestamp::from_micros(self.expires)
    }

    /// From when on its records may be swept.
    pub(crate) fn swept(&self) -> Timestamp {
        self.expires().plus(std::time::Duration::from_secs(GRACE))
    }
}

impl From<Progress> for DeliveryRecord {
    fn from(progress: Progress) -> DeliveryRecord {
        let acknowledged = progress.acknowledged.into_iter();
        DeliveryRecord {
            reserved: progress.reserved,
            full_for: progress.full_for,
            acknowledged: acknowledged
                .map(|(sel, etag)| Acknowledged { sel, etag: etag.as_str().to_owned() })
                .collect(),
        }
    }
}

impl DeliveryRecord {
    /// What the notifier goes on from.
    pub(crate) fn progress(self, key: &Key) -> Result<Progress, StoreError> {
        let acknowledged: Result<State, _> =
            self.acknowledged.into_iter().map(|known| Ok((known.sel, known.etag.parse()?))).collect();
        let acknowledged = acknowledged.map_err(|why: csc_types::EtagError| {
            StoreError::Damaged(format!("{} {}: {why}", key.collection, key.name))
        })?;
        Ok(Progress { reserved: self.reserved, full_for: self.full_for, acknowledged })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by these versions of the formats. They must decode as long as an installation may hold them.
    const DIALOG_1: &str = include_str!("../golden/dialog.1.hex");
    const DIALOG_2: &str = include_str!("../golden/dialog.2.hex");
    const DELIVERY_1: &str = include_str!("../golden/delivery.1.hex");

    fn dialog() -> DialogRecord {
        DialogRecord {
            call_id: "c1@ue.example.org".to_owned(),
            local_tag: "04aa".to_owned(),
            remote_tag: "f1".to_owned(),
            local: "<tel:+8251>".to_owned(),
            remote: "\"Alex Kim\" <tel:+8251>;tag=f1".to_owned(),
            remote_cseq: 7,
            target: "sip:alex@192.0.2.7".to_owned(),
            routes: vec!["<sip:p1.example.org;lr>".to_owned(), "<sip:p0.example.org;lr>".to_owned()],
            event_id: Some("9".to_owned()),
            expires: 1_800_000_000_000_000,
            ended: true,
            subscriber: "tel:+8251".to_owned(),
            entries: vec!["org.openmobilealliance.groups/users/tel:+8251".to_owned()],
            auid: Some("org.openmobilealliance.groups".to_owned()),
            branch: "z9hG4bKa".to_owned(),
            answer: b"SIP/2.0 200 OK\r\n\r\n".to_vec(),
            subject: String::new(),
        }
    }

    fn dialog_2() -> DialogRecord {
        DialogRecord { subject: "7".to_owned(), ..dialog() }
    }

    fn progress() -> Progress {
        let acknowledged = [("a/b".to_owned(), "1f-0000000000000007".parse().unwrap())].into();
        Progress { reserved: 65, full_for: 7, acknowledged }
    }

    #[test]
    fn stored_formats_still_decode() {
        let key = dialog_key("04aa");
        let stored = hex::decode(DIALOG_1.trim()).unwrap();
        assert_eq!(decode::<DialogRecord>(&key, &stored).unwrap(), dialog());
        let stored = hex::decode(DIALOG_2.trim()).unwrap();
        assert_eq!(decode::<DialogRecord>(&key, &stored).unwrap(), dialog_2());
        let stored = hex::decode(DELIVERY_1.trim()).unwrap();
        let read: DeliveryRecord = decode(&key, &stored).unwrap();
        assert_eq!(read.progress(&key).unwrap(), progress());
    }

    #[test]
    fn the_golden_files_are_what_is_written() {
        assert_eq!(hex::encode(dialog().encode_to_vec()), DIALOG_1.trim());
        assert_eq!(hex::encode(dialog_2().encode_to_vec()), DIALOG_2.trim());
        assert_eq!(hex::encode(DeliveryRecord::from(progress()).encode_to_vec()), DELIVERY_1.trim());
    }

    #[test]
    fn a_damaged_record_is_an_error() {
        let key = delivery_key("04aa");
        assert!(decode::<DialogRecord>(&key, b"\xff").is_err());
        let bad = DeliveryRecord {
            acknowledged: vec![Acknowledged { sel: "a".to_owned(), etag: String::new() }],
            ..DeliveryRecord::default()
        };
        assert!(bad.progress(&key).is_err());
    }
}
