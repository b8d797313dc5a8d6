//! Conversations, who is in them, and the messages.

use mongodb::bson::{Binary, Bson, DateTime, Document, RawBsonRef, RawDocument, doc, oid::ObjectId};
use parlor_domain::{
    ClientMessageId, Content, Conversation, ConversationId, ConversationKind, ConversationName, Description, Excerpt,
    Fingerprint, Marks, Member, MemberRole, MemberSettings, Message, MessageId, MessageText, Metadata, Rev, Seq,
    SystemAction, SystemEvent, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

use super::{Stored, binary, bytes, counter, date, fields, known, long, oid, parse, parse_optional, time};
use crate::{
    marks::StoredMarks,
    mentions::{Target, targets},
};

/// A conversation. How far its log goes stands in the log alone.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConversationDocument {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    pub(crate) kind: String,
    /// Who is in it: what the inbox is found by, together with `updated_at`.
    pub(crate) members: Vec<ObjectId>,
    /// The two of a direct conversation, the lesser id first: one conversation for each pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) direct_key: Option<String>,
    /// What a group is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// What a group is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) created_at: DateTime,
    pub(crate) updated_at: DateTime,
}

/// What a conversation's document says.
pub(crate) struct StoredConversation {
    /// The conversation at the beginning of its log.
    pub(crate) conversation: Conversation,
    pub(crate) members: Vec<UserId>,
}

impl Stored for ConversationDocument {
    const WHAT: &'static str = "conversation";
    type Value = StoredConversation;

    fn read(raw: &RawDocument) -> Result<StoredConversation, String> {
        let document: Self = fields(raw)?;
        let users = |ids: &[ObjectId]| ids.iter().map(|id| UserId::from_bytes(id.bytes())).collect();
        Ok(StoredConversation {
            conversation: Conversation {
                id: ConversationId::from_bytes(document.id.bytes()),
                kind: parse("kind", &document.kind, known(ConversationKind::from_name))?,
                name: parse_optional("name", document.name.as_deref(), ConversationName::stored)?,
                description: parse_optional("description", document.description.as_deref(), Description::parse)?
                    .flatten(),
                member_count: u32::try_from(document.members.len()).unwrap_or(u32::MAX),
                last_seq: Seq::ZERO,
                rev: Rev::ZERO,
                created_at: time(document.created_at),
                updated_at: time(document.updated_at),
            },
            members: users(&document.members),
        })
    }
}

/// A user in a conversation.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemberDocument {
    conversation: ObjectId,
    user: ObjectId,
    /// Only in groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    joined_at: DateTime,
    /// The revision before the change by which the member came; absent for zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_rev: Option<i64>,
    read_seq: i64,
    read_receipt_seq: i64,
    delivered_seq: i64,
    /// Negative until it is settled which revision is the present one: see [`holds`](super::super::holds).
    #[serde(skip_serializing_if = "Option::is_none")]
    held_from: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<DateTime>,
    /// Absent for `false`, like `archived`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<bool>,
    /// Out of the list until something comes after this message.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_up_to: Option<i64>,
}

impl MemberDocument {
    pub(crate) fn new(conversation: ConversationId, member: &Member) -> Self {
        Self {
            conversation: oid(conversation.as_bytes()),
            user: oid(member.user_id.as_bytes()),
            role: member.role.map(|role| role.name().to_owned()),
            joined_at: date(member.joined_at),
            joined_rev: Some(long(member.joined_rev.get())).filter(|rev| *rev > 0),
            read_seq: long(member.read_seq.get()),
            read_receipt_seq: long(member.read_receipt_seq.get()),
            delivered_seq: long(member.delivered_seq.get()),
            held_from: member.held_from.map(|rev| long(rev.get())),
            muted_until: member.settings.muted_until.map(date),
            pinned: member.settings.pinned.then_some(true),
            archived: member.settings.archived.then_some(true),
            hidden_up_to: member.settings.hidden_up_to.map(|seq| long(seq.get())),
        }
    }
}

/// What a member's document says.
#[derive(Clone)]
pub(crate) struct StoredMember {
    pub(crate) conversation: ConversationId,
    pub(crate) member: Member,
    /// The mark that stands there as long as it is not settled from which revision on changes are held back.
    pub(crate) unsettled: Option<i64>,
}

impl Stored for MemberDocument {
    const WHAT: &'static str = "member of conversation";
    const ID: &'static str = "conversation";
    type Value = StoredMember;

    fn read(raw: &RawDocument) -> Result<StoredMember, String> {
        let document: Self = fields(raw)?;
        let held_from = document.held_from.filter(|from| *from >= 0);
        Ok(StoredMember {
            conversation: ConversationId::from_bytes(document.conversation.bytes()),
            unsettled: document.held_from.filter(|mark| *mark < 0),
            member: Member {
                user_id: UserId::from_bytes(document.user.bytes()),
                role: parse_optional("role", document.role.as_deref(), known(MemberRole::from_name))?,
                joined_at: time(document.joined_at),
                joined_rev: Rev::new(counter("joinedRev", document.joined_rev.unwrap_or(0))?),
                read_seq: Seq::new(counter("readSeq", document.read_seq)?),
                read_receipt_seq: Seq::new(counter("readReceiptSeq", document.read_receipt_seq)?),
                delivered_seq: Seq::new(counter("deliveredSeq", document.delivered_seq)?),
                held_from: held_from.map(|from| counter("heldFrom", from)).transpose()?.map(Rev::new),
                settings: MemberSettings {
                    muted_until: document.muted_until.map(time),
                    pinned: document.pinned.unwrap_or(false),
                    archived: document.archived.unwrap_or(false),
                    hidden_up_to: {
                        let seq = document.hidden_up_to.map(|seq| counter("hiddenUpTo", seq)).transpose()?;
                        seq.map(Seq::new)
                    },
                },
            },
        })
    }
}

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
        let Self { id, kind, text } = super::fields(raw)?;
        let text = (kind.as_deref() != Some(DELETED)).then_some(text);
        Ok(Excerpt { message: MessageId::from_bytes(id.bytes()), text })
    }
}

/// A field that every document of its sort has.
fn there<T>(name: &str, field: Option<T>) -> Result<T, String> {
    field.ok_or_else(|| format!("{name} is missing"))
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
