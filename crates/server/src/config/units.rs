//! Durations and sizes as people write them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

/// A length of time, written as a number and a unit: `250ms`, `30s`, `15m`, `12h`, `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanDuration(Duration);

impl HumanDuration {
    /// Reads a duration; `None` for anything but a whole number and one of the units `ms`, `s`, `m`, `h`, `d`.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split_number(text)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        number.checked_mul(millis).map(|millis| Self(Duration::from_millis(millis)))
    }

    /// The duration.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format_args!("{text:?} is no duration: write a number and ms, s, m, h or d, like \"30s\""))
        })
    }
}

/// A number of bytes, written plainly or with a unit: `512`, `64KiB`, `10MiB`, `2GiB`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    /// A size of so many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Reads a size; `None` for anything but a whole number, alone or with one of `B`, `KiB`, `MiB`, `GiB`.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split_number(text)?;
        let bytes = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(bytes).map(Self)
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number of bytes as the length of something in memory.
    pub fn as_len(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Debug for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format_args!(
                "{text:?} is no size: write a number alone or with KiB, MiB or GiB, like \"64KiB\""
            ))
        })
    }
}

/// The whole number that a text begins with, and the unit that follows it.
fn split_number(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, millis) in
            [("250ms", 250), ("30s", 30_000), (" 15 m ", 900_000), ("12h", 43_200_000), ("30d", 2_592_000_000)]
        {
            assert_eq!(HumanDuration::parse(text).unwrap().get(), Duration::from_millis(millis), "{text}");
        }
        for bad in ["", "30", "s", "-1s", "1.5s", "1 week", "1m30s", "99999999999999999999d", "18446744073709551615d"] {
            assert!(HumanDuration::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_size_is_a_number_of_bytes_alone_or_with_a_unit() {
        for (text, bytes) in
            [("0", 0), ("512", 512), ("64KiB", 65_536), ("10 MiB", 10_485_760), ("2GiB", 2_147_483_648)]
        {
            assert_eq!(ByteSize::parse(text).unwrap().get(), bytes, "{text}");
        }
        for bad in ["", "64K", "64kb", "-1", "1.5MiB", "MiB", "18446744073709551615KiB"] {
            assert!(ByteSize::parse(bad).is_none(), "{bad}");
        }
    }
}
