//! The messages.

use mongodb::bson::{Binary, Bson, DateTime, Document, RawBsonRef, RawDocument, doc, oid::ObjectId};
use parlor_domain::{
    ClientMessageId, Content, ConversationId, Excerpt, Fingerprint, Marks, Message, MessageId, MessageText, Metadata,
    Rev, Seq, SystemAction, SystemEvent, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

use super::{Stored, binary, bytes, counter, date, fields, known, long, oid, parse, parse_optional, there, time};
use crate::{
    marks::StoredMarks,
    mentions::{Target, targets},
};

/// A message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    conversation: ObjectId,
    seq: i64,
    rev: i64,
    /// The revision by which it was sent, unless it still has that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_rev: Option<i64>,
    sender: ObjectId,
    /// What sort of message it is, unless its sender wrote a text: `system`, `deleted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    text: String,
    /// What a system message tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<SystemDocument>,
    metadata: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<String>,
    /// Tells a repeat from another message under the same `client_message_id`.
    fingerprint: Binary,
    created_at: DateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    marks: Option<StoredMarks>,
    /// Whom the marks mention, for the index: ids of users, and words for several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<Bson>,
}

/// The kind of a system message.
const SYSTEM: &str = "system";
/// The kind of a deleted message.
const DELETED: &str = "deleted";

/// What a system message tells.
#[derive(Serialize, Deserialize)]
struct SystemDocument {
    action: String,
    users: Vec<ObjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    members: i64,
}

impl From<&SystemEvent> for SystemDocument {
    fn from(event: &SystemEvent) -> Self {
        Self {
            action: event.action.name().to_owned(),
            users: event.users.iter().map(|user| oid(user.as_bytes())).collect(),
            value: event.value.clone(),
            members: event.member_count.into(),
        }
    }
}

impl SystemDocument {
    fn event(self) -> Result<SystemEvent, String> {
        Ok(SystemEvent {
            action: parse("system.action", &self.action, known(SystemAction::from_name))?,
            users: self.users.iter().map(|id| UserId::from_bytes(id.bytes())).collect(),
            value: self.value,
            member_count: u32::try_from(self.members).map_err(|_| "system.members is no count".to_owned())?,
        })
    }
}

impl MessageDocument {
    pub(crate) fn new(message: &Message, fingerprint: Fingerprint) -> Self {
        let (kind, system) = match &message.content {
            Content::Text(_) => (None, None),
            Content::System(event) => (Some(SYSTEM), Some(event.into())),
            Content::Deleted(_) => (Some(DELETED), None),
        };
        Self {
            id: oid(message.id.as_bytes()),
            conversation: oid(message.conversation_id.as_bytes()),
            seq: long(message.seq.get()),
            rev: long(message.rev.get()),
            created_rev: (message.created_rev != message.rev).then(|| long(message.created_rev.get())),
            sender: oid(message.sender_id.as_bytes()),
            kind,
            text: message.text().to_owned(),
            system,
            metadata: message.metadata.to_string(),
            client_message_id: message.client_message_id.as_ref().map(ToString::to_string),
            fingerprint: binary(fingerprint.as_bytes()),
            created_at: date(message.created_at),
            marks: StoredMarks::new(&message.marks, &message.content),
            mentions: targets(&message.marks.mentions).map(Bson::from).collect(),
        }
    }
}

impl From<Target> for Bson {
    fn from(target: Target) -> Self {
        match target {
            Target::User(user) => oid(user.as_bytes()).into(),
            Target::Word(word) => word.into(),
        }
    }
}

impl Stored for MessageDocument {
    const WHAT: &'static str = "message";
    /// The message, and the fingerprint of what its sender sent.
    type Value = (Message, Fingerprint);

    fn read(raw: &RawDocument) -> Result<Self::Value, String> {
        let fields = MessageFields::of(raw)?;
        let marks = fields.marks()?;
        let rev = Rev::new(counter("rev", there("rev", fields.rev)?)?);
        let message = Message {
            id: MessageId::from_bytes(there("_id", fields.id)?.bytes()),
            conversation_id: ConversationId::from_bytes(there("conversation", fields.conversation)?.bytes()),
            seq: Seq::new(counter("seq", there("seq", fields.seq)?)?),
            rev,
            created_rev: match fields.created_rev {
                Some(created_rev) => Rev::new(counter("createdRev", created_rev)?),
                None => rev,
            },
            sender_id: UserId::from_bytes(there("sender", fields.sender)?.bytes()),
            content: fields.content(marks.as_ref())?,
            metadata: parse("metadata", there("metadata", fields.metadata)?, Metadata::parse)?,
            client_message_id: parse_optional("clientMessageId", fields.client_message_id, ClientMessageId::parse)?,
            created_at: time(there("createdAt", fields.created_at)?),
            marks: marks.map_or_else(|| Ok(Marks::default()), |marks| marks.marks())?,
        };
        Ok((message, Fingerprint::from_bytes(bytes("fingerprint", there("fingerprint", fields.fingerprint)?)?)))
    }
}

/// What a message's document has, by a single pass and without a copy: more of these are read than of anything else.
#[derive(Default)]
struct MessageFields<'a> {
    id: Option<ObjectId>,
    conversation: Option<ObjectId>,
    seq: Option<i64>,
    rev: Option<i64>,
    created_rev: Option<i64>,
    sender: Option<ObjectId>,
    kind: Option<&'a str>,
    text: Option<&'a str>,
    system: Option<&'a RawDocument>,
    metadata: Option<&'a str>,
    client_message_id: Option<&'a str>,
    fingerprint: Option<&'a [u8]>,
    created_at: Option<DateTime>,
    marks: Option<&'a RawDocument>,
}

impl<'a> MessageFields<'a> {
    fn of(raw: &'a RawDocument) -> Result<Self, String> {
        let mut fields = Self::default();
        for element in raw {
            let (name, value) = element.map_err(|error| error.to_string())?;
            match (name.as_str(), value) {
                ("_id", RawBsonRef::ObjectId(id)) => fields.id = Some(id),
                ("conversation", RawBsonRef::ObjectId(id)) => fields.conversation = Some(id),
                ("seq", RawBsonRef::Int64(number)) => fields.seq = Some(number),
                ("seq", RawBsonRef::Int32(number)) => fields.seq = Some(number.into()),
                ("rev", RawBsonRef::Int64(number)) => fields.rev = Some(number),
                ("rev", RawBsonRef::Int32(number)) => fields.rev = Some(number.into()),
                ("createdRev", RawBsonRef::Int64(number)) => fields.created_rev = Some(number),
                ("createdRev", RawBsonRef::Int32(number)) => fields.created_rev = Some(number.into()),
                ("sender", RawBsonRef::ObjectId(id)) => fields.sender = Some(id),
                ("kind", RawBsonRef::String(kind)) => fields.kind = Some(kind),
                ("text", RawBsonRef::String(text)) => fields.text = Some(text),
                ("system", RawBsonRef::Document(system)) => fields.system = Some(system),
                ("metadata", RawBsonRef::String(text)) => fields.metadata = Some(text),
                ("clientMessageId", RawBsonRef::String(text)) => fields.client_message_id = Some(text),
                ("fingerprint", RawBsonRef::Binary(binary)) => fields.fingerprint = Some(binary.bytes),
                ("createdAt", RawBsonRef::DateTime(date)) => fields.created_at = Some(date),
                ("marks", RawBsonRef::Document(marks)) => fields.marks = Some(marks),
                (
                    "_id" | "conversation" | "seq" | "rev" | "createdRev" | "sender" | "kind" | "text" | "system"
                    | "metadata" | "clientMessageId" | "fingerprint" | "createdAt" | "marks",
                    _,
                ) => return Err(format!("{name} is of another type")),
                _ => {}
            }
        }
        Ok(fields)
    }

    fn marks(&self) -> Result<Option<StoredMarks>, String> {
        self.marks.map(super::fields).transpose()
    }

    fn content(&self, marks: Option<&StoredMarks>) -> Result<Content, String> {
        match self.kind {
            None => parse("text", there("text", self.text)?, MessageText::stored).map(Content::Text),
            Some(SYSTEM) => {
                let system: SystemDocument = super::fields(there("system", self.system)?)?;
                system.event().map(Content::System)
            }
            Some(DELETED) => there("marks", marks)?.deletion().map(Content::Deleted),
            Some(_) => Err("kind is not one that is known".to_owned()),
        }
    }
}

/// Where a message stands, without what it says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlaceDocument {
    conversation: ObjectId,
    seq: i64,
    sender: ObjectId,
    created_at: DateTime,
}

/// What a message's document says of its place.
pub(crate) struct StoredPlace {
    pub(crate) conversation_id: ConversationId,
    pub(crate) seq: Seq,
    pub(crate) sender_id: UserId,
    pub(crate) created_at: Timestamp,
}

impl Stored for PlaceDocument {
    const WHAT: &'static str = "message of conversation";
    const ID: &'static str = "conversation";
    type Value = StoredPlace;

    fn read(raw: &RawDocument) -> Result<StoredPlace, String> {
        let document: Self = fields(raw)?;
        Ok(StoredPlace {
            conversation_id: ConversationId::from_bytes(document.conversation.bytes()),
            seq: Seq::new(counter("seq", document.seq)?),
            sender_id: UserId::from_bytes(document.sender.bytes()),
            created_at: time(document.created_at),
        })
    }
}

/// The beginning of what a message says.
#[derive(Deserialize)]
pub(crate) struct ExcerptDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    kind: Option<String>,
    text: String,
}

impl ExcerptDocument {
    /// What of a message is read for it.
    pub(crate) fn projection() -> Document {
        let length = i32::try_from(Excerpt::MAX_CHARS).unwrap_or(i32::MAX);
        doc! { "_id": 1, "kind": 1, "text": { "$substrCP": ["$text", 0, length] } }
    }
}

impl Stored for ExcerptDocument {
    const WHAT: &'static str = "message";
    type Value = Excerpt;

    fn read(raw: &RawDocument) -> Result<Excerpt, String> {
        let Self { id, kind, text } = fields(raw)?;
        let text = (kind.as_deref() != Some(DELETED)).then_some(text);
        Ok(Excerpt { message: MessageId::from_bytes(id.bytes()), text })
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{Document, RawDocumentBuf};

    use super::{super::encode, *};

    fn message() -> (Message, Fingerprint) {
        let message = Message {
            id: MessageId::from_bytes([1; 12]),
            conversation_id: ConversationId::from_bytes([2; 12]),
            seq: Seq::new(3),
            rev: Rev::new(4),
            created_rev: Rev::new(2),
            sender_id: UserId::from_bytes([5; 12]),
            content: Content::Text(MessageText::parse("hello").unwrap()),
            metadata: Metadata::default(),
            client_message_id: Some(ClientMessageId::parse("c1").unwrap()),
            created_at: Timestamp::from_millis(6),
            marks: Marks { edited_at: Some(Timestamp::from_millis(8)), ..Marks::default() },
        };
        (message, Fingerprint::from_bytes([7; 32]))
    }

    fn document() -> Document {
        let (message, fingerprint) = message();
        Document::try_from(&encode(&MessageDocument::new(&message, fingerprint)).unwrap()).unwrap()
    }

    /// What is read of the document with another value in a field.
    fn read_with(field: &str, value: Bson) -> Result<(Message, Fingerprint), String> {
        let mut document = document();
        document.insert(field, value);
        let raw = RawDocumentBuf::try_from(&document).unwrap();
        MessageDocument::read(&raw)
    }

    #[test]
    fn a_field_of_another_type_makes_a_message_corrupt_and_is_named() {
        for field in document().keys() {
            for value in [Bson::Null, Bson::Boolean(true)] {
                let error = read_with(field, value).unwrap_err();
                assert!(error.contains(&format!("{field} is of another type")), "{error}");
            }
        }
    }

    #[test]
    fn a_number_is_read_as_any_of_the_integers_that_a_tool_may_have_made_of_it() {
        for (field, number) in [("seq", 3), ("rev", 4), ("createdRev", 2)] {
            assert_eq!(read_with(field, Bson::Int32(number)), Ok(message()));
            assert_eq!(read_with(field, Bson::Int64(number.into())), Ok(message()));
        }
    }

    #[test]
    fn what_a_newer_version_may_have_added_is_left_alone() {
        assert_eq!(read_with("addedByANewerVersion", Bson::Boolean(true)), Ok(message()));
    }
}
