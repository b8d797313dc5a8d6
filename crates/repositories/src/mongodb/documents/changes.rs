//! What belongs to the changes of messages.

use mongodb::bson::{DateTime, RawDocument, oid::ObjectId};
use parlor_domain::{Emoji, MessageId, MessageText, Metadata, Rev, UserId, UserReaction, Version};
use serde::{Deserialize, Serialize};

use super::{Stored, counter, date, fields, long, oid, parse, time};

/// What a message has said before.
#[derive(Serialize, Deserialize)]
pub(crate) struct VersionDocument {
    message: ObjectId,
    /// That of the change that replaced it.
    rev: i64,
    text: String,
    metadata: String,
    at: DateTime,
}

impl VersionDocument {
    pub(crate) fn new(version: &Version) -> Self {
        Self {
            message: oid(version.message.as_bytes()),
            rev: long(version.rev.get()),
            text: version.text.to_string(),
            metadata: version.metadata.to_string(),
            at: date(version.at),
        }
    }
}

impl Stored for VersionDocument {
    const WHAT: &'static str = "version of message";
    const ID: &'static str = "message";
    type Value = Version;

    fn read(raw: &RawDocument) -> Result<Version, String> {
        let document: Self = fields(raw)?;
        Ok(Version {
            message: MessageId::from_bytes(document.message.bytes()),
            rev: Rev::new(counter("rev", document.rev)?),
            text: parse("text", &document.text, MessageText::stored)?,
            metadata: parse("metadata", &document.metadata, Metadata::parse)?,
            at: time(document.at),
        })
    }
}

/// Who has reacted to a message. The first ones stand on the message as well.
#[derive(Serialize, Deserialize)]
pub(crate) struct ReactionDocument {
    message: ObjectId,
    rev: i64,
    emoji: String,
    user: ObjectId,
    at: DateTime,
}

impl ReactionDocument {
    pub(crate) fn new(reaction: &UserReaction) -> Self {
        Self {
            message: oid(reaction.message.as_bytes()),
            rev: long(reaction.rev.get()),
            emoji: reaction.emoji.to_string(),
            user: oid(reaction.user.as_bytes()),
            at: date(reaction.at),
        }
    }
}

impl Stored for ReactionDocument {
    const WHAT: &'static str = "reaction to message";
    const ID: &'static str = "message";
    type Value = UserReaction;

    fn read(raw: &RawDocument) -> Result<UserReaction, String> {
        let document: Self = fields(raw)?;
        Ok(UserReaction {
            message: MessageId::from_bytes(document.message.bytes()),
            emoji: Emoji::stored(&document.emoji),
            user: UserId::from_bytes(document.user.bytes()),
            rev: Rev::new(counter("rev", document.rev)?),
            at: time(document.at),
        })
    }
}
