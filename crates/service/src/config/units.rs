//! Values with a unit: `30s`, `1MiB`.

use std::time::Duration;

/// A span of time: a whole number followed by `ms`, `s`, `m`, `h` or `d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "not a span of time such as 500ms, 30s, 5m, 12h or 30d".to_owned();
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)
}

/// A size in octets: a whole number followed by nothing, `B`, `KiB`, `MiB` or `GiB`.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let wrong = || "not a size such as 512B, 64KiB or 1MiB".to_owned();
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let octets = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(octets).and_then(|size| usize::try_from(size).ok()).ok_or_else(wrong)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, millis) in
            [("0s", 0), ("500ms", 500), ("7201s", 7_201_000), ("5m", 300_000), ("30d", 2_592_000_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in
            ["", "5", "s", "-1s", "1.5s", "5 s", "5S", "99999999999999999999s", "18446744073709551615d"]
        {
            assert!(duration(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn sizes() {
        for (text, octets) in
            [("0", 0), ("512B", 512), ("64KiB", 65_536), ("1MiB", 1_048_576), ("2GiB", 2_147_483_648)]
        {
            assert_eq!(size(text), Ok(octets), "{text}");
        }
        for text in ["", "KiB", "1KB", "1kib", "1.5MiB", "99999999999GiB"] {
            assert!(size(text).is_err(), "{text:?}");
        }
    }
}
