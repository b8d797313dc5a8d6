//! What a message bears beside what it says, in the shape in which every store keeps it.

use parlor_domain::{
    Content, Deletion, EVERYONE, Emoji, Forwarded, Marks, MentionedRole, Mentions, Pin, Reaction, ReplyTo, Seq,
    Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

/// The marks of a message, and that it is deleted. What it has nothing of is left out.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredMarks {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edited_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<StoredReply>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forwarded: Option<Act>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<StoredReaction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<Act>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mentions: Option<StoredMentions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted: Option<Act>,
}

#[derive(Serialize, Deserialize)]
struct StoredReply {
    message: String,
    seq: i64,
    sender: String,
}

#[derive(Serialize, Deserialize)]
struct StoredReaction {
    emoji: String,
    count: i64,
    users: Vec<String>,
}

/// Users by their ids, and words for several.
#[derive(Serialize, Deserialize)]
struct StoredMentions {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    users: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    words: Vec<String>,
}

impl StoredMentions {
    fn new(mentions: &Mentions) -> Option<Self> {
        let words =
            mentions.everyone.then_some(EVERYONE).into_iter().chain(mentions.roles.iter().map(|role| role.name()));
        let users = mentions.users.iter().map(ToString::to_string).collect();
        (!mentions.is_empty()).then(|| Self { users, words: words.map(str::to_owned).collect() })
    }

    fn read(&self) -> Result<Mentions, String> {
        let mut mentions = Mentions { users: ids(&self.users)?, ..Mentions::default() };
        for word in &self.words {
            match MentionedRole::from_name(word) {
                Some(role) => mentions.roles.push(role),
                None if word == EVERYONE => mentions.everyone = true,
                None => return Err("marks mentions what is not known".to_owned()),
            }
        }
        Ok(mentions)
    }
}

fn ids<T: std::str::FromStr>(texts: &[String]) -> Result<Vec<T>, String> {
    texts.iter().map(|text| id(text)).collect()
}

/// Who did something, and when.
#[derive(Serialize, Deserialize)]
struct Act {
    by: String,
    at: i64,
}

impl Act {
    fn new(by: UserId, at: Timestamp) -> Self {
        Self { by: by.to_string(), at: at.as_millis() }
    }

    fn read(&self) -> Result<(UserId, Timestamp), String> {
        Ok((id(&self.by)?, Timestamp::from_millis(self.at)))
    }
}

fn id<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "marks names an id that is none".to_owned())
}

fn number(number: i64) -> Result<u64, String> {
    u64::try_from(number).map_err(|_| "marks has a negative number".to_owned())
}

fn long(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl StoredMarks {
    /// What is kept of these; `None` if there is nothing.
    pub(crate) fn new(marks: &Marks, content: &Content) -> Option<Self> {
        let deleted = match content {
            Content::Deleted(Deletion { by, at }) => Some(Act::new(*by, *at)),
            Content::Text(_) | Content::System(_) if *marks == Marks::default() => return None,
            Content::Text(_) | Content::System(_) => None,
        };
        let Marks { edited_at, reply_to, forwarded, reactions, pin, mentions } = marks;
        let reaction = |Reaction { emoji, count, users }: &Reaction| StoredReaction {
            emoji: emoji.to_string(),
            count: long(*count),
            users: users.iter().map(ToString::to_string).collect(),
        };
        Some(Self {
            edited_at: edited_at.map(Timestamp::as_millis),
            reply_to: reply_to.map(|ReplyTo { message, seq, sender }| StoredReply {
                message: message.to_string(),
                seq: long(seq.get()),
                sender: sender.to_string(),
            }),
            forwarded: forwarded.map(|Forwarded { sender, created_at }| Act::new(sender, created_at)),
            reactions: reactions.iter().map(reaction).collect(),
            pin: pin.map(|Pin { by, at }| Act::new(by, at)),
            mentions: StoredMentions::new(mentions),
            deleted,
        })
    }

    /// The marks, or what is wrong with them.
    pub(crate) fn marks(&self) -> Result<Marks, String> {
        let reply = |StoredReply { message, seq, sender }: &StoredReply| {
            Ok::<_, String>(ReplyTo { message: id(message)?, seq: Seq::new(number(*seq)?), sender: id(sender)? })
        };
        let reaction = |StoredReaction { emoji, count, users }: &StoredReaction| {
            Ok::<_, String>(Reaction { emoji: Emoji::stored(emoji), count: number(*count)?, users: ids(users)? })
        };
        let act = |act: &Option<Act>| act.as_ref().map(Act::read).transpose();
        Ok(Marks {
            edited_at: self.edited_at.map(Timestamp::from_millis),
            reply_to: self.reply_to.as_ref().map(reply).transpose()?,
            forwarded: act(&self.forwarded)?.map(|(sender, created_at)| Forwarded { sender, created_at }),
            reactions: self.reactions.iter().map(reaction).collect::<Result<_, _>>()?,
            pin: act(&self.pin)?.map(|(by, at)| Pin { by, at }),
            mentions: self.mentions.as_ref().map(StoredMentions::read).transpose()?.unwrap_or_default(),
        })
    }

    /// By whom and when the message was deleted, if it is; or what is wrong.
    pub(crate) fn deletion(&self) -> Result<Deletion, String> {
        let (by, at) = self.deleted.as_ref().ok_or("marks.deleted is missing")?.read()?;
        Ok(Deletion { by, at })
    }
}
