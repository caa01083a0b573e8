//! For which key period keys are given out.

use csc_sakke::{KeyPeriods, NtpSeconds};

use super::refusal::Refusal;

/// The period keys are given out for: the current one, or the one that holds the moment of the NTP timestamp `asked`
/// if that is the current or the next, or with `previous` the one before.
pub(crate) fn choose(
    periods: &KeyPeriods,
    now: NtpSeconds,
    asked: Option<u64>,
    previous: bool,
) -> Result<u64, Refusal> {
    let current = periods.number_at(now).ok_or(Refusal::Period)?;
    let Some(timestamp) = asked else { return Ok(current) };
    let wanted = periods.number_at(NtpSeconds::from_timestamp(timestamp, now)).ok_or(Refusal::Period)?;
    let first = current.saturating_sub(u64::from(previous));
    if (first..=current.saturating_add(1)).contains(&wanted) { Ok(wanted) } else { Err(Refusal::Period) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn ask(now: u64, asked: u64, previous: bool) -> Result<u64, Refusal> {
        let periods = KeyPeriods::new(28 * DAY, 0).unwrap();
        choose(&periods, NtpSeconds(now), Some((asked & 0xffff_ffff) << 32 | 7), previous)
    }

    #[test]
    fn current_and_next_and_by_a_setting_the_previous() {
        let periods = KeyPeriods::new(28 * DAY, 0).unwrap();
        let start = 1655 * 28 * DAY;
        assert_eq!(choose(&periods, NtpSeconds(start), None, false), Ok(1655));
        assert_eq!(choose(&periods, NtpSeconds(start - 1), None, false), Ok(1654));
        assert_eq!(ask(start, start, false), Ok(1655));
        assert_eq!(ask(start, start + 28 * DAY - 1, false), Ok(1655));
        assert_eq!(ask(start, start + 28 * DAY, false), Ok(1656));
        assert_eq!(ask(start, start + 56 * DAY, false), Err(Refusal::Period));
        assert_eq!(ask(start, start - 1, false), Err(Refusal::Period));
        assert_eq!(ask(start, start - 1, true), Ok(1654));
        assert_eq!(ask(start, start - 28 * DAY - 1, true), Err(Refusal::Period));
        assert_eq!(ask(start, 0, true), Err(Refusal::Period));
    }

    #[test]
    fn nothing_happens_in_2036() {
        let wrap = 1 << 32;
        assert_eq!(ask(wrap - 1, wrap + 1, false), Ok((wrap + 1) / (28 * DAY)));
        assert_eq!(ask(wrap + 1, wrap - 1, false), Ok((wrap - 1) / (28 * DAY)));
    }

    #[test]
    fn before_the_first_period_there_is_none() {
        let periods = KeyPeriods::new(DAY, 1000).unwrap();
        assert_eq!(choose(&periods, NtpSeconds(999), None, true), Err(Refusal::Period));
        assert_eq!(choose(&periods, NtpSeconds(1000), Some(1000 << 32), true), Ok(0));
        assert_eq!(choose(&periods, NtpSeconds(1000), Some(999 << 32), true), Err(Refusal::Period));
    }
}
