//! Points in time, and the clock that the rules ask for them.

use std::{fmt, ops::Add, time::Duration};

/// A point in time, UTC, in whole milliseconds: what every store can keep and the wire can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest point that can be written: 9999-12-30T21:59:59.999Z, the last whole second that is in the year
    /// 9999 in every time zone.
    pub const MAX: Self = Self(253_402_207_199_999);

    /// The point that many milliseconds after 1970-01-01T00:00:00Z, held within what RFC 3339 can say.
    pub const fn from_millis(millis: i64) -> Self {
        if millis < 0 {
            Self(0)
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// How long it is from `earlier` to this point; zero if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// This point moved back, no further than 1970.
    pub fn before(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }

    /// Reads an RFC 3339 text; anything finer than a millisecond is cut off.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let point: jiff::Timestamp = text.parse().ok()?;
        let millis = point.as_millisecond();
        (0..=Self::MAX.0).contains(&millis).then_some(Self(millis))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }
}

/// RFC 3339 with milliseconds: `2026-11-21T10:57:31.042Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{point:.3}")
    }
}

/// Says what time it is. Rules take the clock as an argument, so that a test sets it and none sleeps.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everyone else has to use")]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_exactly_three_decimals() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_700_000_000_040, "2023-11-14T22:13:20.040Z"),
            (Timestamp::MAX.as_millis(), "9999-12-30T21:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
            assert_eq!(Timestamp::parse_rfc3339(text).unwrap().as_millis(), millis);
        }
    }

    #[test]
    fn offsets_are_understood_and_nanoseconds_are_cut() {
        let point = Timestamp::parse_rfc3339("2023-11-14T23:13:20.040999+01:00").unwrap();
        assert_eq!(point.to_string(), "2023-11-14T22:13:20.040Z");
        assert!(Timestamp::parse_rfc3339("yesterday").is_none());
        assert!(Timestamp::parse_rfc3339("-000001-01-01T00:00:00Z").is_none());
    }

    #[test]
    fn arithmetic_stops_at_the_ends() {
        assert_eq!(Timestamp::MAX + Duration::from_secs(1), Timestamp::MAX);
        assert_eq!(Timestamp::from_millis(5).before(Duration::from_secs(1)).as_millis(), 0);
        assert_eq!(Timestamp::from_millis(5).since(Timestamp::from_millis(9)), Duration::ZERO);
    }
}
