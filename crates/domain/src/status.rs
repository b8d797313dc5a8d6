//! What a user chose to show, and what the server observed.

use crate::{
    InvalidValue, Timestamp,
    value::{one_visible_line, text_value},
};

/// What a user chose to show to others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The choice itself.
    pub kind: StatusKind,
    /// A few words with it.
    pub text: Option<StatusText>,
    /// When it ends and the user is plainly available again.
    pub until: Option<Timestamp>,
}

/// The choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StatusKind {
    /// Reachable.
    #[default]
    Available,
    /// Not to be disturbed: nothing is pushed until this ends.
    Busy,
    /// Not at the screen.
    Away,
    /// Connected, and shown to others as offline.
    Invisible,
}

impl StatusKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Available, Self::Busy, Self::Away, Self::Invisible];

    /// The kind's name, on the wire and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Busy => "busy",
            Self::Away => "away",
            Self::Invisible => "invisible",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Status {
    /// The status that holds at a time: an ended one is plainly available.
    pub fn at(&self, now: Timestamp) -> Self {
        match self.until {
            Some(until) if until <= now => Self::default(),
            _ => self.clone(),
        }
    }

    /// Whether nothing is pushed to the user at that time.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.at(now).kind == StatusKind::Busy
    }

    /// What others get to see of it: an invisible user looks like an absent one.
    pub fn public(&self) -> Self {
        match self.kind {
            StatusKind::Invisible => Self::default(),
            StatusKind::Available | StatusKind::Busy | StatusKind::Away => self.clone(),
        }
    }
}

/// A few words with a status: 1 to 140 characters in one line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StatusText(String);
text_value!(StatusText);

impl StatusText {
    /// Reads a status text; space at its ends is dropped.
    ///
    /// # Errors
    /// `empty`, `too_long`, `nul_character` or `control_character`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let text = text.trim();
        one_visible_line(text)?;
        match text.chars().count() {
            0 => Err(InvalidValue::new("empty", "must not be empty; leave it out or null for none")),
            1..=140 => Ok(Self(text.to_owned())),
            _ => Err(InvalidValue::new("too_long", "must have at most 140 characters")),
        }
    }
}

/// What the server observed of a user, as others may see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Presence {
    /// Whether the user has at least one live connection.
    pub online: bool,
    /// When the last connection went; absent for who never had one, or does not show it.
    pub last_seen_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_with_an_end_is_available_from_then_on() {
        let until = Timestamp::from_millis(1000);
        let busy = Status { kind: StatusKind::Busy, text: None, until: Some(until) };
        assert!(busy.holds(Timestamp::from_millis(999)));
        assert!(!busy.holds(until));
        assert_eq!(busy.at(until), Status::default());
    }

    #[test]
    fn an_invisible_user_looks_like_one_without_a_status() {
        let text = Some(StatusText::parse("hiding").unwrap());
        let status = Status { kind: StatusKind::Invisible, text, until: None };
        assert_eq!(status.public(), Status::default());
    }

    #[test]
    fn a_status_text_is_one_line_of_at_most_140_characters() {
        assert_eq!(StatusText::parse(" in a meeting ").unwrap().as_str(), "in a meeting");
        assert_eq!(StatusText::parse("").unwrap_err().code, "empty");
        assert_eq!(StatusText::parse(&"x".repeat(141)).unwrap_err().code, "too_long");
        assert_eq!(StatusText::parse("a\nb").unwrap_err().code, "control_character");
    }
}
