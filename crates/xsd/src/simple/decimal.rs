//! `xs:decimal` and what is derived from it: any number of digits, never rounded.

use std::borrow::Cow;
use std::cmp::Ordering;

/// A decimal number in canonical form: no leading zeros before the point, no trailing ones behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    whole: Cow<'a, str>,
    fraction: Cow<'a, str>,
}

/// Whether `text` is an `xs:integer`.
pub(crate) fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit())
}

impl<'a> Decimal<'a> {
    /// The number that `text` stands for, if it is an `xs:decimal`.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        if !whole.bytes().chain(fraction.bytes()).all(|octet| octet.is_ascii_digit()) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let zero = whole.is_empty() && fraction.is_empty();
        let negative = text.starts_with('-') && !zero;
        Some(Self { negative, whole: Cow::Borrowed(whole), fraction: Cow::Borrowed(fraction) })
    }

    /// The same, independent of the text it was read from.
    pub(crate) fn into_owned(self) -> Decimal<'static> {
        Decimal {
            negative: self.negative,
            whole: Cow::Owned(self.whole.into_owned()),
            fraction: Cow::Owned(self.fraction.into_owned()),
        }
    }

    /// Digits that `totalDigits` counts.
    pub(crate) fn total_digits(&self) -> usize {
        (self.whole.len() + self.fraction.len()).max(1)
    }

    /// Digits that `fractionDigits` counts.
    pub(crate) fn fraction_digits(&self) -> usize {
        self.fraction.len()
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let magnitude = || {
            let whole = self.whole.len().cmp(&other.whole.len()).then_with(|| self.whole.cmp(&other.whole));
            whole.then_with(|| self.fraction.cmp(&other.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => magnitude(),
            (true, true) => magnitude().reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal<'_> {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn order_and_equality() {
        for (less, greater) in
            [("-1", "0"), ("-10", "-9"), ("9", "10"), ("0.5", "0.51"), ("-0.51", "-0.5"), ("99", "0100")]
        {
            assert!(number(less) < number(greater), "{less} {greater}");
        }
        for (a, b) in [("-0", "+0.0"), ("1.", "1"), (".5", "000.500"), ("+7", "7")] {
            assert_eq!(number(a), number(b));
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in ["", "+", "-", ".", "1e3", "1.2.3", "--1", "+-1", " 1", "１", "1,0", "INF"] {
            assert_eq!(Decimal::parse(text), None, "{text:?}");
        }
        assert!(is_integer("-012") && !is_integer("1.0") && !is_integer("") && !is_integer("+"));
    }

    #[test]
    fn digits() {
        assert_eq!(number("-012.3400").total_digits(), 4);
        assert_eq!(number("-012.3400").fraction_digits(), 2);
        assert_eq!(number("0").total_digits(), 1);
        assert_eq!(number("0.001").total_digits(), 3);
    }
}
