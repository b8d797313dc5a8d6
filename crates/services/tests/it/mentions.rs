//! Mentions: who is meant by a text, who may mean all, and what it counts for.

use parlor_domain::{
    ConversationId, MemberRole, MemberSettingsChange, MentionedRole, Mentions, MessageAction, MessageText, ReceiptKind,
    Seq, Timestamp, Unread, store::Window,
};
use parlor_services::{Caller, MessageBody, SendMessage};

use crate::support::{World, message};

fn of(users: &[Caller]) -> Mentions {
    Mentions { users: users.iter().map(|user| user.user).collect(), ..Mentions::default() }
}

impl World {
    /// Whom a message mentions that somebody sends.
    async fn mentioned(&self, from: Caller, to: ConversationId, text: &str) -> Mentions {
        self.send(from, to, text).await.unwrap().message.message.marks.mentions
    }

    async fn unread(&self, of: Caller, id: ConversationId) -> Unread {
        self.services.conversations.find(of, id).await.unwrap().unread
    }

    async fn trio(&self) -> ([Caller; 3], ConversationId) {
        let users = [self.user("ada").await, self.user("bob").await, self.user("cem").await];
        let id = self.group(users[0], &users[1..]).await;
        (users, id)
    }
}

#[tokio::test]
async fn a_name_means_a_member_and_nobody_else() {
    let world = World::new().await;
    let ([ada, bob, cem], id) = world.trio().await;
    world.user("stranger").await;
    assert_eq!(world.mentioned(ada, id, "@cem and @BOB, again @bob.").await, of(&[cem, bob]));
    for text in ["@stranger", "@nobody", "@ada", "bob@example.com", "`@bob`"] {
        assert_eq!(world.mentioned(ada, id, text).await, Mentions::default(), "{text}");
    }
    assert_eq!(world.unread(bob, id).await, Unread { messages: 6, mentions: 1 });
    world.services.groups.remove(ada, id, cem.user).await.unwrap();
    assert_eq!(world.mentioned(ada, id, "@cem @bob").await, of(&[bob]), "he has gone");
}

#[tokio::test]
async fn in_a_direct_conversation_the_other_one_can_be_mentioned_and_there_is_no_everyone() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    assert_eq!(world.mentioned(ada, id, "@bob @everyone @owner @admins").await, of(&[bob]));
    assert_eq!(world.unread(bob, id).await, Unread { messages: 1, mentions: 1 });
}

#[tokio::test]
async fn owner_and_admins_alone_call_all() {
    let world = World::new().await;
    let ([ada, bob, cem], id) = world.trio().await;
    let all = Mentions { users: Vec::new(), everyone: true, roles: vec![MentionedRole::Admins, MentionedRole::Owner] };
    let text = "@everyone @admins @owner";
    assert_eq!(world.mentioned(ada, id, text).await, all);
    assert_eq!(world.mentioned(bob, id, text).await, Mentions::default());
    world.services.groups.set_role(ada, id, bob.user, MemberRole::Admin).await.unwrap();
    assert_eq!(world.mentioned(bob, id, text).await, all);
    assert_eq!(world.unread(cem, id).await, Unread { messages: 3, mentions: 2 });
    assert_eq!(world.unread(ada, id).await, Unread { messages: 1, mentions: 1 }, "since she has changed his role");
}

#[tokio::test]
async fn an_edit_is_asked_anew_whom_it_may_mention() {
    let world = World::new().await;
    let ([ada, bob, cem], id) = world.trio().await;
    world.services.groups.set_role(ada, id, bob.user, MemberRole::Admin).await.unwrap();
    let sent = world.send(bob, id, "@everyone").await.unwrap().message.message;
    assert!(sent.marks.mentions.everyone);
    world.services.groups.set_role(ada, id, bob.user, MemberRole::Member).await.unwrap();
    let text = MessageText::parse("@everyone and @cem").unwrap();
    let edit = MessageAction::Edit { text, metadata: None };
    let edited = world.services.messages.change(bob, id, sent.id, edit).await.unwrap();
    assert_eq!(edited.message.marks.mentions, of(&[cem]), "he may no longer call all");
    assert_eq!((world.unread(ada, id).await.mentions, world.unread(cem, id).await.mentions), (0, 1));
    world.services.messages.change(ada, id, sent.id, MessageAction::Delete).await.unwrap();
    assert_eq!(world.unread(cem, id).await.mentions, 0);
}

#[tokio::test]
async fn what_is_passed_on_mentions_nobody() {
    let world = World::new().await;
    let ([ada, bob, _], id) = world.trio().await;
    let sent = world.send(ada, id, "@everyone @bob").await.unwrap().message.message;
    let body = MessageBody::Forward { conversation: id, message: sent.id };
    let forward = SendMessage { body, ..message(id, "x", None) };
    let passed_on = world.services.messages.send(ada, forward).await.unwrap().message.message;
    assert_eq!((passed_on.text(), &passed_on.marks.mentions), ("@everyone @bob", &Mentions::default()));
    assert_eq!(world.unread(bob, id).await, Unread { messages: 2, mentions: 1 });
}

#[tokio::test]
async fn who_is_blocked_reaches_nobody_by_a_mention() {
    let world = World::new().await;
    let ([ada, bob, cem], id) = world.trio().await;
    world.send(ada, id, "@everyone").await.unwrap();
    world.services.relations.block(cem, ada.user).await.unwrap();
    assert_eq!(world.unread(cem, id).await, Unread { messages: 1, mentions: 0 }, "also what was said before");
    assert_eq!(world.mentioned(ada, id, "@cem @bob").await, of(&[bob]));
    world.send(ada, id, "@everyone").await.unwrap();
    assert_eq!(world.unread(cem, id).await.mentions, 0);
    assert_eq!(world.unread(bob, id).await.mentions, 3);
    assert_eq!(world.mentioned(cem, id, "@ada").await, of(&[ada]), "his own block keeps nobody from him");
}

#[tokio::test]
async fn ten_thousand_names_are_as_many_as_are_looked_up_and_no_more() {
    let world = World::new().await;
    let ([ada, bob, _], id) = world.trio().await;
    let mut text: String = (0..1200).map(|n| format!("@x{n:03} ")).collect();
    text.push_str("@bob");
    assert_eq!(world.mentioned(ada, id, &text).await, Mentions::default());
    assert_eq!(world.mentioned(ada, id, &format!("{} @bob", "@".repeat(7_900))).await, of(&[bob]));
}

#[tokio::test]
async fn receipts_and_totals_tell_how_many_mentions_are_left() {
    let world = World::new().await;
    let ([ada, bob, _], id) = world.trio().await;
    for text in ["@bob", "hello", "@everyone"] {
        world.send(ada, id, text).await.unwrap();
    }
    let read = async |seq| {
        let receipt = world.services.conversations.advance_receipt(bob, id, ReceiptKind::Read, Seq::new(seq)).await;
        receipt.unwrap().unread
    };
    assert_eq!(read(1).await, Some(Unread { messages: 3, mentions: 2 }));
    assert_eq!(read(2).await, Some(Unread { messages: 2, mentions: 1 }));
    let totals = async || world.services.conversations.unread(bob).await.unwrap();
    assert_eq!(totals().await.listed.unread, Unread { messages: 2, mentions: 1 });
    let muted = MemberSettingsChange { muted_until: Some(Some(Timestamp::MAX)), ..Default::default() };
    world.services.conversations.set_settings(bob, id, muted).await.unwrap();
    assert_eq!(totals().await.muted.unread, Unread { messages: 2, mentions: 1 });
    assert_eq!(read(4).await, Some(Unread::default()));
    assert_eq!(totals().await, parlor_domain::UnreadTotals::default());
}

#[tokio::test]
async fn history_and_resume_give_the_mentions_as_they_are() {
    let world = World::new().await;
    let ([ada, bob, _], id) = world.trio().await;
    let sent = world.mentioned(ada, id, "@bob @everyone").await;
    assert_eq!(sent, Mentions { everyone: true, ..of(&[bob]) });
    let page = world.services.messages.history(bob, id, Window::Newest, 1).await.unwrap();
    assert_eq!(page.items[0].message.marks.mentions, sent);
}
