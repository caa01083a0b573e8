//! Every scenario of the catalogue against the distributed layout, and what can only be seen there.

mod boot;
#[path = "../it/catalogue/mod.rs"]
mod catalogue;
mod codes;
mod down;
mod rolling;
mod takeover;
mod writes;

use csc_tests::Cluster as Server;

/// A group document.
fn group(id: &str, name: &str, members: &[&str]) -> bytes::Bytes {
    let entries: String = members.iter().map(|member| format!("<entry uri=\"{member}\"/>")).collect();
    bytes::Bytes::from(format!(
        "<group xmlns=\"urn:oma:xml:poc:list-service\"><list-service uri=\"{id}\"><display-name>{name}</display-name>\
         <list>{entries}</list></list-service></group>"
    ))
}

/// The canonical path of a group.
fn path(id: &str) -> String {
    format!("org.openmobilealliance.groups/global/byGroupID/{id}")
}

const GROUP_TYPE: &str = "application/vnd.oma.poc.groups+xml";
/// A bound for what must come about; only a failure takes that long.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// Whether a watcher was led from `from` to `to` without a gap. What was acknowledged just before a replica went may be
/// told once more, from a state before it; the watcher knows the last one.
fn led(watcher: &csc_tests::sip::Watcher, from: &str, to: &str) -> bool {
    let mut known = vec![from.to_owned()];
    for change in watcher.told[1..].iter().flatten() {
        let Some(new) = &change.new else { return false };
        if change.previous.as_ref().is_some_and(|previous| !known.contains(previous)) {
            return false;
        }
        known.push(new.clone());
    }
    known.last().is_some_and(|last| last == to)
}
