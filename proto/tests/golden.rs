//! What was stored once can be read for ever.
//!
//! Each record and log entry has a file `golden/<name>.<version>.hex`, written by the release that first stored that
//! form. It is never changed: when a message grows, a file with the next version joins it, and the old one must
//! still decode.

use std::fmt::Debug;

use csc_proto::event::v1::log_entry::Change;
use csc_proto::event::v1::{AccountChanged, DocumentChanged, LogEntry, SubscriptionChanged};
use csc_proto::record::v1::{Account, Departure, Heartbeat, IndexEntry, Owner, account};
use prost::Message;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden");

/// The file holds `value`, and `value` is still written that way.
fn check<M: Message + Default + PartialEq + Debug>(file: &str, value: &M) {
    let written = hex::encode(value.encode_to_vec());
    let text = std::fs::read_to_string(format!("{FOLDER}/{file}.hex"));
    let text = text.unwrap_or_else(|error| panic!("{file}: {error}; it would hold {written}"));
    let stored = hex::decode(text.trim()).expect("a golden file is hex");
    assert_eq!(
        &M::decode(stored.as_slice()).expect("a golden file decodes"),
        value,
        "{file} means something else now"
    );
    assert_eq!(text.trim(), written, "{file} is written differently now: add the next version");
}

fn entry(change: Change) -> LogEntry {
    LogEntry { change: Some(change), traceparent: String::new() }
}

#[test]
fn records() {
    let account = Account {
        status: account::Status::Disabled.into(),
        organisation: "city-fire".to_owned(),
        roles: vec!["dispatcher".to_owned(), "authorized-user".to_owned()],
        ue_ids: vec!["urn:gsma:imei:90420156-025763-0".to_owned()],
        user_uris: vec!["sip:alex.kim@example.org".to_owned()],
        kms_uri: "kms.example.org".to_owned(),
        subject: String::new(),
    };
    check("account.1", &account);
    let subject = "aEfdA1QuXjePi7nhBftwTYF1kK-rk1D-4Qgod0933S0".to_owned();
    check("account.2", &Account { subject, ..account });
    let document = IndexEntry {
        random: 0x0123_4567_89ab_cdef,
        group_revision: 0,
        organisation: "city-fire".to_owned(),
        removed: false,
    };
    check("index-entry-document.1", &document);
    check(
        "index-entry-view.1",
        &IndexEntry { group_revision: 1_800_000_000_000_000, removed: true, ..document },
    );
    check("departure.1", &Departure { cleared: 1_800_000_000_000_000 });
    check("owner.1", &Owner { replica: "gms-0".to_owned() });
    check("heartbeat.1", &Heartbeat { beat: 7, draining: true });
}

#[test]
fn log_entries() {
    let path = "org.3gpp.mcptt.user-profile/users/tel:+15555550101/mcptt-user-profile-0.xml".to_owned();
    let document = DocumentChanged { path, organisation: "city-fire".to_owned() };
    check("log-entry-document.1", &entry(Change::Document(document)));
    let account = AccountChanged { mcptt_id: "tel:+15555550101".to_owned() };
    check("log-entry-account.1", &entry(Change::Account(account)));
    let subscription = SubscriptionChanged { dialog: "04-6f1c".to_owned() };
    check("log-entry-subscription.1", &entry(Change::Subscription(subscription.clone())));
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    let traced = LogEntry { traceparent, ..entry(Change::Subscription(subscription)) };
    check("log-entry-subscription.2", &traced);
}

/// A reader of today ignores what a writer of tomorrow adds: other fields, and other kinds of log entries.
#[test]
fn what_is_not_known_yet_is_skipped() {
    let owner = [Owner { replica: "gms-0".to_owned() }.encode_to_vec(), vec![0xf8, 0x07, 0x01]].concat();
    assert_eq!(Owner::decode(owner.as_slice()).unwrap().replica, "gms-0");
    let unknown = [0xfa, 0x07, 0x02, 0x08, 0x01];
    assert_eq!(LogEntry::decode(&unknown[..]).unwrap(), LogEntry::default());
}

/// No file is forgotten by the tests above.
#[test]
fn every_file_is_checked() {
    let source = include_str!("golden.rs");
    for file in std::fs::read_dir(FOLDER).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let name = name.strip_suffix(".hex").unwrap();
        assert!(source.contains(&format!("\"{name}\"")), "{name} is not checked");
    }
}
