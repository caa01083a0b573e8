//! What a replica does about one partition. A pure decision; the compare-and-set that follows may still refuse it.

use csc_types::Revision;

/// The owner record of a partition as it was read last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whom it names; empty: nobody.
    pub(super) replica: String,
    /// The version of the record, which is the owner's fence.
    pub(super) version: Revision,
    /// The version of the owner's confirmation beside it.
    pub(super) confirmed: Revision,
}

/// What this replica has to do with the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holding {
    /// Nothing.
    Not,
    /// It holds it, with this fence.
    Held(Revision),
    /// The holder was told to release it and has not done so.
    Going,
}

/// All that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) me: &'a str,
    pub(super) seen: &'a Seen,
    pub(super) holding: Holding,
    /// Who is to have it; `None` if we are leaving and nobody else is there.
    pub(super) winner: Option<&'a str>,
    /// The record names us, or nobody, or somebody who is gone.
    pub(super) is_free: bool,
    /// Our own lease is valid.
    pub(super) may_take: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Rest,
    /// Have the holder release it: it was taken, or is somebody else's by right.
    Lose,
    /// Write our own name, even over our own: if somebody took us for gone and is about to take it, one of us fails.
    Take,
    /// The record names us and it is not held any more: write the winner's name, or nobody's.
    Pass,
}

pub(super) fn step(case: &Case<'_>) -> Step {
    let ours = case.winner == Some(case.me);
    match case.holding {
        Holding::Going => Step::Rest,
        Holding::Held(fence) if fence == case.seen.version && ours => Step::Rest,
        Holding::Held(_) => Step::Lose,
        Holding::Not if case.seen.replica == case.me && !ours => Step::Pass,
        Holding::Not if ours && case.may_take && case.is_free => Step::Take,
        Holding::Not => Step::Rest,
    }
}
