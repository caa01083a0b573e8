//! Of which groups and accounts the logs speak.

use csc_proto::event::v1::{LogEntry, log_entry};
use csc_service::trace::Cause;
use csc_xcap::usage::GROUPS;

use super::due::Due;

/// What an entry wakes, and in which trace. Views are announced by the projector itself.
pub(super) fn wakes(entry: LogEntry) -> Option<(Due, Cause)> {
    let due = match entry.change? {
        log_entry::Change::Document(changed) => {
            let name = changed.path.strip_prefix(GROUPS.auid)?.strip_prefix("/global/byGroupID/")?;
            Due::Group(name.parse().ok()?)
        }
        log_entry::Change::Account(changed) => Due::Account(changed.mcptt_id.parse().ok()?),
        log_entry::Change::Subscription(_) => return None,
    };
    Some((due, Cause::of_entry(&entry.traceparent)))
}

#[cfg(test)]
mod tests {
    use csc_proto::event::v1::AccountChanged;
    use csc_types::GroupId;
    use csc_xcap_server::announce;
    use prost::Message;

    use super::*;
    use crate::records::{canonical, view};

    #[test]
    fn only_groups_and_accounts_wake_it() {
        let organisation = "fire".parse().unwrap();
        let group: GroupId = "tel:+9".parse().unwrap();
        let heard = |path: &str| wakes(LogEntry::decode(announce(path, &organisation).as_ref()).unwrap());
        assert_eq!(heard(&canonical(&group).path()), Some((Due::Group(group.clone()), Cause::NONE)));
        assert_eq!(heard(&view(&"tel:+1".parse().unwrap(), &group).path()), None);
        assert_eq!(heard("org.3gpp.mcptt.user-profile/users/tel:+1/mcptt-user-profile-0.xml"), None);
        let account = AccountChanged { mcptt_id: "tel:+1".to_owned() };
        let account =
            LogEntry { change: Some(log_entry::Change::Account(account)), traceparent: String::new() };
        let due = Due::Account("tel:+1".parse().unwrap());
        assert_eq!(wakes(account), Some((due, Cause::NONE)));
        assert_eq!(wakes(LogEntry::default()), None);
    }
}
