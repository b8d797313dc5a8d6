//! The messages of the document: one for each event, and for each command with its answer.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::schemas::Schemas;
use crate::wire::{
    self, AddMembers, Authenticate, BlockUpdate, CommandKind, Community, Conversation, ConversationDeleted,
    CreateGroup, EditOneMessage, Empty, EventKind, Friend, FriendRemoved, FriendRequest, Message, NewChannel,
    NewCommunity, OneMessage, PresenceUpdate, React, Ready, Receipt, RemoveMember, ReplyId, SendFriendRequest,
    SendMessage, SessionRevoked, SetReceipt, SetStatus, Subject, SyncRequest, SyncResponse, Typing, UpdateChannel,
    UpdateCommunity, UpdateConversation, UpdateConversationSettings, UpdateMember, User,
};

/// What every refused command is answered with.
const REFUSAL: &str = "refusal";

/// The messages that a document refers to, and their schemas.
#[derive(Default)]
pub(super) struct Messages {
    messages: Map<String, Value>,
    schemas: Schemas,
}

/// Whether an event belongs to a stream.
enum Place {
    InStream,
    Outside,
    /// It depends on whom it is about.
    Either,
}

impl Messages {
    /// The message of an event. Gives its name.
    pub(super) fn event(&mut self, kind: EventKind) -> String {
        let (data, place) = match kind {
            EventKind::Ready => (self.schemas.reference::<Ready>(), Place::Outside),
            EventKind::MessageCreated | EventKind::MessageUpdated | EventKind::MessageDeleted => {
                (self.schemas.reference::<Message>(), Place::InStream)
            }
            EventKind::ReceiptUpdated => (self.schemas.reference::<Receipt>(), Place::InStream),
            EventKind::Typing => (self.schemas.reference::<Typing>(), Place::InStream),
            EventKind::PresenceUpdated => (self.schemas.reference::<PresenceUpdate>(), Place::Outside),
            EventKind::UserUpdated => (self.schemas.reference::<User>(), Place::Either),
            EventKind::ConversationCreated => (self.schemas.reference::<Conversation>(), Place::InStream),
            EventKind::FriendRequestCreated | EventKind::FriendRequestUpdated => {
                (self.schemas.reference::<FriendRequest>(), Place::InStream)
            }
            EventKind::FriendAdded => (self.schemas.reference::<Friend>(), Place::InStream),
            EventKind::FriendRemoved => (self.schemas.reference::<FriendRemoved>(), Place::InStream),
            EventKind::BlockUpdated => (self.schemas.reference::<BlockUpdate>(), Place::InStream),
            EventKind::ConversationUpdated => (self.schemas.reference::<Conversation>(), Place::InStream),
            EventKind::ConversationDeleted => (self.schemas.reference::<ConversationDeleted>(), Place::InStream),
            EventKind::SessionRevoked => (self.schemas.reference::<SessionRevoked>(), Place::Outside),
            EventKind::Resync => (self.schemas.reference::<Empty>(), Place::InStream),
        };
        let mut properties = Map::from_iter([("event".to_owned(), json!({ "const": kind.name() }))]);
        if !matches!(place, Place::Outside) {
            properties.insert("stream".to_owned(), stream());
            properties.insert("rev".to_owned(), rev());
        }
        properties.insert("data".to_owned(), data);
        let required: &[&str] = match place {
            Place::InStream => &["event", "stream", "rev", "data"],
            Place::Outside | Place::Either => &["event", "data"],
        };
        let payload = json!({ "type": "object", "properties": properties, "required": required });
        self.add(kind.name(), kind.description(), payload)
    }

    /// The messages of a command: itself, the answer when it is carried out, and when it is refused.
    pub(super) fn command(&mut self, kind: CommandKind) -> (String, String, String) {
        let (data, answer) = match kind {
            CommandKind::Auth => self.data::<Authenticate, Empty>(),
            CommandKind::Resume => self.data::<SyncRequest, SyncResponse>(),
            CommandKind::Ping
            | CommandKind::TypingStart
            | CommandKind::TypingStop
            | CommandKind::FriendRequestCancel
            | CommandKind::CommunityDelete
            | CommandKind::ChannelDelete
            | CommandKind::FriendRemove
            | CommandKind::UserBlock
            | CommandKind::UserUnblock => self.data::<Empty, Empty>(),
            CommandKind::MessageSend => self.data::<SendMessage, Message>(),
            CommandKind::MessageEdit => self.data::<EditOneMessage, Message>(),
            CommandKind::MessageDelete => self.data::<OneMessage, Empty>(),
            CommandKind::MessagePin | CommandKind::MessageUnpin => self.data::<OneMessage, Message>(),
            CommandKind::ReactionAdd | CommandKind::ReactionRemove => self.data::<React, Message>(),
            CommandKind::ReceiptRead | CommandKind::ReceiptDelivered => self.data::<SetReceipt, Receipt>(),
            CommandKind::ConversationCreate => self.data::<CreateGroup, Conversation>(),
            CommandKind::ConversationUpdate => self.data::<UpdateConversation, Conversation>(),
            CommandKind::ConversationSettings => self.data::<UpdateConversationSettings, Conversation>(),
            CommandKind::MemberAdd => self.data::<AddMembers, Conversation>(),
            CommandKind::MemberUpdate => self.data::<UpdateMember, Conversation>(),
            CommandKind::MemberRemove => self.data::<RemoveMember, Empty>(),
            CommandKind::CommunityCreate => self.data::<NewCommunity, Community>(),
            CommandKind::CommunityUpdate => self.data::<UpdateCommunity, Community>(),
            CommandKind::CommunityJoin => self.data::<Empty, Community>(),
            CommandKind::ChannelCreate => self.data::<NewChannel, Conversation>(),
            CommandKind::ChannelUpdate => self.data::<UpdateChannel, Conversation>(),
            CommandKind::StatusSet => self.data::<SetStatus, User>(),
            CommandKind::FriendRequestSend => self.data::<SendFriendRequest, FriendRequest>(),
            CommandKind::FriendRequestAccept | CommandKind::FriendRequestReject => self.data::<Empty, FriendRequest>(),
        };
        let data = match kind.subject() {
            Some(subject) => with_subject(data, subject),
            None => data,
        };
        let required: &[&str] = if kind == CommandKind::Ping { &["command"] } else { &["command", "data"] };
        let command = json!({
            "type": "object",
            "properties": { "id": id(), "command": { "const": kind.name() }, "data": data },
            "required": required,
            "additionalProperties": false,
        });
        let answer = json!({
            "type": "object",
            "properties": { "reply": id(), "data": answer },
            "required": ["reply", "data"],
        });
        let name = self.add(kind.name(), kind.description(), command);
        let answer = self.add(&format!("{name}.reply"), &format!("The answer to `{name}`."), answer);
        (name, answer, self.refusal())
    }

    fn refusal(&mut self) -> String {
        let problem = self.schemas.reference::<wire::Problem>();
        let payload = json!({
            "type": "object",
            "properties": { "reply": id(), "problem": problem },
            "required": ["reply", "problem"],
        });
        self.add(REFUSAL, "The answer to a command that is refused: nothing of it was done.", payload)
    }

    /// The schemas of a command's data and of its answer's.
    fn data<D: ToSchema, A: ToSchema>(&mut self) -> (Value, Value) {
        (self.schemas.inline::<D>(), self.schemas.reference::<A>())
    }

    fn add(&mut self, name: &str, summary: &str, payload: Value) -> String {
        let example = json!({ "payload": self.schemas.example(&payload) });
        let message = json!({ "name": name, "summary": summary, "payload": payload, "examples": [example] });
        self.messages.insert(name.to_owned(), message);
        name.to_owned()
    }

    /// The messages and the schemas, for the document's components.
    pub(super) fn into_components(self) -> (Map<String, Value>, Value) {
        (self.messages, self.schemas.into_components())
    }
}

/// The body of a REST call with the id in its path beside.
fn with_subject(mut data: Value, subject: Subject) -> Value {
    let member = subject.member();
    let id = json!({
        "type": "string",
        "pattern": "^[0-9a-fA-F]{24}$",
        "description": subject.description(),
        "example": "6740a1b2c3d4e5f6aaaaaaaa",
    });
    if !data["example"].is_null() {
        data["example"][member] = id["example"].clone();
    }
    data["properties"][member] = id;
    match data["required"].as_array_mut() {
        Some(required) => required.push(json!(member)),
        None => data["required"] = json!([member]),
    }
    data
}

fn id() -> Value {
    json!({
        "description": "What the client calls the command.",
        "oneOf": [
            { "type": "string", "maxLength": ReplyId::MAX_CHARS, "example": "42" },
            { "type": "integer", "minimum": -9_007_199_254_740_991_i64, "maximum": 9_007_199_254_740_991_i64 },
            { "type": "null" },
        ],
    })
}

fn stream() -> Value {
    json!({
        "type": "string",
        "pattern": "^[0-9a-f]{24}$",
        "description": "The stream: a conversation's id or one's own user id.",
        "example": "6740a1b2c3d4e5f6aaaaaaaa",
    })
}

fn rev() -> Value {
    json!({
        "type": "integer",
        "minimum": 0,
        "maximum": 9_007_199_254_740_991_i64,
        "description": "The revision of the stream that one has come to with this event.",
        "example": 42,
    })
}
