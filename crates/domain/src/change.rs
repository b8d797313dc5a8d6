//! Changing a message: who may do what, and what follows.
//!
//! A store reads the message and who wants to change it, asks [`MessageChange::plan`] what is to happen, and writes that,
//! all in one change. So the rules stand here once, and hold for what is true at the moment of writing.

use crate::{
    Content, ConversationId, Deletion, Emoji, Member, MemberRole, Mentions, Message, MessageId, MessageText, Metadata,
    Pin, Reaction, Rev, Timestamp, UserId, Version,
};

/// A change of a message that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageChange {
    /// Where it is.
    pub conversation: ConversationId,
    /// The message.
    pub message: MessageId,
    /// Who wants it.
    pub by: UserId,
    /// What.
    pub action: MessageAction,
    /// Whom the new text mentions, if it is edited.
    pub mentions: Mentions,
    /// The present.
    pub now: Timestamp,
}

/// What can be done to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageAction {
    /// Say something else.
    Edit {
        /// The new text.
        text: MessageText,
        /// The new metadata; `None` leaves it as it is.
        metadata: Option<Metadata>,
    },
    /// Take back what was said, for everyone.
    Delete,
    /// React with an emoji.
    React(Emoji),
    /// Take a reaction back.
    Unreact(Emoji),
    /// Pin it.
    Pin,
    /// Pin it no longer.
    Unpin,
}

/// Why a message is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageRefusal {
    /// There is no such message in that conversation, or who asks is not in it.
    NotFound,
    /// Who asks may not do that.
    NotPermitted,
    /// The message is deleted.
    Deleted,
    /// The message has as many different emoji as it may have.
    TooManyReactions,
    /// The conversation has as many pinned messages as it may have.
    TooManyPins,
}

/// What a store has found when a message is to be changed.
#[derive(Clone, Copy, Debug)]
pub struct ChangeGround<'a> {
    /// Who asks, in the conversation.
    pub me: &'a Member,
    /// The message as it is.
    pub message: &'a Message,
    /// Whether he has reacted with the emoji, if it is about one.
    pub reacted: bool,
    /// How many messages of the conversation are pinned, if it is about that.
    pub pinned: u64,
    /// The revision that the change takes if it is made.
    pub rev: Rev,
}

/// What is to be written for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePlan {
    /// The message afterwards. Where a reaction is taken back, the store puts in who is named then.
    pub message: Message,
    /// What it has said before, to be kept.
    pub replaced: Option<Version>,
}

impl MessageChange {
    /// The emoji that it is about.
    pub const fn emoji(&self) -> Option<&Emoji> {
        match &self.action {
            MessageAction::React(emoji) | MessageAction::Unreact(emoji) => Some(emoji),
            MessageAction::Edit { .. } | MessageAction::Delete | MessageAction::Pin | MessageAction::Unpin => None,
        }
    }

    /// What is to happen; `None` if everything is as it shall be.
    ///
    /// # Errors
    /// Why it may not happen.
    pub fn plan(&self, ground: &ChangeGround<'_>) -> Result<Option<MessagePlan>, MessageRefusal> {
        let ChangeGround { me, message, reacted, pinned, rev } = *ground;
        self.is_permitted(me, message)?;
        let mut after = Message { rev, ..message.clone() };
        let mut replaced = None;
        match (&self.action, &message.content) {
            // Nothing of that is left on a deleted message.
            (MessageAction::Delete | MessageAction::Unreact(_) | MessageAction::Unpin, Content::Deleted(_)) => {
                return Ok(None);
            }
            (_, Content::Deleted(_)) => return Err(MessageRefusal::Deleted),
            (MessageAction::Edit { text, metadata }, content) => {
                let metadata = metadata.as_ref().unwrap_or(&message.metadata);
                let Content::Text(old) = content else { return Err(MessageRefusal::NotPermitted) };
                // It would have its first author say what he did not.
                if message.marks.forwarded.is_some() {
                    return Err(MessageRefusal::NotPermitted);
                }
                if old == text && *metadata == message.metadata {
                    return Ok(None);
                }
                replaced = Some(Version {
                    message: message.id,
                    rev,
                    text: old.clone(),
                    metadata: message.metadata.clone(),
                    at: message.marks.edited_at.unwrap_or(message.created_at),
                });
                after.content = Content::Text(text.clone());
                after.metadata = metadata.clone();
                after.marks.edited_at = Some(self.now);
                after.marks.mentions = self.mentions.clone();
            }
            (MessageAction::Delete, _) => {
                after.content = Content::Deleted(Deletion { by: self.by, at: self.now });
                after.metadata = Metadata::default();
                after.marks = crate::Marks::default();
            }
            (MessageAction::React(emoji), _) if !reacted => react(&mut after.marks.reactions, emoji, self.by)?,
            (MessageAction::Unreact(emoji), _) if reacted => unreact(&mut after.marks.reactions, emoji, self.by),
            (MessageAction::Pin, _) if message.marks.pin.is_none() => {
                if pinned >= Pin::MAX {
                    return Err(MessageRefusal::TooManyPins);
                }
                after.marks.pin = Some(Pin { by: self.by, at: self.now });
            }
            (MessageAction::Unpin, _) if message.marks.pin.is_some() => after.marks.pin = None,
            (MessageAction::React(_) | MessageAction::Unreact(_) | MessageAction::Pin | MessageAction::Unpin, _) => {
                return Ok(None);
            }
        }
        Ok(Some(MessagePlan { message: after, replaced }))
    }

    /// Whether it is for this member to do.
    fn is_permitted(&self, me: &Member, message: &Message) -> Result<(), MessageRefusal> {
        let permitted = match self.action {
            MessageAction::Edit { .. } => message.sender_id == me.user_id,
            MessageAction::Delete => may_delete(me, message),
            MessageAction::React(_) | MessageAction::Unreact(_) => true,
            MessageAction::Pin | MessageAction::Unpin => may_pin(me),
        };
        // What the server has noted tells of a moment, and stays in its place.
        let permitted = permitted && !matches!(message.content, Content::System(_));
        if permitted { Ok(()) } else { Err(MessageRefusal::NotPermitted) }
    }
}

/// Who may take back what was said: who said it, and in a group its owner and admins.
fn may_delete(me: &Member, message: &Message) -> bool {
    message.sender_id == me.user_id || me.role.is_some_and(MemberRole::moderates)
}

/// Who may pin: both in a direct conversation, in a group its owner and admins.
fn may_pin(me: &Member) -> bool {
    me.role.is_none_or(MemberRole::moderates)
}

fn react(reactions: &mut Vec<Reaction>, emoji: &Emoji, user: UserId) -> Result<(), MessageRefusal> {
    if let Some(reaction) = reactions.iter_mut().find(|reaction| reaction.emoji == *emoji) {
        reaction.count += 1;
        if reaction.users.len() < Reaction::NAMED {
            reaction.users.push(user);
        }
        return Ok(());
    }
    if reactions.len() >= Reaction::MAX_EMOJI {
        return Err(MessageRefusal::TooManyReactions);
    }
    reactions.push(Reaction { emoji: emoji.clone(), count: 1, users: vec![user] });
    Ok(())
}

fn unreact(reactions: &mut Vec<Reaction>, emoji: &Emoji, user: UserId) {
    if let Some(reaction) = reactions.iter_mut().find(|reaction| reaction.emoji == *emoji) {
        reaction.count = reaction.count.saturating_sub(1);
        reaction.users.retain(|other| *other != user);
    }
    reactions.retain(|reaction| reaction.count > 0);
}

impl MessagePlan {
    /// The emoji of which more users can be named than are, as one of them has gone: the store asks who comes next.
    pub fn lacks_names(&self) -> Option<&Emoji> {
        let lacks = |reaction: &&Reaction| {
            reaction.users.len() < Reaction::NAMED && (reaction.users.len() as u64) < reaction.count
        };
        self.message.marks.reactions.iter().find(lacks).map(|reaction| &reaction.emoji)
    }

    /// Puts in who is named for an emoji.
    pub fn name(&mut self, emoji: &Emoji, users: Vec<UserId>) {
        if let Some(reaction) = self.message.marks.reactions.iter_mut().find(|reaction| reaction.emoji == *emoji) {
            reaction.users = users;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewMessage, Seq};

    const HERE: ConversationId = ConversationId::from_bytes([1; 12]);
    const ADA: UserId = UserId::from_bytes([2; 12]);
    const BOB: UserId = UserId::from_bytes([3; 12]);

    fn message() -> Message {
        let new = NewMessage {
            id: MessageId::from_bytes([4; 12]),
            conversation_id: HERE,
            sender_id: ADA,
            text: MessageText::parse("hello").unwrap(),
            metadata: Metadata::default(),
            client_message_id: None,
            reply_to: None,
            forward: None,
            mentions: Mentions::default(),
            created_at: Timestamp::from_millis(5),
        };
        new.at((Seq::new(1), Rev::new(1)))
    }

    fn plan(
        message: &Message,
        (by, role): (UserId, Option<MemberRole>),
        action: MessageAction,
    ) -> Result<Option<MessagePlan>, MessageRefusal> {
        let me = Member { role, ..Member::of_direct(by, Timestamp::from_millis(1)) };
        let change = MessageChange {
            conversation: HERE,
            message: message.id,
            by,
            action,
            mentions: Mentions::default(),
            now: Timestamp::from_millis(6),
        };
        change.plan(&ChangeGround { me: &me, message, reacted: false, pinned: 0, rev: Rev::new(2) })
    }

    #[test]
    fn what_each_may_do_with_what_another_has_written() {
        let edit = || MessageAction::Edit { text: MessageText::parse("x").unwrap(), metadata: None };
        let like = || MessageAction::React(Emoji::parse("👍").unwrap());
        let all = [edit(), MessageAction::Delete, MessageAction::Pin, like()];
        for (role, permitted) in [
            (None, [false, false, true, true]),
            (Some(MemberRole::Owner), [false, true, true, true]),
            (Some(MemberRole::Admin), [false, true, true, true]),
            (Some(MemberRole::Member), [false, false, false, true]),
        ] {
            let outcomes = all.clone().map(|action| plan(&message(), (BOB, role), action).is_ok());
            assert_eq!(outcomes, permitted, "{role:?}");
        }
        assert!(plan(&message(), (ADA, Some(MemberRole::Member)), edit()).is_ok());
        assert!(plan(&message(), (ADA, Some(MemberRole::Member)), MessageAction::Delete).is_ok());
    }

    #[test]
    fn a_deletion_leaves_nothing_but_who_and_when() {
        let mut message = message();
        message.marks.edited_at = Some(message.created_at);
        message.marks.pin = Some(Pin { by: BOB, at: message.created_at });
        let deleted = plan(&message, (ADA, None), MessageAction::Delete).unwrap().unwrap().message;
        assert_eq!(deleted.marks, crate::Marks::default());
        assert_eq!(deleted.deletion(), Some(Deletion { by: ADA, at: Timestamp::from_millis(6) }));
        assert_eq!((deleted.rev, deleted.created_rev), (Rev::new(2), Rev::new(1)));
        assert_eq!(plan(&deleted, (ADA, None), MessageAction::Pin), Err(MessageRefusal::Deleted));
    }

    #[test]
    fn what_is_gone_with_a_deleted_message_is_taken_away_without_a_change() {
        let deleted = plan(&message(), (ADA, None), MessageAction::Delete).unwrap().unwrap().message;
        let like = Emoji::parse("👍").unwrap();
        for action in [MessageAction::Delete, MessageAction::Unreact(like.clone()), MessageAction::Unpin] {
            assert_eq!(plan(&deleted, (ADA, None), action.clone()), Ok(None), "{action:?}");
        }
        for action in [MessageAction::Pin, MessageAction::React(like)] {
            assert_eq!(plan(&deleted, (ADA, None), action), Err(MessageRefusal::Deleted));
        }
        let unpin = plan(&deleted, (BOB, Some(MemberRole::Member)), MessageAction::Unpin);
        assert_eq!(unpin, Err(MessageRefusal::NotPermitted));
    }
}
