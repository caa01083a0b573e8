//! What can be wrong with a history.

use std::fmt;

use csc_types::Partition;

/// A promise of the store that a history can show to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// What was acknowledged is there: no later answer shows an older state.
    NothingLost,
    /// What was acknowledged and not deleted is never answered "absent".
    NeverAbsent,
    /// A settled reader never sees a removal that did not happen.
    NoFalseRemoval,
    /// A check holds at the moment of its commit: nothing that was checked is spent twice or overlooked.
    ChecksHold,
    /// A revision stands for one commit and one content, forever; a commit is acknowledged and settled as one revision.
    OneContent,
    /// A later commit has a higher revision.
    RevisionsRise,
    /// Every acknowledged entry is seen by every reader of the log whose place was not lost.
    NoEntryMissed,
    /// Entries come in the order of their ids, each once.
    EntriesInOrder,
    /// What is read has been written, and not by a commit that was refused.
    NothingInvented,
}

/// An answer that breaks a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which promise.
    pub rule: Rule,
    /// In which partition.
    pub partition: Partition,
    /// What was seen, and against what.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in partition {}: {}", self.rule, self.partition.number(), self.text)
    }
}
