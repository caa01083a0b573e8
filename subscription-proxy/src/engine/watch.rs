//! Who watches what.

use csc_types::{McpttId, Server};

use crate::config::Config;
use crate::domain::target::{Naming, Target};
use crate::records::DialogRecord;

/// Who watches what.
#[derive(Debug)]
pub(super) struct Watch {
    /// The user, or the server's PSI.
    pub(super) subscriber: McpttId,
    /// The `subject` of the user's account; empty: not known.
    pub(super) subject: String,
    /// The server, if it is one.
    pub(super) server: Option<Server>,
    /// The documents.
    pub(super) targets: Vec<Target>,
}

impl Watch {
    /// What the record of a dialog says; `None` if it names nobody.
    pub(super) fn of(dialog: &DialogRecord, naming: &Naming, config: &Config) -> Option<Watch> {
        let subscriber: McpttId = dialog.subscriber.parse().ok()?;
        let Some(auid) = &dialog.auid else {
            let targets = dialog.entries.iter().filter_map(|uri| Target::parse(uri, naming)).collect();
            let subject = dialog.subject.clone();
            return Some(Watch { subscriber, subject, server: None, targets });
        };
        // A server that is no longer configured watches nothing.
        let orgs = config.server(&subscriber).map(|server| server.orgs.clone()).unwrap_or_default();
        let targets = Target::usage(auid, orgs.clone()).into_iter().collect();
        let server = Some(Server { name: dialog.subscriber.clone(), orgs });
        Some(Watch { subscriber, subject: String::new(), server, targets })
    }

    /// The user, if it is not a server.
    pub(super) fn user(&self) -> Option<&McpttId> {
        self.server.is_none().then_some(&self.subscriber)
    }
}
