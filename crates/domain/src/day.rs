//! Days, and what happened on them.

use std::fmt;

use crate::{Timestamp, UserId};

/// A day in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

impl Day {
    const MILLIS: i64 = 24 * 60 * 60 * 1000;

    /// The day of a point in time.
    pub fn of(time: Timestamp) -> Self {
        // No time is before 1970 or after 9999.
        Self(u32::try_from(time.as_millis() / Self::MILLIS).unwrap_or_default())
    }

    /// The day so many days after 1970-01-01; the last of 9999 at most.
    pub fn from_number(number: u32) -> Self {
        Self(number).min(Self::of(Timestamp::MAX))
    }

    /// How many days it is after 1970-01-01.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The day so many days before, no further than 1970.
    #[must_use]
    pub const fn before(self, days: u32) -> Self {
        Self(self.0.saturating_sub(days))
    }

    /// When it begins.
    pub fn begins_at(self) -> Timestamp {
        Timestamp::from_millis(i64::from(self.0) * Self::MILLIS)
    }
}

/// As in RFC 3339: `2026-11-21`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.begins_at().to_string().get(..10).ok_or(fmt::Error)?)
    }
}

/// What a user did since this was noted last: he was there, and has sent so many messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Who.
    pub user: UserId,
    /// How many messages.
    pub messages: u32,
}

/// What happened on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySum {
    /// The day.
    pub day: Day,
    /// How many users were connected or sent a message.
    pub active_users: u64,
    /// How many messages were sent.
    pub messages: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_lasts_from_midnight_to_midnight_in_utc() {
        for (time, day) in [
            ("1970-01-01T00:00:00Z", "1970-01-01"),
            ("2026-11-21T23:59:59.999Z", "2026-11-21"),
            ("2026-11-22T00:00:00+01:00", "2026-11-21"),
            ("2024-02-29T12:00:00Z", "2024-02-29"),
        ] {
            assert_eq!(Day::of(Timestamp::parse_rfc3339(time).unwrap()).to_string(), day, "{time}");
        }
        let day = Day::of(Timestamp::parse_rfc3339("2024-03-01T00:00:00Z").unwrap());
        assert_eq!(day.before(1).to_string(), "2024-02-29");
        assert_eq!(Day::of(day.begins_at()), day);
        assert_eq!(Day::from_number(day.number()), day);
        assert_eq!(Day::from_number(3).before(9), Day::from_number(0));
        assert_eq!(Day::from_number(u32::MAX).to_string(), "9999-12-30");
    }
}
