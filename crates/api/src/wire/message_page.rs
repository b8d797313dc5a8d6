//! Pages of messages as JSON, written by hand: no other answer is so long, and most of the time that it takes would be
//! spent on copies of ids and on the names of fields.

use parlor_domain::{Content, MessageView, Timestamp};

use super::{
    ForwardedFrom, Mentions, PinnedBy, Reaction, ReplyTo,
    message::{DeliveryState, Kind, SystemNote},
};

/// A page of messages: a [`Page`](super::Page) of [`Message`](super::Message)s.
#[derive(Clone, Debug)]
pub struct MessagePage<'a> {
    /// The messages.
    pub items: &'a [MessageView],
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
}

impl MessagePage<'_> {
    /// The page as JSON, the same as serde makes of its shape.
    ///
    /// # Errors
    /// None is known.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        /// About what a message has beside what its users wrote.
        const REST: usize = 480;
        let size = self.items.iter().map(|view| REST + view.message.size()).sum();
        let mut json = Json { bytes: Vec::with_capacity(size), day: Day::default() };
        json.raw(r#"{"items":["#);
        for (place, view) in self.items.iter().enumerate() {
            if place > 0 {
                json.raw(",");
            }
            json.message(view)?;
        }
        json.raw(r#"],"nextCursor":"#);
        json.optional(self.next_cursor.as_deref())?;
        json.raw("}");
        Ok(json.bytes)
    }
}

/// JSON that is being written.
struct Json {
    bytes: Vec<u8>,
    day: Day,
}

impl Json {
    fn message(&mut self, view: &MessageView) -> serde_json::Result<()> {
        let message = &view.message;
        self.raw(r#"{"id":""#);
        self.bytes.extend(message.id.to_hex());
        self.raw(r#"","conversationId":""#);
        self.bytes.extend(message.conversation_id.to_hex());
        self.raw(r#"","seq":"#);
        self.value(&message.seq.get())?;
        self.raw(r#","rev":"#);
        self.value(&message.rev.get())?;
        self.raw(r#","kind":"#);
        let (kind, system) = match &message.content {
            Content::Text(_) | Content::Deleted(_) => (Kind::Text, None),
            Content::System(event) => (Kind::System, Some(event)),
        };
        self.value(&kind)?;
        self.raw(r#","senderId":""#);
        self.bytes.extend(message.sender_id.to_hex());
        self.raw(r#"","text":"#);
        self.text(message.text())?;
        if let Some(event) = system {
            self.raw(r#","system":"#);
            self.value(&SystemNote::from(event))?;
        }
        self.raw(r#","attachments":[],"replyTo":"#);
        match ReplyTo::of(view) {
            Some(reply) => self.value(&reply)?,
            None => self.raw("null"),
        }
        if let Some(forwarded) = message.marks.forwarded {
            self.raw(r#","forwardedFrom":"#);
            self.value(&ForwardedFrom::from(forwarded))?;
        }
        self.raw(r#","reactions":["#);
        for (place, reaction) in message.marks.reactions.iter().enumerate() {
            if place > 0 {
                self.raw(",");
            }
            self.value(&Reaction::from(reaction))?;
        }
        self.raw(r#"],"mentions":"#);
        if message.marks.mentions.is_empty() {
            self.raw(r#"{"userIds":[],"everyone":false,"roles":[]}"#);
        } else {
            self.value(&Mentions::from(&message.marks.mentions))?;
        }
        self.raw(r#","metadata":"#);
        // It is JSON.
        self.raw(message.metadata.as_str());
        self.raw(r#","clientMessageId":"#);
        self.optional(message.client_message_id.as_ref().map(|id| id.as_str()))?;
        self.raw(r#","delivery":"#);
        self.value(&view.delivery.map(DeliveryState::from))?;
        self.raw(r#","createdAt":""#);
        self.time(message.created_at);
        self.raw(r#"","editedAt":"#);
        self.optional_time(message.marks.edited_at);
        self.raw(r#","deletedAt":"#);
        let deletion = message.deletion();
        self.optional_time(deletion.map(|deletion| deletion.at));
        if let Some(deletion) = deletion {
            self.raw(r#","deletedBy":""#);
            self.bytes.extend(deletion.by.to_hex());
            self.raw("\"");
        }
        if let Some(pin) = message.marks.pin {
            self.raw(r#","pinned":"#);
            self.value(&PinnedBy::from(pin))?;
        }
        self.raw("}");
        Ok(())
    }

    fn raw(&mut self, json: &str) {
        self.bytes.extend_from_slice(json.as_bytes());
    }

    fn value(&mut self, value: &impl serde::Serialize) -> serde_json::Result<()> {
        serde_json::to_writer(&mut self.bytes, value)
    }

    fn text(&mut self, text: &str) -> serde_json::Result<()> {
        // All are looked at, which takes a processor less time than to stop at the first.
        let escapes = text.bytes().fold(false, |found, byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\'));
        if escapes {
            return self.value(&text);
        }
        self.raw("\"");
        self.raw(text);
        self.raw("\"");
        Ok(())
    }

    fn optional(&mut self, text: Option<&str>) -> serde_json::Result<()> {
        match text {
            Some(text) => self.text(text),
            None => {
                self.raw("null");
                Ok(())
            }
        }
    }

    fn optional_time(&mut self, time: Option<Timestamp>) {
        match time {
            Some(time) => {
                self.raw("\"");
                self.time(time);
                self.raw("\"");
            }
            None => self.raw("null"),
        }
    }

    fn time(&mut self, time: Timestamp) {
        const DAY: i64 = 86_400_000;
        let number = time.as_millis().div_euclid(DAY);
        if self.day.number != Some(number) {
            self.day = Day { number: Some(number), text: time.to_string() };
        }
        self.bytes.extend_from_slice(self.day.text.get(..DATE).unwrap_or_default().as_bytes());
        let within = time.as_millis().rem_euclid(DAY);
        for (unit, of, end) in [(3_600_000, 24, b':'), (60_000, 60, b':'), (1000, 60, b'.')] {
            let number = within / unit % of;
            self.bytes.extend([digit(number / 10), digit(number), end]);
        }
        self.bytes.extend([digit(within / 100), digit(within / 10), digit(within), b'Z']);
    }
}

/// The length of `2026-11-21T`.
const DATE: usize = 11;

/// The last digit of a number.
fn digit(number: i64) -> u8 {
    b"0123456789"[usize::try_from(number % 10).unwrap_or_default()]
}

/// A day, and a time of it as text: messages of a page are mostly of few days, and dates take the longest to tell.
#[derive(Default)]
struct Day {
    number: Option<i64>,
    text: String,
}

#[cfg(test)]
mod tests {
    use parlor_domain::{
        ClientMessageId, ConversationId, Deletion, Delivery, Emoji, Forwarded, Marks, MentionedRole, Message,
        MessageId, MessageText, Metadata, Pin, ReplyTo, Rev, Seq, SystemAction, SystemEvent, UserId,
    };
    use proptest::{option::of, prelude::*};

    use super::{super::Page, *};

    fn marks() -> impl Strategy<Value = Marks> {
        let user = || any::<[u8; 12]>().prop_map(UserId::from_bytes);
        let time = || (0..=Timestamp::MAX.as_millis()).prop_map(Timestamp::from_millis);
        let reply = (any::<[u8; 12]>(), any::<u64>(), user());
        let reply = reply.prop_map(|(id, seq, sender)| ReplyTo {
            message: MessageId::from_bytes(id),
            seq: Seq::new(seq),
            sender,
        });
        let forwarded = (user(), time()).prop_map(|(sender, created_at)| Forwarded { sender, created_at });
        let emoji = prop::sample::select(vec!["👍", ":a:", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]).prop_map(|text| Emoji::parse(text).unwrap());
        let reaction = (emoji, any::<u64>(), prop::collection::vec(user(), 0..3));
        let reaction = reaction.prop_map(|(emoji, count, users)| parlor_domain::Reaction { emoji, count, users });
        let pin = (user(), time()).prop_map(|(by, at)| Pin { by, at });
        let mentions = (prop::collection::vec(user(), 0..3), any::<bool>(), any::<bool>());
        let roles = |some: bool| if some { MentionedRole::ALL.to_vec() } else { Vec::new() };
        let mentions = mentions.prop_map(move |(users, everyone, some)| parlor_domain::Mentions {
            users,
            everyone,
            roles: roles(some),
        });
        (of(time()), of(reply), of(forwarded), prop::collection::vec(reaction, 0..3), of(pin), mentions).prop_map(
            |(edited_at, reply_to, forwarded, reactions, pin, mentions)| Marks {
                edited_at,
                reply_to,
                forwarded,
                reactions,
                pin,
                mentions,
            },
        )
    }

    fn view() -> impl Strategy<Value = MessageView> {
        let delivery = prop::option::of(prop::sample::select(vec![
            Delivery::Sent,
            Delivery::Held,
            Delivery::Delivered,
            Delivery::Read,
        ]));
        let metadata = prop::sample::select(vec!["{}", r#"{ "a" : [1, "\"\u0041"], "a": null }"#]);
        // A valid text, and at its end anything but the one character that no text has.
        let text = any::<String>().prop_map(|text| format!("x{}", text.replace('\0', "\u{1}")));
        let text = text.prop_map(|text| Content::Text(MessageText::parse(&text).unwrap()));
        let system =
            (prop::sample::select(SystemAction::ALL.to_vec()), any::<[[u8; 12]; 2]>(), any::<Option<String>>())
                .prop_map(|(action, users, value)| SystemEvent {
                    action,
                    users: users.map(UserId::from_bytes).to_vec(),
                    value,
                    member_count: 7,
                });
        let deleted = (any::<[u8; 12]>(), 0..=Timestamp::MAX.as_millis()).prop_map(|(by, at)| {
            Content::Deleted(Deletion { by: UserId::from_bytes(by), at: Timestamp::from_millis(at) })
        });
        let content = prop_oneof![text, system.prop_map(Content::System), deleted];
        let times = 0..=Timestamp::MAX.as_millis();
        let client_id = prop::option::of("[ -~é]{1,20}");
        let marks = (marks(), prop::option::of("[ -~é\"]{0,20}"));
        (any::<[[u8; 12]; 3]>(), any::<[u64; 2]>(), content, metadata, client_id, (times, marks), delivery).prop_map(
            |(
                [id, conversation, sender],
                [seq, rev],
                content,
                metadata,
                client_id,
                (time, (marks, quote)),
                delivery,
            )| MessageView {
                message: Message {
                    id: MessageId::from_bytes(id),
                    conversation_id: ConversationId::from_bytes(conversation),
                    seq: Seq::new(seq),
                    rev: Rev::new(rev),
                    created_rev: Rev::new(rev),
                    sender_id: UserId::from_bytes(sender),
                    content,
                    metadata: Metadata::parse(metadata).unwrap(),
                    client_message_id: client_id.map(|id| ClientMessageId::parse(&id).unwrap()),
                    created_at: Timestamp::from_millis(time),
                    marks,
                },
                delivery,
                quote,
            },
        )
    }

    proptest! {
        #[test]
        fn a_page_is_what_serde_makes_of_its_shape(
            views in prop::collection::vec(view(), 0..4),
            next_cursor in prop::option::of("[0-9]{1,16}"),
        ) {
            let shape = Page { items: views.iter().map(super::super::Message::from).collect(), next_cursor: next_cursor.clone() };
            let json = MessagePage { items: &views, next_cursor }.to_json().unwrap();
            prop_assert_eq!(String::from_utf8(json).unwrap(), serde_json::to_string(&shape).unwrap());
        }
    }
}
