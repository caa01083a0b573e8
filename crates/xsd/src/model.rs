//! Content models as automata over positions (Glushkov): each element or wildcard of a model is a position, and a state
//! is the set of positions that the last child may have been. Sets make ambiguous models work like any other; in
//! ordinary models they hold one position.
//!
//! Small repetitions are written out, large ones count: a position lies within one counted repetition at most, and
//! carries its count. See [`build`] for what that excludes.

pub(crate) mod build;

use crate::names::{NamespaceId, Symbol};
use crate::types::{ElementId, Types};
use crate::wildcard::{Namespaces, Process, Wildcard};

/// A set of orders of children.
#[derive(Clone, Debug)]
pub(crate) enum Model {
    /// Positions and the steps between them.
    Steps(Steps),
    /// `xs:all`: each of these at most once, in any order.
    All { members: Vec<(ElementId, bool)>, may_be_absent: bool },
}

/// See [`Model::Steps`].
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    pub(crate) positions: Vec<Position>,
    /// Where the first child may be.
    pub(crate) first: Vec<Edge>,
    /// Whether no child at all will do.
    pub(crate) nullable: bool,
}

/// One place of a model.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    pub(crate) label: Label,
    /// Where the next child may be.
    pub(crate) next: Vec<Edge>,
    /// Whether the last child may be here, and how often its repetition must have happened by then.
    pub(crate) last: Option<u32>,
    /// Which of two counts at this position allows everything that the other one allows.
    pub(crate) better: Better,
}

/// What stands at a position.
#[derive(Clone, Debug)]
pub(crate) enum Label {
    /// An element, or one that substitutes it.
    Element(Symbol, ElementId),
    /// Anything that a wildcard lets in.
    Any(Wildcard),
}

/// See [`Position::better`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Lower,
    Higher,
    /// Neither: the model is such that there is only one.
    Neither,
}

/// A step to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Edge {
    pub(crate) to: u32,
    /// The count must be at least this …
    pub(crate) least: u32,
    /// … and below this.
    pub(crate) below: u32,
    pub(crate) count: Count,
}

/// What a step does to the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Count {
    Keep,
    Next,
    Set(u32),
}

/// A position that the last child may have been at, with the count of its repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) position: u32,
    pub(crate) count: u32,
}

/// What a child turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Element(ElementId),
    Wildcard(Process),
}

impl Edge {
    /// A step that no count matters for.
    pub(crate) fn plain(to: u32, count: Count) -> Self {
        Self { to, least: 0, below: u32::MAX, count }
    }

    fn take(&self, count: u32) -> Option<u32> {
        let open = count >= self.least && count < self.below;
        open.then(|| match self.count {
            Count::Keep => count,
            Count::Next => count.saturating_add(1),
            Count::Set(to) => to,
        })
    }
}

impl Model {
    /// Any children at all.
    pub(crate) fn anything() -> Self {
        let wildcard = Wildcard { namespaces: Namespaces::Any, process: Process::Lax };
        let again = vec![Edge::plain(0, Count::Keep)];
        let position = Position {
            label: Label::Any(wildcard),
            next: again.clone(),
            last: Some(0),
            better: Better::Neither,
        };
        Self::Steps(Steps { positions: vec![position], first: again, nullable: true })
    }

    /// Goes on from `before` over one child, and writes the new states to `after`. States are empty before the first
    /// child. `None`: the child may not stand here.
    pub(crate) fn step(
        &self,
        types: &Types,
        before: &[State],
        symbol: Symbol,
        namespace: NamespaceId,
        after: &mut Vec<State>,
    ) -> Option<Found> {
        after.clear();
        match self {
            Self::Steps(steps) => steps.step(types, before, symbol, namespace, after),
            Self::All { members, .. } => {
                let at = |(member, _): &(ElementId, bool)| substitute(types, *member, symbol);
                let (index, found) =
                    members.iter().enumerate().find_map(|(index, member)| Some((index, at(member)?)))?;
                let position = crate::names::number(index);
                after.extend_from_slice(before);
                after.push(State { position, count: 0 });
                let again = before.iter().any(|state| state.position == position);
                (!again).then_some(Found::Element(found))
            }
        }
    }

    /// Whether the children may end here.
    pub(crate) fn may_end(&self, states: &[State]) -> bool {
        match self {
            Self::Steps(steps) if states.is_empty() => steps.nullable,
            Self::Steps(steps) => states.iter().any(|state| {
                steps.positions[state.position as usize].last.is_some_and(|least| state.count >= least)
            }),
            Self::All { may_be_absent, .. } if states.is_empty() && *may_be_absent => true,
            Self::All { members, .. } => {
                let missing = |(index, (_, required)): (usize, &(ElementId, bool))| {
                    *required && !states.iter().any(|state| state.position as usize == index)
                };
                !members.iter().enumerate().any(missing)
            }
        }
    }

    /// What may stand behind `states`, in the order of the schema.
    pub(crate) fn expected<'a>(&'a self, states: &'a [State]) -> Vec<Expected<'a>> {
        let mut out = Vec::new();
        match self {
            Self::Steps(steps) => steps.each_step(states, |position, _| {
                let expected = match &position.label {
                    Label::Element(symbol, _) => Expected::Element(*symbol),
                    Label::Any(wildcard) => Expected::Any(&wildcard.namespaces),
                };
                if !out.contains(&expected) {
                    out.push(expected);
                }
            }),
            Self::All { members, .. } => {
                for (index, (member, _)) in members.iter().enumerate() {
                    if !states.iter().any(|state| state.position as usize == index) {
                        out.push(Expected::Member(*member));
                    }
                }
            }
        }
        out
    }
}

/// See [`Model::expected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected<'a> {
    Element(Symbol),
    Member(ElementId),
    Any(&'a Namespaces),
}

impl Steps {
    fn each_step<'a>(&'a self, states: &[State], mut take: impl FnMut(&'a Position, State)) {
        let mut follow = |edges: &'a [Edge], count: u32| {
            for edge in edges {
                if let Some(count) = edge.take(count) {
                    take(&self.positions[edge.to as usize], State { position: edge.to, count });
                }
            }
        };
        if states.is_empty() {
            return follow(&self.first, 0);
        }
        for state in states {
            follow(&self.positions[state.position as usize].next, state.count);
        }
    }

    fn step(
        &self,
        types: &Types,
        before: &[State],
        symbol: Symbol,
        namespace: NamespaceId,
        after: &mut Vec<State>,
    ) -> Option<Found> {
        let mut found: Option<Found> = None;
        self.each_step(before, |position, state| {
            let one = match &position.label {
                Label::Element(own, element) if *own == symbol => Found::Element(*element),
                Label::Element(_, element) => match substitute(types, *element, symbol) {
                    Some(element) => Found::Element(element),
                    None => return,
                },
                Label::Any(wildcard) if wildcard.namespaces.allow(namespace) => {
                    Found::Wildcard(wildcard.process)
                }
                Label::Any(_) => return,
            };
            // Where both a declaration and a wildcard take the child, the declaration judges it.
            if !matches!((found, one), (Some(_), Found::Wildcard(_)) | (Some(Found::Element(_)), _)) {
                found = Some(one);
            }
            add(after, state, position.better);
        });
        found
    }
}

/// Adds a state to a set, keeping one count of each position.
fn add(states: &mut Vec<State>, state: State, better: Better) {
    match states.iter_mut().find(|known| known.position == state.position) {
        None => states.push(state),
        Some(known) => match better {
            Better::Lower => known.count = known.count.min(state.count),
            Better::Higher => known.count = known.count.max(state.count),
            Better::Neither => {}
        },
    }
}

/// The declaration by which an element called `symbol` may stand where `element` is declared.
fn substitute(types: &Types, element: ElementId, symbol: Symbol) -> Option<ElementId> {
    let declared = types.element(element);
    if declared.symbol == symbol {
        return Some(element);
    }
    declared.substitutes.iter().find(|(name, _)| *name == symbol).map(|(_, substitute)| *substitute)
}
