//! From particles to positions.
//!
//! A repetition is written out where that takes few positions. A large one counts instead, which needs no more than one
//! count for each position as long as a lower count is always at least as good as a higher one (no lower bound beyond
//! one), or a higher one as a lower (no upper bound). Where both bounds are large, each child must have one place only;
//! else, and where counted repetitions lie within each other, all is written out, up to [`MOST`] positions.

use std::collections::HashSet;
use std::rc::Rc;

use super::{Better, Count, Edge, Label, Model, Position, Steps};
use crate::names::{Symbol, number};
use crate::types::ElementId;
use crate::wildcard::Wildcard;

/// Most positions of one model.
const MOST: usize = 4096;
/// Most steps between them.
const MOST_STEPS: usize = 1 << 20;
/// A repetition of at most this many positions is written out even where counting would do.
const FEW: usize = 64;

/// A piece of a content model with its occurrences; `None` is unbounded.
#[derive(Clone, Debug)]
pub(crate) struct Particle {
    pub(crate) least: u32,
    pub(crate) most: Option<u32>,
    pub(crate) term: Rc<Term>,
}

/// What occurs.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    Element(Symbol, ElementId),
    Any(Wildcard),
    Sequence(Vec<Particle>),
    Choice(Vec<Particle>),
    All(Vec<Particle>),
}

impl Particle {
    /// The term, once.
    pub(crate) fn once(term: Term) -> Self {
        Self { least: 1, most: Some(1), term: Rc::new(term) }
    }

    fn once_more(term: &Rc<Term>) -> Self {
        Self { least: 1, most: Some(1), term: Rc::clone(term) }
    }

    /// Whether no children at all satisfy this.
    pub(crate) fn is_nullable(&self) -> bool {
        self.least == 0
            || match &*self.term {
                Term::Element(..) | Term::Any(_) => false,
                Term::Sequence(parts) | Term::All(parts) => parts.iter().all(Self::is_nullable),
                Term::Choice(parts) => parts.iter().any(Self::is_nullable),
            }
    }
}

/// The automaton of `particle`. `overlap` says whether two labels may take the same child.
pub(crate) fn build(particle: &Particle, overlap: &dyn Fn(&Label, &Label) -> bool) -> Result<Model, String> {
    if let Term::All(parts) = &*particle.term {
        return all(particle, parts);
    }
    for few in [FEW, MOST] {
        let mut builder = Builder { positions: Vec::new(), steps: 0, few, counting: false, hard: false };
        let Some(fragment) = builder.particle(particle)? else { continue };
        if builder.steps > MOST_STEPS {
            break;
        }
        let steps = builder.finish(fragment);
        if !builder.hard || is_unambiguous(&steps, overlap) {
            return Ok(Model::Steps(steps));
        }
    }
    Err(format!("repetitions of this content take more than {MOST} places or count within each other"))
}

fn all(particle: &Particle, parts: &[Particle]) -> Result<Model, String> {
    let mut members = Vec::with_capacity(parts.len());
    for part in parts {
        let Term::Element(_, element) = &*part.term else {
            return Err("xs:all holds elements only".to_owned());
        };
        match part.most {
            Some(1) => members.push((*element, part.least == 1)),
            _ => return Err("an element in xs:all occurs at most once".to_owned()),
        }
    }
    if particle.most != Some(1) {
        return Err("xs:all occurs at most once".to_owned());
    }
    Ok(Model::All { members, may_be_absent: particle.least == 0 })
}

/// A position at an end of a fragment.
#[derive(Clone, Copy, Debug)]
struct End {
    position: u32,
    /// Whether the counted repetition around the position lies within the fragment, so that going over this end
    /// enters or leaves it.
    counted: bool,
    /// The least count with which the repetition may be left.
    least: u32,
}

/// What a particle has become.
struct Fragment {
    first: Vec<End>,
    last: Vec<End>,
    nullable: bool,
}

impl Fragment {
    fn empty() -> Self {
        Self { first: Vec::new(), last: Vec::new(), nullable: true }
    }
}

struct Builder {
    positions: Vec<Position>,
    steps: usize,
    few: usize,
    /// Whether we are inside a counted repetition.
    counting: bool,
    /// Whether some count must be exact.
    hard: bool,
}

impl Builder {
    /// `None`: too many positions, or counts within each other.
    fn particle(&mut self, particle: &Particle) -> Result<Option<Fragment>, String> {
        let Particle { least, most, term } = particle;
        if most.is_some_and(|most| most < *least) {
            return Err("minOccurs is above maxOccurs".to_owned());
        }
        if *most == Some(0) {
            return Ok(Some(Fragment::empty()));
        }
        if (*least, *most) == (1, Some(1)) {
            return self.term(term);
        }
        let nullable = Particle::once_more(term).is_nullable();
        // What needs no child each time needs none at all.
        let least = if nullable { 0 } else { *least };
        if most.is_none() && least <= 1 {
            return self.unbounded(term, particle.is_nullable());
        }
        let copies = size(term, self.few).saturating_mul(times(least, *most));
        if copies <= self.few && self.positions.len() + copies <= MOST {
            return self.copies(term, least, *most);
        }
        self.counted(term, least, *most)
    }

    fn unbounded(&mut self, term: &Term, optional: bool) -> Result<Option<Fragment>, String> {
        let Some(mut body) = self.term(term)? else { return Ok(None) };
        self.connect(&body.last.clone(), &body.first);
        body.nullable |= optional;
        Ok(Some(body))
    }

    /// Each copy behind the one before it only, which is enough: to use fewer is to leave out the last ones.
    fn copies(&mut self, term: &Term, least: u32, most: Option<u32>) -> Result<Option<Fragment>, String> {
        let mut whole = Fragment { nullable: least == 0, ..Fragment::empty() };
        let mut before: Vec<End> = Vec::new();
        for index in 0..most.unwrap_or(least) {
            let Some(body) = self.term(term)? else { return Ok(None) };
            self.connect(&before, &body.first);
            if index == 0 {
                whole.first = body.first.clone();
            }
            if index + 1 >= least {
                whole.last.extend(&body.last);
            }
            if most.is_none() && index + 1 == least {
                self.connect(&body.last, &body.first);
            }
            before = body.last;
        }
        Ok(Some(whole))
    }

    fn counted(&mut self, term: &Term, least: u32, most: Option<u32>) -> Result<Option<Fragment>, String> {
        if std::mem::replace(&mut self.counting, true) {
            return Ok(None);
        }
        let start = self.positions.len();
        let body = self.term(term)?;
        self.counting = false;
        let Some(mut body) = body else { return Ok(None) };
        let better = match (least, most) {
            (_, None) => Better::Higher,
            (0 | 1, Some(_)) => Better::Lower,
            (_, Some(_)) => {
                self.hard = true;
                Better::Neither
            }
        };
        for position in &mut self.positions[start..] {
            position.better = better;
        }
        self.steps = self.steps.saturating_add(body.last.len().saturating_mul(body.first.len()));
        if self.steps > MOST_STEPS {
            return Ok(None);
        }
        for end in &body.last {
            for first in &body.first {
                let below = most.unwrap_or(u32::MAX);
                let again = Edge { to: first.position, least: 0, below, count: Count::Next };
                self.positions[end.position as usize].next.push(again);
            }
        }
        for end in body.first.iter_mut().chain(&mut body.last) {
            end.counted = true;
            end.least = least;
        }
        body.nullable |= least == 0;
        Ok(Some(body))
    }

    fn term(&mut self, term: &Term) -> Result<Option<Fragment>, String> {
        match term {
            Term::Element(symbol, element) => Ok(self.position(Label::Element(*symbol, *element))),
            Term::Any(wildcard) => Ok(self.position(Label::Any(wildcard.clone()))),
            Term::Sequence(parts) => {
                let mut whole = Fragment::empty();
                for part in parts {
                    let Some(one) = self.particle(part)? else { return Ok(None) };
                    whole = self.behind(whole, one);
                }
                Ok(Some(whole))
            }
            Term::Choice(parts) => {
                let mut whole = Fragment { nullable: false, ..Fragment::empty() };
                for part in parts {
                    let Some(one) = self.particle(part)? else { return Ok(None) };
                    whole.first.extend(one.first);
                    whole.last.extend(one.last);
                    whole.nullable |= one.nullable;
                }
                Ok(Some(whole))
            }
            Term::All(_) => Err("xs:all stands alone in its type".to_owned()),
        }
    }

    fn position(&mut self, label: Label) -> Option<Fragment> {
        if self.positions.len() == MOST {
            return None;
        }
        let position = number(self.positions.len());
        self.positions.push(Position { label, next: Vec::new(), last: None, better: Better::Neither });
        let end = End { position, counted: false, least: 0 };
        Some(Fragment { first: vec![end], last: vec![end], nullable: false })
    }

    /// `next` behind `whole`.
    fn behind(&mut self, mut whole: Fragment, next: Fragment) -> Fragment {
        self.connect(&whole.last, &next.first);
        if whole.nullable {
            whole.first.extend(&next.first);
        }
        if next.nullable {
            whole.last.extend(next.last);
        } else {
            whole.last = next.last;
        }
        whole.nullable &= next.nullable;
        whole
    }

    fn connect(&mut self, last: &[End], first: &[End]) {
        self.steps = self.steps.saturating_add(last.len().saturating_mul(first.len()));
        if self.steps > MOST_STEPS {
            return;
        }
        for from in last {
            for to in first {
                let count = match (from.counted, to.counted) {
                    (_, true) => Count::Set(1),
                    (true, false) => Count::Set(0),
                    (false, false) => Count::Keep,
                };
                let edge = Edge { to: to.position, least: from.least, below: u32::MAX, count };
                self.positions[from.position as usize].next.push(edge);
            }
        }
    }

    fn finish(&mut self, fragment: Fragment) -> Steps {
        let enter = |end: &End| Edge::plain(end.position, Count::Set(u32::from(end.counted)));
        let mut positions = std::mem::take(&mut self.positions);
        for end in &fragment.last {
            positions[end.position as usize].last = Some(end.least);
        }
        for position in &mut positions {
            // Loops within loops say the same twice.
            let mut seen = HashSet::new();
            position.next.retain(|edge| seen.insert(*edge));
        }
        Steps { positions, first: fragment.first.iter().map(enter).collect(), nullable: fragment.nullable }
    }
}

/// How often a repetition is written out.
fn times(least: u32, most: Option<u32>) -> usize {
    most.unwrap_or(least).max(1) as usize
}

/// Positions that a term takes when repetitions of more than `few` positions count.
fn size(term: &Term, few: usize) -> usize {
    match term {
        Term::Element(..) | Term::Any(_) => 1,
        Term::Sequence(parts) | Term::Choice(parts) | Term::All(parts) => {
            let of = |part: &Particle| {
                let once = size(&part.term, few);
                let all = once.saturating_mul(times(part.least, part.most));
                if all <= few { all } else { once }
            };
            parts.iter().map(of).fold(0, usize::saturating_add)
        }
    }
}

/// Whether each child has at most one place, whatever came before it.
fn is_unambiguous(steps: &Steps, overlap: &dyn Fn(&Label, &Label) -> bool) -> bool {
    let label = |edge: &Edge| &steps.positions[edge.to as usize].label;
    let clear = |edges: &[Edge]| {
        let rest = |index: usize| edges[index + 1..].iter();
        edges.iter().enumerate().all(|(index, a)| rest(index).all(|b| !overlap(label(a), label(b))))
    };
    clear(&steps.first) && steps.positions.iter().all(|position| clear(&position.next))
}
