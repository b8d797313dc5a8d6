//! What a change of a message leaves that ends half-way, where there are no transactions, and what the next one makes of it.

use mongodb::bson::{DateTime, Document, doc, oid::ObjectId};
use parlor_domain::{
    Clock as _, ConversationId, Emoji, Mentions, Message, MessageAction, MessageChange, MessageText, Rev, UserId,
    store::{AppendOutcome, ChangeOutcome},
};
use parlor_repositories::{contract::Fixture, testing::MongoDatabase};

use super::{fresh, meddle, nodes};

struct Chat {
    fixture: Fixture,
    ada: UserId,
    message: Message,
    /// Dropped at the end.
    _database: MongoDatabase,
}

impl Chat {
    async fn change(&self, action: MessageAction) -> Message {
        let (conversation, message) = (self.message.conversation_id, self.message.id);
        let (mentions, now) = (Mentions::default(), self.fixture.clock.now());
        let change = MessageChange { conversation, message, by: self.ada, action, mentions, now };
        let outcome = self.fixture.stores.messages.change(&change).await.unwrap();
        let ChangeOutcome::Changed(message) = outcome else { panic!("{outcome:?}") };
        *message
    }
}

/// A message, and the database that it lies in.
async fn chat() -> (Chat, mongodb::Database) {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let (ada, _, id) = nodes::chat(&fixture).await;
    let (message, raw) = (send(&fixture, ada, id, "first").await, meddle(&database).await);
    (Chat { fixture, ada, message, _database: database }, raw)
}

async fn send(fixture: &Fixture, from: UserId, to: ConversationId, text: &str) -> Message {
    let outcome = fixture.stores.messages.append(&nodes::message(fixture, from, to, text)).await.unwrap();
    let AppendOutcome::Appended { message, .. } = outcome else { panic!("{outcome:?}") };
    message
}

fn oid(bytes: &[u8; 12]) -> ObjectId {
    ObjectId::from_bytes(*bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_replaces_the_version_that_one_before_it_has_left() {
    let (chat, raw) = chat().await;
    let message = oid(chat.message.id.as_bytes());
    let left = doc! { "message": message, "rev": 2_i64, "text": "first", "metadata": "{}", "at": DateTime::MIN };
    raw.collection::<Document>("messageVersions").insert_one(left).await.unwrap();
    send(&chat.fixture, chat.ada, chat.message.conversation_id, "meanwhile").await;
    let text = MessageText::parse("second").unwrap();
    chat.change(MessageAction::Edit { text, metadata: None }).await;
    let versions = chat.fixture.stores.messages.versions(chat.message.id, Rev::ZERO, 10).await.unwrap();
    let said: Vec<_> = versions.iter().map(|version| (version.text.as_str(), version.rev.get())).collect();
    assert_eq!(said, [("first", 3)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaction_counts_by_what_the_message_says() {
    let (chat, raw) = chat().await;
    let reactions = raw.collection::<Document>("reactions");
    let (message, user) = (oid(chat.message.id.as_bytes()), oid(chat.ada.as_bytes()));
    let left = doc! { "message": message, "rev": 2_i64, "emoji": "👍", "user": user, "at": DateTime::MIN };
    reactions.insert_one(left).await.unwrap();
    let like = Emoji::parse("👍").unwrap();
    let liked = chat.change(MessageAction::React(like.clone())).await;
    assert_eq!((liked.marks.reactions[0].count, &*liked.marks.reactions[0].users), (1, &[chat.ada][..]));
    let listed = chat.fixture.stores.messages.reactions(chat.message.id, &like, Rev::ZERO, 10).await.unwrap();
    assert_eq!(listed.iter().map(|reaction| reaction.rev).collect::<Vec<_>>(), [liked.rev]);
    reactions.delete_many(doc! {}).await.unwrap();
    let left = chat.change(MessageAction::Unreact(like)).await;
    assert_eq!(left.marks.reactions, []);
}
