//! Packets out of Engine.IO messages.

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::{Deserializer as _, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::placeholder;
use super::{Args, Content, Event, MAX_ACK_ID, Namespace, Packet};
use crate::engine::Message;
use crate::json::Json;

/// What a packet may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most attachments of a packet. 10, as in the reference parser.
    pub attachments: usize,
    /// The most bytes of a packet: its text and all attachments. 1,000,000.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { attachments: 10, bytes: 1_000_000 }
    }
}

/// Puts the messages of one session together to packets. After an error the session is to be closed.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    partial: Option<Partial>,
}

/// A packet whose attachments have not all come.
#[derive(Debug)]
struct Partial {
    packet: Packet,
    missing: usize,
    bytes: usize,
}

impl Decoder {
    /// A decoder that holds to these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, partial: None }
    }

    /// Takes the next message. `None` means that more attachments belong to the packet.
    ///
    /// # Errors
    /// Whatever is not the next part of a packet that the specification allows.
    pub fn decode(&mut self, message: Message) -> Result<Option<Packet>, DecodeError> {
        match (message, self.partial.take()) {
            (Message::Text(text), None) => self.decode_text(&text),
            (Message::Binary(bytes), Some(partial)) => self.attach(partial, bytes),
            (Message::Text(_), Some(_)) => Err(DecodeError::AttachmentExpected),
            (Message::Binary(_), None) => Err(DecodeError::AttachmentUnexpected),
        }
    }

    fn attach(&mut self, mut partial: Partial, bytes: Bytes) -> Result<Option<Packet>, DecodeError> {
        partial.bytes += bytes.len();
        if partial.bytes > self.limits.bytes {
            return Err(DecodeError::TooLarge);
        }
        match &mut partial.packet.content {
            Content::Event { event, .. } => event.args_mut().attach(bytes),
            Content::Ack { args, .. } => args.attach(bytes),
            Content::Connect(_) | Content::Disconnect | Content::ConnectError(_) => {}
        }
        partial.missing -= 1;
        if partial.missing == 0 {
            return Ok(Some(partial.packet));
        }
        self.partial = Some(partial);
        Ok(None)
    }

    fn decode_text(&mut self, text: &ByteString) -> Result<Option<Packet>, DecodeError> {
        if text.len() > self.limits.bytes {
            return Err(DecodeError::TooLarge);
        }
        let mut rest = text.chars();
        let kind = rest.next().ok_or(DecodeError::UnknownType)?;
        let rest = rest.as_str();
        let (attachments, rest) = match kind {
            '5' | '6' => self.read_attachments(rest)?,
            _ => (0, rest),
        };
        let (namespace, rest) = read_namespace(rest)?;
        let (id, rest) = read_id(rest)?;
        let payload = text.slice_ref(rest);
        let content = match (kind, id) {
            ('0', None) => Content::Connect(read_auth(&payload)?),
            ('1', None) if payload.is_empty() => Content::Disconnect,
            ('2' | '5', id) => Content::Event { id, event: read_event(&payload)? },
            ('3' | '6', Some(id)) => Content::Ack { id, args: read_args(&payload)? },
            ('4', None) => Content::ConnectError(read_object(&payload)?),
            ('0' | '1' | '3' | '4' | '6', _) => return Err(DecodeError::Payload),
            _ => return Err(DecodeError::UnknownType),
        };
        let packet = Packet { namespace, content };
        if attachments == 0 {
            return Ok(Some(packet));
        }
        // Before the attachments come, so that nobody fills the memory for a packet that is refused anyway.
        if !placeholder::match_attachments(&payload, attachments) {
            return Err(DecodeError::Placeholders);
        }
        self.partial = Some(Partial { packet, missing: attachments, bytes: text.len() });
        Ok(None)
    }

    fn read_attachments<'a>(&self, text: &'a str) -> Result<(usize, &'a str), DecodeError> {
        let (digits, rest) = split_digits(text);
        let rest = rest.strip_prefix('-').ok_or(DecodeError::Attachments)?;
        match digits.parse() {
            Ok(count) if (1..=self.limits.attachments).contains(&count) => Ok((count, rest)),
            Ok(_) | Err(_) => Err(DecodeError::Attachments),
        }
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn read_namespace(text: &str) -> Result<(Namespace, &str), DecodeError> {
    if !text.starts_with('/') {
        return Ok((Namespace::MAIN, text));
    }
    let (name, rest) = text.split_once(',').unwrap_or((text, ""));
    Ok((Namespace::new(name).map_err(|_| DecodeError::Namespace)?, rest))
}

fn read_id(text: &str) -> Result<(Option<u64>, &str), DecodeError> {
    match split_digits(text) {
        ("", rest) => Ok((None, rest)),
        (digits, rest) => match digits.parse() {
            Ok(id) if id <= MAX_ACK_ID => Ok((Some(id), rest)),
            Ok(_) | Err(_) => Err(DecodeError::AckId),
        },
    }
}

fn read_auth(payload: &ByteString) -> Result<Option<Json>, DecodeError> {
    if payload.is_empty() {
        return Ok(None);
    }
    read_object(payload).map(Some)
}

fn read_object(payload: &ByteString) -> Result<Json, DecodeError> {
    Json::from_text(payload).ok().filter(Json::is_object).ok_or(DecodeError::Payload)
}

fn read_args(payload: &ByteString) -> Result<Args, DecodeError> {
    let array = Json::from_text(payload).map_err(|_| DecodeError::Payload)?;
    Args::from_json(&array).map_err(|_| DecodeError::Payload)
}

fn read_event(payload: &ByteString) -> Result<Event, DecodeError> {
    let array = Json::from_text(payload).map_err(|_| DecodeError::Payload)?;
    let raw_name = serde_json::Deserializer::from_str(array.as_str())
        .deserialize_seq(FirstElement)
        .map_err(|_| DecodeError::Payload)?
        .get();
    let name = match raw_name.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(raw_name).map_err(|_| DecodeError::Payload)?,
        Some(b'-' | b'0'..=b'9') => raw_name.to_owned(),
        Some(_) | None => return Err(DecodeError::EventName),
    };
    let list = array
        .as_str()
        .strip_prefix('[')
        .and_then(|text| text.trim_start().strip_prefix(raw_name)?.strip_suffix(']'))
        .ok_or(DecodeError::Payload)?
        .trim();
    let list = payload.slice_ref(list.strip_prefix(',').unwrap_or(list).trim_start());
    Event::new(name, Args::from_list(list, Vec::new())).map_err(|_| DecodeError::EventName)
}

/// Reads the first value of an array and passes over the others: an array of a million zeros costs no memory.
struct FirstElement;

impl<'de> Visitor<'de> for FirstElement {
    type Value = &'de RawValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array that is not empty")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        let first = values.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }
}

/// Why messages are not a packet. The specification's answer to all of them is to close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first character is none of `0` to `6`.
    #[error("a packet has an unknown type")]
    UnknownType,
    /// The number of attachments is missing, not a number, zero or larger than the limit.
    #[error("a packet has an illegal number of attachments")]
    Attachments,
    /// The namespace has no valid name.
    #[error("a packet has an illegal namespace")]
    Namespace,
    /// The id is larger than [`MAX_ACK_ID`].
    #[error("a packet has an illegal acknowledgement id")]
    AckId,
    /// The payload is missing, is not JSON or not what this type of packet has.
    #[error("a packet has an illegal payload")]
    Payload,
    /// The event's name is no string or number, or it is reserved.
    #[error("an event has an illegal name")]
    EventName,
    /// The placeholders do not match the attachments.
    #[error("a packet has illegal placeholders")]
    Placeholders,
    /// Text came where an attachment belongs.
    #[error("an attachment is missing")]
    AttachmentExpected,
    /// Bytes came that belong to no packet.
    #[error("an attachment belongs to no packet")]
    AttachmentUnexpected,
    /// Text and attachments are larger than the limit.
    #[error("a packet is too large")]
    TooLarge,
}
