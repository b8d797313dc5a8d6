//! What all values that are parsed at the edge share.

use std::fmt;

/// Why a text or number is not the value that it was meant to be. Never holds the value itself, which may be a
/// secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidValue {
    /// A stable word for programs, such as `too_long`.
    pub code: &'static str,
    /// A sentence for people that goes on from the field's name: "must be …".
    pub message: &'static str,
}

impl InvalidValue {
    /// A reason with its code and its sentence.
    pub const fn new(code: &'static str, message: &'static str) -> Self {
        Self { code, message }
    }
}

/// Refuses the NUL character, which C libraries, terminals and some databases cut a text at.
pub(crate) fn no_nul(text: &str) -> Result<(), InvalidValue> {
    if text.contains('\0') {
        return Err(InvalidValue::new("nul_character", "must not contain the NUL character (U+0000)"));
    }
    Ok(())
}

/// Whether a text shows nothing: white space, and characters that leave no ink.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// Refuses a text that shows nothing.
pub(crate) fn not_blank(text: &str) -> Result<(), InvalidValue> {
    if is_blank(text) { Err(InvalidValue::new("empty", "must not be empty")) } else { Ok(()) }
}

/// Whether a character is shown as nothing, or as room without ink: Unicode's `Default_Ignorable_Code_Point`, the marks of
/// interlinear annotations, the empty pattern of Braille, and the empty note.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Refuses what does not belong in one line of visible text: control characters, line ends, and the marks that
/// turn the direction of the text around them and so fake other names.
pub(crate) fn one_visible_line(text: &str) -> Result<(), InvalidValue> {
    // Most have no other characters.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    no_nul(text)?;
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.chars().any(hidden) {
        return Err(InvalidValue::new("control_character", "must not contain control characters or line breaks"));
    }
    Ok(())
}

/// A text newtype's common face: its text, and nothing that changes it.
macro_rules! text_value {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text_value;

/// A position in a conversation: 1, 2, 3 … without a hole. Zero is before the first message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

/// A revision of a stream: every change takes the next one. Zero is before the first change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rev(u64);

macro_rules! counters {
    ($($name:ident)*) => {$(
        impl $name {
            /// Before the first.
            pub const ZERO: Self = Self(0);

            /// The counter at this number; what no store could hold (2^53 and more) is held at that bound.
            pub const fn new(number: u64) -> Self {
                // Beyond this a JSON reader in a browser can't tell neighbours apart.
                const MAX: u64 = (1 << 53) - 1;
                Self(if number > MAX { MAX } else { number })
            }

            /// The number.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self::new(self.0 + 1)
            }

            /// The one before this; zero stays zero.
            #[must_use]
            pub const fn previous(self) -> Self {
                Self(self.0.saturating_sub(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

counters! { Seq Rev }
