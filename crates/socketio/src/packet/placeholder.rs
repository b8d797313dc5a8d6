//! What stands in the JSON where bytes belong: `{"_placeholder":true,"num":0}`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// The place of an attachment among the arguments. [`Args::attachment`](super::Args::attachment) has the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Placeholder", try_from = "Placeholder")]
pub struct Attachment {
    num: usize,
}

impl Attachment {
    /// The place of the attachment with this index.
    pub fn new(num: usize) -> Self {
        Self { num }
    }

    /// The index, for which a client that sends no attachments may have made up a number.
    pub(super) fn num(self) -> usize {
        self.num
    }
}

/// An attachment's place as it stands in the JSON.
#[derive(Serialize, Deserialize)]
struct Placeholder {
    #[serde(rename = "_placeholder")]
    placeholder: bool,
    num: usize,
}

impl From<Attachment> for Placeholder {
    fn from(attachment: Attachment) -> Self {
        Self { placeholder: true, num: attachment.num }
    }
}

impl TryFrom<Placeholder> for Attachment {
    type Error = &'static str;

    fn try_from(placeholder: Placeholder) -> Result<Self, Self::Error> {
        if placeholder.placeholder { Ok(Self::new(placeholder.num)) } else { Err("not a placeholder") }
    }
}

/// Whether the placeholders in `json` are the numbers from 0 to `count` - 1, each of them once.
///
/// A peer that could name a number that isn't there, or one twice, would make whoever puts the bytes back in fail or
/// multiply them.
pub(super) fn match_attachments(json: &str, count: usize) -> bool {
    let mut used = vec![false; count];
    let mut reader = serde_json::Deserializer::from_str(json);
    Scan { used: &mut used }.deserialize(&mut reader).is_ok() && used.into_iter().all(|used| used)
}

/// Walks through a value and marks the numbers of its placeholders. What is nested deeper than the parser goes (128
/// levels) fails.
struct Scan<'a> {
    used: &'a mut [bool],
}

/// What an enclosing object must know of a value.
enum Seen {
    True,
    Number(u64),
    Other,
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Seen, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON whose placeholders match the attachments")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Seen, E> {
        Ok(if value { Seen::True } else { Seen::Other })
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Seen, E> {
        Ok(Seen::Number(value))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Seen, A::Error> {
        while values.next_element_seed(Scan { used: &mut *self.used })?.is_some() {}
        Ok(Seen::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Seen, A::Error> {
        let (mut is_placeholder, mut number, mut keys) = (false, None, 0);
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Scan { used: &mut *self.used })?;
            keys += 1;
            match (key.as_str(), value) {
                ("_placeholder", Seen::True) => is_placeholder = true,
                ("num", Seen::Number(value)) => number = usize::try_from(value).ok(),
                (_, Seen::True | Seen::Number(_) | Seen::Other) => {}
            }
        }
        if is_placeholder {
            // Two keys and no more: parsers differ on which of two equal keys counts.
            let slot = number.filter(|_| keys == 2).and_then(|number| self.used.get_mut(number));
            match slot {
                Some(used @ false) => *used = true,
                Some(true) | None => return Err(A::Error::custom("an illegal placeholder")),
            }
        }
        Ok(Seen::Other)
    }
}
