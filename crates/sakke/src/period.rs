//! Key periods and NTP time (TS 33.180 annexes D.3.2 and F.2.1).

use core::num::NonZeroU64;
use core::ops::Range;

use crate::error::Error;

/// Whole seconds since 1900-01-01T00:00:00Z in 64 bits, so that nothing happens in 2036.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NtpSeconds(pub u64);

impl NtpSeconds {
    /// Seconds from 1900 to 1970.
    const UNIX_EPOCH: u64 = 2_208_988_800;

    /// From seconds since 1970; saturates at the end of 64 bits.
    pub fn from_unix(seconds: u64) -> Self {
        Self(seconds.saturating_add(Self::UNIX_EPOCH))
    }

    /// Seconds since 1970; none before that.
    pub fn to_unix(self) -> Option<u64> {
        self.0.checked_sub(Self::UNIX_EPOCH)
    }

    /// The seconds of an NTP timestamp (RFC 5905: 32 bits of seconds, 32 of fraction).
    ///
    /// The 32 bits begin anew every 136 years; what is meant is the moment closest to `near`.
    pub fn from_timestamp(timestamp: u64, near: Self) -> Self {
        let seconds = (timestamp >> 32) as u32;
        let distance = seconds.wrapping_sub(near.0 as u32) as i32;
        Self(near.0.saturating_add_signed(i64::from(distance)))
    }
}

/// How a KMS divides time: UserKeyPeriod and UserKeyOffset of its certificate, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPeriods {
    length: NonZeroU64,
    offset: u64,
}

impl KeyPeriods {
    /// Periods of `length` seconds, the first of which begins `offset` seconds into 1900.
    ///
    /// # Errors
    /// [`Error::KeyPeriod`] for a length of zero.
    pub fn new(length: u64, offset: u64) -> Result<Self, Error> {
        let length = NonZeroU64::new(length).ok_or(Error::KeyPeriod)?;
        Ok(Self { length, offset })
    }

    /// UserKeyPeriod in seconds.
    pub fn length(&self) -> u64 {
        self.length.get()
    }

    /// UserKeyOffset in seconds.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// KeyPeriodNo at a moment: floor((time - offset) / period); none before the first period.
    pub fn number_at(&self, time: NtpSeconds) -> Option<u64> {
        Some(time.0.checked_sub(self.offset)? / self.length)
    }

    /// When a period begins and when the next one does; none if 64 bits cannot say it.
    pub fn bounds(&self, number: u64) -> Option<Range<NtpSeconds>> {
        let start = number.checked_mul(self.length.get())?.checked_add(self.offset)?;
        Some(NtpSeconds(start)..NtpSeconds(start.checked_add(self.length.get())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_read_in_the_nearest_era() {
        let wrap = NtpSeconds(1 << 32);
        assert_eq!(NtpSeconds::from_timestamp(5 << 32, NtpSeconds(wrap.0 - 10)), NtpSeconds(wrap.0 + 5));
        assert_eq!(NtpSeconds::from_timestamp(!0, wrap), NtpSeconds(wrap.0 - 1));
        assert_eq!(
            NtpSeconds::from_timestamp(0xdc91_ba35_8000_0000, NtpSeconds(3_700_000_000)).0,
            3_700_537_909
        );
    }

    #[test]
    fn nothing_overflows() {
        let periods = KeyPeriods::new(10, 100).unwrap();
        assert_eq!(periods.number_at(NtpSeconds(99)), None);
        assert_eq!(periods.number_at(NtpSeconds(100)), Some(0));
        assert_eq!(periods.number_at(NtpSeconds(119)), Some(1));
        assert_eq!(periods.bounds(1), Some(NtpSeconds(110)..NtpSeconds(120)));
        assert_eq!(periods.bounds(u64::MAX), None);
        assert_eq!(periods.bounds(u64::MAX / 10), None);
        assert_eq!(KeyPeriods::new(0, 0), Err(Error::KeyPeriod));
        assert_eq!(NtpSeconds::from_unix(u64::MAX), NtpSeconds(u64::MAX));
        assert_eq!(NtpSeconds(5).to_unix(), None);
        assert_eq!(NtpSeconds::from_timestamp(!0, NtpSeconds(0)), NtpSeconds(0));
    }
}
