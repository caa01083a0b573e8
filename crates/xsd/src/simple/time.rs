//! Dates, times and durations (XML Schema part 2, sections 3.2.6 to 3.2.14): what is one, and how they compare.
//!
//! Years have at most nine digits here; the fraction of a second may be of any length.

use std::cmp::Ordering;

const DAY: i64 = 86_400;
/// Without a time zone a moment may be anywhere within 14 hours of what it says.
const UNCERTAINTY: i64 = 14 * 3600;

/// The types that are pieces of a date and a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    DateTime,
    Time,
    Date,
    YearMonth,
    Year,
    MonthDay,
    Day,
    Month,
}

/// A point in time, or on the day or year that the type repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Seconds since 1970-01-01T00:00:00: of UTC if there is a zone.
    seconds: i64,
    /// Digits behind the point, without trailing zeros.
    fraction: Box<str>,
    zoned: bool,
}

impl Moment {
    /// The moment that `text` stands for, if it is one of this kind.
    pub(crate) fn parse(kind: Kind, text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text };
        // What a kind leaves out is taken from a leap year's first day, so that --02-29 is a day.
        let (mut year, mut month, mut day) = (1972, 1, 1);
        let (mut time, mut fraction) = (0, "");
        match kind {
            Kind::DateTime => {
                (year, month, day) = reader.date()?;
                reader.literal("T")?;
                (time, fraction) = reader.time()?;
            }
            Kind::Time => (time, fraction) = reader.time()?,
            Kind::Date => (year, month, day) = reader.date()?,
            Kind::YearMonth => {
                year = reader.year()?;
                reader.literal("-")?;
                month = reader.two()?;
            }
            Kind::Year => year = reader.year()?,
            Kind::MonthDay => {
                reader.literal("--")?;
                month = reader.two()?;
                reader.literal("-")?;
                day = reader.two()?;
            }
            Kind::Day => {
                reader.literal("---")?;
                day = reader.two()?;
            }
            Kind::Month => {
                reader.literal("--")?;
                month = reader.two()?;
            }
        }
        if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return None;
        }
        let offset = reader.zone()?;
        let seconds = days(year, month, day) * DAY + time - offset.unwrap_or(0);
        Some(Self { seconds, fraction: fraction.into(), zoned: offset.is_some() })
    }

    /// The order of section 3.2.7.4; `None` where a missing zone leaves it open.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        let here = |shift: i64| (self.seconds + shift, &self.fraction);
        let there = (other.seconds, &other.fraction);
        match (self.zoned, other.zoned) {
            (true, true) | (false, false) => Some(here(0).cmp(&there)),
            (false, true) => certain(here(UNCERTAINTY).cmp(&there), here(-UNCERTAINTY).cmp(&there)),
            (true, false) => certain(here(-UNCERTAINTY).cmp(&there), here(UNCERTAINTY).cmp(&there)),
        }
    }
}

/// The order if it is the same for both ends of what is unknown.
fn certain(one: Ordering, other: Ordering) -> Option<Ordering> {
    (one == other && one != Ordering::Equal).then_some(one)
}

/// A length of time: months and seconds, which do not convert into each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Duration {
    months: i64,
    seconds: i64,
    fraction: Box<str>,
    negative: bool,
}

impl Duration {
    /// The duration that `text` stands for, if it is one. Numbers beyond what fits are taken for the largest that does.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('-').unwrap_or(text).strip_prefix('P')?;
        let mut months = 0_i64;
        let mut seconds = 0_i64;
        let mut fraction = "";
        // The units in their order: years, months and days, then hours, minutes and seconds behind a T.
        let mut left: &[(u8, i64, bool)] = &[(b'Y', 12, true), (b'M', 1, true), (b'D', DAY, false)];
        let mut in_time = false;
        let mut seen = false;
        while !rest.is_empty() {
            if !in_time && rest.starts_with('T') {
                in_time = true;
                seen = false;
                left = &[(b'H', 3600, false), (b'M', 60, false), (b'S', 1, false)];
                rest = &rest[1..];
                continue;
            }
            let (number, behind) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
            if number.is_empty() {
                return None;
            }
            let mut behind = behind;
            if let Some(digits) = behind.strip_prefix('.') {
                let count = digits.bytes().take_while(u8::is_ascii_digit).count();
                if !in_time || count == 0 || !digits[count..].starts_with('S') {
                    return None;
                }
                (fraction, behind) = digits.split_at(count);
            }
            let unit = behind.bytes().next()?;
            let at = left.iter().position(|(letter, ..)| *letter == unit)?;
            let (_, scale, of_months) = left[at];
            left = &left[at + 1..];
            let amount = number.parse::<i64>().unwrap_or(i64::MAX).saturating_mul(scale);
            let sum = if of_months { &mut months } else { &mut seconds };
            *sum = sum.saturating_add(amount);
            rest = &behind[1..];
            seen = true;
        }
        let negative = text.starts_with('-');
        let fraction = fraction.trim_end_matches('0').into();
        seen.then_some(Self { months, seconds, fraction, negative })
    }

    /// The order of section 3.2.6.2: that of four moments to which the durations are added, if it is the same for all.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        let mut orders = [(1696, 9), (1697, 2), (1903, 3), (1903, 7)]
            .map(|(year, month)| {
                let (a, b) = (self.added_to(year, month), other.added_to(year, month));
                // The digits behind the point count away from zero.
                let fractions = match (self.negative, other.negative) {
                    (false, false) => self.fraction.cmp(&other.fraction),
                    (true, true) => other.fraction.cmp(&self.fraction),
                    (false, true) => {
                        (!self.fraction.is_empty()).cmp(&false).then((!other.fraction.is_empty()).cmp(&false))
                    }
                    (true, false) => {
                        false.cmp(&!self.fraction.is_empty()).then(false.cmp(&!other.fraction.is_empty()))
                    }
                };
                a.cmp(&b).then(fractions)
            })
            .into_iter();
        let first = orders.next()?;
        orders.all(|order| order == first).then_some(first)
    }

    /// Seconds from the epoch to the first of a month with this duration added.
    fn added_to(&self, year: i64, month: i64) -> i64 {
        let sign = if self.negative { -1 } else { 1 };
        // Beyond 120 million years the calendar no longer matters for the order.
        let months = self.months.min(1_440_000_000) * sign + year * 12 + month - 1;
        let day = days(months.div_euclid(12), months.rem_euclid(12) + 1, 1);
        (day * DAY).saturating_add(self.seconds.saturating_mul(sign))
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // March is the first month here, so that the leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let era = year.div_euclid(400);
    let year = year.rem_euclid(400);
    era * 146_097 + year * 365 + year / 4 - year / 100 + (month * 153 + 2) / 5 + day - 1 - 719_468
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn literal(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    fn digits(&mut self) -> &'a str {
        let (digits, rest) = self.rest.split_at(self.rest.bytes().take_while(u8::is_ascii_digit).count());
        self.rest = rest;
        digits
    }

    fn two(&mut self) -> Option<i64> {
        let (digits, rest) = self.rest.split_at_checked(2)?;
        self.rest = rest;
        digits.bytes().all(|octet| octet.is_ascii_digit()).then(|| digits.parse().ok())?
    }

    /// A year as one counts from 1970: the year before 1 is −1 in the text.
    fn year(&mut self) -> Option<i64> {
        let negative = self.literal("-").is_some();
        let digits = self.digits();
        let fits = (4..=9).contains(&digits.len()) && (digits.len() == 4 || !digits.starts_with('0'));
        let year: i64 = fits.then(|| digits.parse().ok())??;
        match (year, negative) {
            (0, _) => None,
            (year, true) => Some(1 - year),
            (year, false) => Some(year),
        }
    }

    fn date(&mut self) -> Option<(i64, i64, i64)> {
        let year = self.year()?;
        self.literal("-")?;
        let month = self.two()?;
        self.literal("-")?;
        Some((year, month, self.two()?))
    }

    /// Seconds of the day, and what stands behind the point.
    fn time(&mut self) -> Option<(i64, &'a str)> {
        let hour = self.two()?;
        self.literal(":")?;
        let minute = self.two()?;
        self.literal(":")?;
        let second = self.two()?;
        let mut fraction = "";
        if self.literal(".").is_some() {
            fraction = self.digits();
            if fraction.is_empty() {
                return None;
            }
        }
        let fraction = fraction.trim_end_matches('0');
        let midnight = hour == 24 && minute == 0 && second == 0 && fraction.is_empty();
        let fits = midnight || hour < 24 && minute < 60 && second < 60;
        fits.then_some((hour * 3600 + minute * 60 + second, fraction))
    }

    /// The rest of the text: nothing, or a zone as seconds east of UTC.
    fn zone(&mut self) -> Option<Option<i64>> {
        if self.rest.is_empty() {
            return Some(None);
        }
        if self.rest == "Z" {
            return Some(Some(0));
        }
        let sign = match self.rest.as_bytes()[0] {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.rest = &self.rest[1..];
        let hours = self.two()?;
        self.literal(":")?;
        let minutes = self.two()?;
        let fits = self.rest.is_empty() && minutes < 60 && (hours < 14 || hours == 14 && minutes == 0);
        fits.then_some(Some(sign * (hours * 3600 + minutes * 60)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Moment::parse(Kind::DateTime, text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn moments() {
        assert_eq!(moment("1970-01-01T00:00:00Z").seconds, 0);
        assert_eq!(moment("2000-02-29T24:00:00Z"), moment("2000-03-01T00:00:00.000+00:00"));
        assert_eq!(moment("2017-04-06T11:38:57+09:00"), moment("2017-04-06T02:38:57Z"));
        assert_eq!(
            moment("-0001-12-31T00:00:00Z").compare(&moment("0001-01-01T00:00:00Z")),
            Some(Ordering::Less)
        );
        let (open, zoned) = (moment("2000-01-01T12:00:00"), moment("2000-01-01T20:00:00Z"));
        assert_eq!(open.compare(&zoned), None);
        assert_eq!(open.compare(&moment("2000-01-03T00:00:00Z")), Some(Ordering::Less));
        assert_eq!(moment("2000-01-03T00:00:00Z").compare(&open), Some(Ordering::Greater));
        assert_ne!(moment("2000-01-01T12:00:00"), moment("2000-01-01T12:00:00Z"));
    }

    #[test]
    fn what_is_no_moment() {
        for text in [
            "",
            "2000-01-01",
            "2000-01-01T",
            "2000-13-01T00:00:00",
            "2001-02-29T00:00:00",
            "2000-01-01T24:00:01",
            "2000-01-01T00:60:00",
            "2000-01-01T00:00:60",
            "2000-01-01T00:00:00.",
            "2000-01-01T00:00:00+14:01",
            "2000-01-01T00:00:00z",
            "2000-1-01T00:00:00",
            "0000-01-01T00:00:00",
            "02000-01-01T00:00:00",
            "200-01-01T00:00:00",
            "2000-01-01 00:00:00",
            "2000-01-01T00:00:00Z ",
            "2000-01-0\u{e9}T00:00:00",
        ] {
            assert_eq!(Moment::parse(Kind::DateTime, text), None, "{text:?}");
        }
    }

    #[test]
    fn the_other_kinds() {
        for (kind, good, bad) in [
            (Kind::Time, "23:59:59.9Z", "23:59"),
            (Kind::Date, "2000-02-29+01:00", "2000-02-30"),
            (Kind::YearMonth, "2000-12", "2000-13"),
            (Kind::Year, "-2000Z", "200"),
            (Kind::MonthDay, "--02-29", "--02-30"),
            (Kind::Day, "---31", "---32"),
            (Kind::Month, "--12", "--12--"),
        ] {
            assert!(Moment::parse(kind, good).is_some(), "{good}");
            assert!(Moment::parse(kind, bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn durations() {
        let duration = |text: &str| Duration::parse(text).unwrap_or_else(|| panic!("{text}"));
        for text in ["P1Y2M3DT4H5M6.7S", "PT0S", "-P1D", "PT36H", "P0Y", "PT1M", "P99999999999999999999Y"] {
            duration(text);
        }
        for text in [
            "", "P", "PT", "P1", "1Y", "P1S", "PT1D", "P1YT", "P1M1Y", "P-1Y", "PT1.S", "PT.5S", "P1.5Y",
            "+P1Y", "P1Y1Y",
        ] {
            assert_eq!(Duration::parse(text), None, "{text:?}");
        }
        for (a, order, b) in [
            ("PT60S", Some(Ordering::Equal), "PT1M"),
            ("P1D", Some(Ordering::Equal), "PT24H"),
            ("P1M", None, "P30D"),
            ("P1M", Some(Ordering::Less), "P32D"),
            ("P1Y", Some(Ordering::Equal), "P12M"),
            ("-PT1S", Some(Ordering::Less), "PT0.5S"),
            ("PT1.5S", Some(Ordering::Greater), "PT1.25S"),
        ] {
            assert_eq!(duration(a).compare(&duration(b)), order, "{a} {b}");
        }
    }
}
