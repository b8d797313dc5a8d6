//! A checksum over records, whatever store they come from.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::Record;
use crate::{
    Actor, AuditEntry, ChannelTraits, CommunityTraits, Content, ConversationId, DaySum, Deletion, Forwarded,
    FriendRequest, Lock, Marks, Member, MemberSettings, Message, Named, PasswordHash, Pin, Reaction, ReplyTo, Session,
    Settings, Status, SystemEvent, Tie, Timestamp, Traits, User, UserChange, UserReaction, UserTopic, Version,
};

/// A SHA-256 over records in the order in which they were added. Two sequences of records have the same if and only if
/// they are equal in every field.
#[derive(Clone, Debug, Default)]
pub struct Checksum(Sha256);

impl Checksum {
    /// Adds a record to the sequence.
    pub fn add(&mut self, record: &Record) {
        let mut fields = Fields(&mut self.0);
        fields.text(record.key().part().name());
        fields.record(record);
    }
}

/// As 64 hex digits.
impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.clone().finalize().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Writes fields so that no two sequences of fields look alike: each with its length before it. Structs are taken apart
/// without `..`, so that nobody can add a field and forget it here.
struct Fields<'a>(&'a mut Sha256);

impl Fields<'_> {
    fn record(&mut self, record: &Record) {
        match record {
            Record::User { user, password } => {
                self.user(user);
                self.optional(password.as_ref().map(PasswordHash::as_str), Self::text);
            }
            Record::UserChange { user, change } => {
                self.bytes(user.as_bytes());
                self.user_change(change);
            }
            Record::Session { session, revoked_at } => {
                self.session(session);
                self.optional(*revoked_at, Self::time);
            }
            Record::RefreshToken { hash, session, replaced_at } => {
                self.bytes(hash.as_bytes());
                self.bytes(session.as_bytes());
                self.optional(*replaced_at, Self::time);
            }
            Record::Ticket { hash, session, expires_at } => {
                self.bytes(hash.as_bytes());
                self.bytes(session.as_bytes());
                self.time(*expires_at);
            }
            Record::Conversation {
                id,
                kind,
                pair,
                name,
                description,
                read_receipts,
                traits,
                deleted_at,
                created_at,
                updated_at,
            } => {
                self.bytes(id.as_bytes());
                self.text(kind.name());
                self.number(pair.is_some().into());
                pair.iter().flatten().for_each(|user| self.bytes(user.as_bytes()));
                self.optional(name.as_ref().map(|name| name.as_str()), Self::text);
                self.optional(description.as_ref().map(|description| description.as_str()), Self::text);
                self.number((*read_receipts).into());
                self.traits(traits);
                self.optional(*deleted_at, Self::time);
                self.time(*created_at);
                self.time(*updated_at);
            }
            Record::Member { conversation, member } => self.member(*conversation, member),
            Record::Message { message, fingerprint } => {
                self.message(message);
                self.bytes(fingerprint.as_bytes());
            }
            Record::Version(Version { message, rev, text, metadata, at }) => {
                self.bytes(message.as_bytes());
                self.number(rev.get());
                self.text(text.as_str());
                self.text(metadata.as_str());
                self.time(*at);
            }
            Record::Reaction(UserReaction { message, emoji, user, rev, at }) => {
                self.bytes(message.as_bytes());
                self.text(emoji.as_str());
                self.bytes(user.as_bytes());
                self.number(rev.get());
                self.time(*at);
            }
            Record::FriendRequest(request) => self.friend_request(request),
            Record::Tie(Tie { user, other, kind, name, since }) => {
                self.bytes(user.as_bytes());
                self.bytes(other.as_bytes());
                self.text(kind.name());
                self.text(name);
                self.time(*since);
            }
            Record::Audit(entry) => self.audit_entry(entry),
            Record::Day(DaySum { day, active_users, messages }) => {
                [day.number().into(), *active_users, *messages].into_iter().for_each(|number| self.number(number));
            }
        }
    }

    fn traits(&mut self, traits: &Traits) {
        match traits {
            Traits::None => self.text(""),
            Traits::Community(CommunityTraits { category, access }) => {
                self.text("community");
                self.optional(category.as_ref().map(|category| category.as_str()), Self::text);
                self.text(access.name());
            }
            Traits::Channel(ChannelTraits { community, position, access }) => {
                self.text("channel");
                self.bytes(community.as_bytes());
                self.number((*position).into());
                self.text(access.name());
            }
        }
    }

    fn audit_entry(&mut self, entry: &AuditEntry) {
        let AuditEntry { id, at, actor, action, target, details, request } = entry;
        self.bytes(id.as_bytes());
        self.time(*at);
        let actor = match actor {
            Actor::User(named) => Some(named),
            Actor::CommandLine => None,
        };
        self.optional(actor, Self::named);
        self.text(action.name());
        self.named(target);
        self.text(details.as_str());
        self.optional(request.as_deref(), Self::text);
    }

    fn named(&mut self, Named { id, username }: &Named) {
        self.bytes(id.as_bytes());
        self.text(username.as_str());
    }

    fn user(&mut self, user: &User) {
        let User {
            id,
            username,
            email,
            display_name,
            bio,
            metadata,
            role,
            lock,
            settings: Settings { show_last_seen, read_receipts, who_can_write },
            status,
            last_seen_at,
            rev,
            created_at,
            deleted_at,
            leaving,
        } = user;
        self.bytes(id.as_bytes());
        self.text(username.as_str());
        self.optional(email.as_ref().map(|email| email.as_str()), Self::text);
        self.text(display_name.as_str());
        self.text(bio.as_str());
        self.text(metadata.as_str());
        self.text(role.name());
        self.optional(lock.as_ref(), Self::lock);
        self.number((*show_last_seen).into());
        self.number((*read_receipts).into());
        self.text(who_can_write.name());
        self.status(status);
        self.optional(*last_seen_at, Self::time);
        self.number(rev.get());
        self.time(*created_at);
        self.optional(*deleted_at, Self::time);
        self.number((*leaving).into());
    }

    fn lock(&mut self, Lock { reason, at, until }: &Lock) {
        self.text(reason.as_str());
        self.time(*at);
        self.optional(*until, Self::time);
    }

    fn status(&mut self, Status { kind, text, until }: &Status) {
        self.text(kind.name());
        self.optional(text.as_ref().map(|text| text.as_str()), Self::text);
        self.optional(*until, Self::time);
    }

    fn user_change(&mut self, UserChange { rev, topic }: &UserChange) {
        self.number(rev.get());
        match topic {
            UserTopic::Conversation(id) => self.topic("conversation", id.as_bytes()),
            UserTopic::Settings(id) => self.topic("settings", id.as_bytes()),
            UserTopic::Read(id) => self.topic("read", id.as_bytes()),
            UserTopic::Profile => self.text("profile"),
            UserTopic::FriendRequest(id) => self.topic("friend request", id.as_bytes()),
            UserTopic::Friend(id) => self.topic("friend", id.as_bytes()),
            UserTopic::Block(id) => self.topic("block", id.as_bytes()),
        }
    }

    fn topic(&mut self, name: &str, subject: &[u8; 12]) {
        self.text(name);
        self.bytes(subject);
    }

    fn friend_request(&mut self, request: &FriendRequest) {
        let FriendRequest { id, from, to, text, state, created_at, updated_at, rejected_at } = request;
        self.bytes(id.as_bytes());
        self.bytes(from.as_bytes());
        self.bytes(to.as_bytes());
        self.optional(text.as_ref().map(|text| text.as_str()), Self::text);
        self.text(state.name());
        self.time(*created_at);
        self.time(*updated_at);
        self.optional(*rejected_at, Self::time);
    }

    fn session(&mut self, session: &Session) {
        let Session { id, user_id, device, created_at, renewed_at, idle_expires_at, expires_at } = session;
        self.bytes(id.as_bytes());
        self.bytes(user_id.as_bytes());
        self.text(device.as_str());
        [created_at, renewed_at, idle_expires_at, expires_at].into_iter().for_each(|at| self.time(*at));
    }

    fn member(&mut self, conversation: ConversationId, member: &Member) {
        let Member {
            user_id,
            role,
            joined_at,
            joined_rev,
            read_seq,
            read_receipt_seq,
            delivered_seq,
            held_from,
            settings: MemberSettings { muted_until, pinned, archived, hidden_up_to },
        } = member;
        self.bytes(conversation.as_bytes());
        self.bytes(user_id.as_bytes());
        self.optional(role.map(|role| role.name()), Self::text);
        self.time(*joined_at);
        self.number(joined_rev.get());
        [read_seq, read_receipt_seq, delivered_seq].into_iter().for_each(|seq| self.number(seq.get()));
        self.optional(held_from.map(|rev| rev.get()), Self::number);
        self.optional(*muted_until, Self::time);
        self.number((*pinned).into());
        self.number((*archived).into());
        self.optional(hidden_up_to.map(|seq| seq.get()), Self::number);
    }

    fn message(&mut self, message: &Message) {
        let Message {
            id,
            conversation_id,
            seq,
            rev,
            created_rev,
            sender_id,
            content,
            metadata,
            client_message_id,
            created_at,
            marks,
        } = message;
        self.bytes(id.as_bytes());
        self.bytes(conversation_id.as_bytes());
        self.number(seq.get());
        self.number(rev.get());
        self.number(created_rev.get());
        self.bytes(sender_id.as_bytes());
        self.content(content);
        self.text(metadata.as_str());
        self.optional(client_message_id.as_ref().map(|id| id.as_str()), Self::text);
        self.time(*created_at);
        self.marks(marks);
    }

    fn marks(&mut self, Marks { edited_at, reply_to, forwarded, reactions, pin, mentions }: &Marks) {
        self.optional(*edited_at, Self::time);
        self.optional(*reply_to, |fields, ReplyTo { message, seq, sender }| {
            fields.bytes(message.as_bytes());
            fields.number(seq.get());
            fields.bytes(sender.as_bytes());
        });
        self.optional(*forwarded, |fields, Forwarded { sender, created_at }| {
            fields.bytes(sender.as_bytes());
            fields.time(created_at);
        });
        self.number(reactions.len() as u64);
        for Reaction { emoji, count, users } in reactions {
            self.text(emoji.as_str());
            self.number(*count);
            self.number(users.len() as u64);
            users.iter().for_each(|user| self.bytes(user.as_bytes()));
        }
        self.optional(*pin, |fields, Pin { by, at }| {
            fields.bytes(by.as_bytes());
            fields.time(at);
        });
        self.number(mentions.users.len() as u64);
        mentions.users.iter().for_each(|user| self.bytes(user.as_bytes()));
        self.number(mentions.everyone.into());
        self.number(mentions.roles.len() as u64);
        mentions.roles.iter().for_each(|role| self.text(role.name()));
    }

    fn content(&mut self, content: &Content) {
        match content {
            Content::Text(text) => {
                self.text("text");
                self.text(text.as_str());
            }
            Content::Deleted(Deletion { by, at }) => {
                self.text("deleted");
                self.bytes(by.as_bytes());
                self.time(*at);
            }
            Content::System(SystemEvent { action, users, value, member_count }) => {
                self.text("system");
                self.text(action.name());
                self.number(users.len() as u64);
                users.iter().for_each(|user| self.bytes(user.as_bytes()));
                self.optional(value.as_deref(), Self::text);
                self.number((*member_count).into());
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_be_bytes());
    }

    fn time(&mut self, time: Timestamp) {
        self.bytes(&time.as_millis().to_be_bytes());
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.number(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }
}

#[cfg(test)]
mod tests;
