//! What a restriction narrows (XML Schema part 2, section 4.3).

use std::borrow::Cow;
use std::cmp::Ordering;

use regex::Regex;

use super::Fault;
use super::atom::{Atom, Value};
use super::decimal::Decimal;

/// One end of a range.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) value: Value<'static>,
    pub(crate) inclusive: bool,
    /// As the schema writes it.
    pub(crate) text: Box<str>,
}

/// The facets of a type, with those of the types it is derived from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facets {
    pub(crate) min_length: Option<usize>,
    pub(crate) max_length: Option<usize>,
    /// One for each step of the derivation that has patterns: all must match.
    pub(crate) patterns: Vec<Regex>,
    pub(crate) enumeration: Option<Vec<Value<'static>>>,
    pub(crate) min: Option<Bound>,
    pub(crate) max: Option<Bound>,
    pub(crate) total_digits: Option<usize>,
    pub(crate) fraction_digits: Option<usize>,
    /// Names of facets that no derived type may state again, because they are fixed.
    pub(crate) fixed: Vec<Box<str>>,
}

impl Facets {
    /// Whether judging a value needs more than its text.
    pub(crate) fn need_value(&self) -> bool {
        self.enumeration.is_some() || self.min.is_some() || self.max.is_some()
    }

    /// Length and digits of an atomic text.
    pub(crate) fn check_text(&self, atom: Atom, text: &str) -> Result<(), Fault> {
        if (self.min_length.is_some() || self.max_length.is_some())
            && let Some(length) = atom.length(text)
        {
            self.check_length(length)?;
        }
        if (self.total_digits.is_some() || self.fraction_digits.is_some())
            && let Some(number) = Decimal::parse(text)
        {
            self.check_digits(&number)?;
        }
        self.check_patterns(text)
    }

    pub(crate) fn check_length(&self, length: usize) -> Result<(), Fault> {
        if let Some(least) = self.min_length.filter(|least| length < *least) {
            return Err(Fault(Cow::Owned(format!("is shorter than {least}"))));
        }
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            return Err(Fault(Cow::Owned(format!("is longer than {most}"))));
        }
        Ok(())
    }

    fn check_digits(&self, number: &Decimal<'_>) -> Result<(), Fault> {
        if let Some(most) = self.total_digits.filter(|most| number.total_digits() > *most) {
            return Err(Fault(Cow::Owned(format!("has more than {most} digits"))));
        }
        if let Some(most) = self.fraction_digits.filter(|most| number.fraction_digits() > *most) {
            return Err(Fault(Cow::Owned(format!("has more than {most} digits behind the point"))));
        }
        Ok(())
    }

    pub(crate) fn check_patterns(&self, text: &str) -> Result<(), Fault> {
        if self.patterns.iter().all(|pattern| pattern.is_match(text)) {
            Ok(())
        } else {
            Err(Fault(Cow::Borrowed("does not follow the pattern of its type")))
        }
    }

    /// Range and enumeration; `None` is a text without a value.
    pub(crate) fn check_value(&self, value: Option<&Value<'_>>) -> Result<(), Fault> {
        let Some(value) = value else { return Err(Fault(Cow::Borrowed("is no value of its type"))) };
        let within = |bound: &Bound, beyond: Ordering| match value.compare(&bound.value) {
            Some(Ordering::Equal) => bound.inclusive,
            Some(order) => order != beyond,
            None => false,
        };
        if let Some(min) = self.min.as_ref().filter(|min| !within(min, Ordering::Less)) {
            let least = if min.inclusive { "at least" } else { "above" };
            return Err(Fault(Cow::Owned(format!("is not {least} {}", min.text))));
        }
        if let Some(max) = self.max.as_ref().filter(|max| !within(max, Ordering::Greater)) {
            let most = if max.inclusive { "at most" } else { "below" };
            return Err(Fault(Cow::Owned(format!("is not {most} {}", max.text))));
        }
        match &self.enumeration {
            Some(known) if !known.iter().any(|known| known.is(value)) => {
                Err(Fault(Cow::Borrowed("is none of the values of its type")))
            }
            _ => Ok(()),
        }
    }
}
