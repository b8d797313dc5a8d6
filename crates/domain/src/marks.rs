//! What a message bears beside what it says: answers, forwards, reactions and pins.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::{
    ConversationId, InvalidValue, Mentions, MessageId, MessageText, Metadata, Rev, Seq, Timestamp, UserId,
    value::text_value,
};

/// What a message bears beside what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// When its text was changed the last time.
    pub edited_at: Option<Timestamp>,
    /// What it answers.
    pub reply_to: Option<ReplyTo>,
    /// Where it was said first.
    pub forwarded: Option<Forwarded>,
    /// What others make of it: each emoji once, in the order in which they came.
    pub reactions: Vec<Reaction>,
    /// That it is pinned.
    pub pin: Option<Pin>,
    /// Whom it mentions.
    pub mentions: Mentions,
}

/// The message that another one answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// Its id.
    pub message: MessageId,
    /// Its place in the same conversation.
    pub seq: Seq,
    /// Who sent it.
    pub sender: UserId,
}

/// Where a message that was passed on comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Who said it first.
    pub sender: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// A message that is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The conversation that it is taken from.
    pub conversation: ConversationId,
    /// The message.
    pub message: MessageId,
    /// Where that comes from.
    pub origin: Forwarded,
}

/// What several users make of a message by one emoji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub emoji: Emoji,
    /// How many users.
    pub count: u64,
    /// The first [`Reaction::NAMED`] of them, in the order in which they came.
    pub users: Vec<UserId>,
}

impl Reaction {
    /// How many users are named on the message; all of them are listed by the store.
    pub const NAMED: usize = 50;
    /// How many different emoji a message may have.
    pub const MAX_EMOJI: usize = 20;
}

/// What one user makes of a message, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserReaction {
    /// To which message.
    pub message: MessageId,
    /// The emoji.
    pub emoji: Emoji,
    /// Who.
    pub user: UserId,
    /// The revision that this took in the conversation.
    pub rev: Rev,
    /// When.
    pub at: Timestamp,
}

/// That a message is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

impl Pin {
    /// How many pinned messages a conversation may have.
    pub const MAX: u64 = 100;
}

/// What a message said before it was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Of which message.
    pub message: MessageId,
    /// The revision of the change that replaced it.
    pub rev: Rev,
    /// What it said.
    pub text: MessageText,
    /// What the front end kept with it.
    pub metadata: Metadata,
    /// Since when it had said so.
    pub at: Timestamp,
}

impl Version {
    /// How many bytes its user put into it.
    pub fn size(&self) -> usize {
        self.text.as_str().len() + self.metadata.as_str().len()
    }
}

/// What somebody reacts with: one emoji of at most 64 bytes, or a short name between colons such as `:party_parrot:`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Emoji(String);
text_value!(Emoji);

impl Emoji {
    /// The most bytes of an emoji. A family of four with skin tones has 41.
    const MAX_BYTES: usize = 64;
    /// The most characters of a short name without its colons.
    const MAX_NAME: usize = 32;

    /// Reads an emoji.
    ///
    /// # Errors
    /// `not_an_emoji`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let name = text.strip_prefix(':').and_then(|text| text.strip_suffix(':'));
        if name.map_or_else(|| is_symbol(text), is_short_name) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidValue::new("not_an_emoji", "must be one emoji, or a short name such as :party_parrot:"))
    }

    /// One that was taken once. What is taken today may have become less since.
    pub fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }
}

fn is_short_name(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'+' | b'-');
    (1..=Emoji::MAX_NAME).contains(&name.len()) && name.bytes().all(allowed)
}

/// Whether a text is shown as one sign out of the blocks of Unicode that hold emoji. Which signs of them are emoji changes
/// every year, so this does not ask for a list of them.
fn is_symbol(text: &str) -> bool {
    const KEYCAP: char = '\u{20e3}';
    let is_keycap = text.ends_with(KEYCAP);
    let is_seen = |c: char| match c {
        '0'..='9' | '#' | '*' => is_keycap,
        '©' | '®' | '‼' | '⁉' | '™' | 'ℹ' | 'Ⓜ' | '〰' | '〽' | '㊗' | '㊙' => true,
        '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{25a0}'..='\u{27bf}' => true,
        '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' => true,
        _ => false,
    };
    // One of them alone is half a flag.
    let is_regional = |c: &char| matches!(c, '\u{1f1e6}'..='\u{1f1ff}');
    let regional = text.chars().filter(is_regional).count();
    // Colours the sign before it, and is none itself.
    let is_skin_tone = |c: char| matches!(c, '\u{1f3fb}'..='\u{1f3ff}');
    // Joiner, the style of an emoji, and the tags of regional flags: invisible on their own.
    let joins = |c: char| matches!(c, '\u{200d}' | '\u{fe0f}' | KEYCAP | '\u{e0020}'..='\u{e007f}');
    text.len() <= Emoji::MAX_BYTES
        && text.chars().next().is_some_and(|first| is_seen(first) && !is_skin_tone(first))
        && (regional == 0 || (regional == 2 && text.chars().count() == 2))
        && text.chars().all(|c| is_seen(c) || joins(c))
        && text.graphemes(true).count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_is_one_sign_or_a_short_name() {
        for good in
            ["👍", "❤️", "👍🏽", "👩‍👩‍👧‍👦", "👩🏽‍❤️‍💋‍👨🏿", "🇵🇱", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "#️⃣", "🅰️", "©️", "☺", ":+1:", ":party_parrot:", ":a:"]
        {
            assert_eq!(Emoji::parse(good).map(|emoji| emoji.to_string()), Ok(good.to_owned()), "{good}");
        }
        assert!(Emoji::parse(&format!(":{}:", "x".repeat(32))).is_ok());
    }

    #[test]
    fn what_is_no_emoji_is_refused() {
        let long = format!(":{}:", "x".repeat(33));
        let zalgo = format!("👍{}", "\u{301}".repeat(20));
        let chain = "👩‍".repeat(20);
        for bad in [
            "",
            " ",
            "a",
            "1",
            "#",
            "é",
            "漢",
            "ab",
            "👍👍",
            "👍 ",
            "\u{200d}",
            "\u{fe0f}",
            "\u{200b}",
            "\u{301}",
            "\u{202e}",
            "👍\n",
            "👍\0",
            "\u{202e}👍",
            "\u{2800}",
            "\u{ad}",
            "\u{180e}",
            "\u{e000}",
            "\u{20000}",
            "::",
            ":A:",
            ":a b:",
            ":",
            ":a",
            "a:",
            "\u{1f1f5}",
            "\u{1f1f5}\u{fe0f}",
            "\u{1f3fd}",
            "<script>",
            "$ne",
            ".",
            "/",
            "%00",
            &long,
            &zalgo,
            &chain,
        ] {
            assert_eq!(Emoji::parse(bad).unwrap_err().code, "not_an_emoji", "{bad:?}");
        }
    }
}
