//! Groups as their members see them: settings, lists, and how far others have read.

use std::collections::HashSet;

use parlor_domain::{
    ConversationId, GroupAction, GroupDescription, MemberSettings, MemberSettingsChange, ReceiptKind, Rev, Seq,
    SystemAction, UserId, UserTopic,
    store::{Inbox, ReceiptAdvance, ReceiptOutcome},
};

use super::{
    Fixture,
    groups::{entry, event, three, topics},
};

pub async fn each_member_sees_a_conversation_in_his_own_way(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    f.send(ada, id, "hello").await;
    let all = MemberSettingsChange {
        muted_until: Some(Some(f.now())),
        pinned: Some(true),
        archived: Some(true),
        hidden: Some(true),
    };
    let set = f.stores.conversations.set_settings(id, ada, &all).await.unwrap().unwrap();
    let expected =
        MemberSettings { muted_until: Some(f.now()), pinned: true, archived: true, hidden_up_to: Some(Seq::new(1)) };
    assert_eq!((set.entry.me.settings, set.own_rev), (expected, Some(Rev::new(2))));
    assert_eq!(entry(f, id, ada).await.unwrap().me.settings, expected);
    assert_eq!(entry(f, id, bob).await.unwrap().me.settings, MemberSettings::default());
    assert_eq!(topics(f, ada).await, [(1, UserTopic::Conversation(id)), (2, UserTopic::Settings(id))]);
    let some = MemberSettingsChange { muted_until: Some(None), pinned: Some(false), ..MemberSettingsChange::default() };
    let set = f.stores.conversations.set_settings(id, ada, &some).await.unwrap().unwrap();
    let expected = MemberSettings { muted_until: None, pinned: false, ..expected };
    assert_eq!((set.entry.me.settings, set.own_rev), (expected, Some(Rev::new(3))));
    let again = f.stores.conversations.set_settings(id, ada, &some).await.unwrap().unwrap();
    assert_eq!((again.entry.me.settings, again.own_rev), (expected, None), "what changes nothing is not told");
}

pub async fn hidden_and_archived_conversations_do_not_end_the_inbox(f: &Fixture) {
    let ada = f.user("ada").await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(f.group(ada, &[]).await);
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let set = async |id, change: MemberSettingsChange| {
        f.stores.conversations.set_settings(id, ada, &change).await.unwrap().unwrap();
    };
    for id in &ids[1..4] {
        set(*id, MemberSettingsChange { hidden: Some(true), ..MemberSettingsChange::default() }).await;
    }
    set(ids[4], MemberSettingsChange { archived: Some(true), ..MemberSettingsChange::default() }).await;
    let inbox = async |archived| {
        let (mut seen, mut page) = (Vec::new(), Inbox { user: ada, after: None, archived, limit: 1 });
        loop {
            let entries = f.stores.conversations.inbox(&page).await.unwrap();
            let Some(last) = entries.last() else { return seen };
            page.after = Some((last.conversation.updated_at, last.conversation.id));
            seen.extend(entries.iter().map(|entry| entry.conversation.id));
        }
    };
    assert_eq!(inbox(None).await, [ids[0], ids[4], ids[5]]);
    assert_eq!(inbox(Some(true)).await, [ids[4]]);
    assert_eq!(inbox(Some(false)).await, [ids[0], ids[5]]);
    f.send(ada, ids[2], "something new").await;
    assert_eq!(inbox(Some(false)).await, [ids[0], ids[2], ids[5]], "a message brings it back");
}

pub async fn the_groups_of_a_user_are_known(f: &Fixture) {
    let [ada, bob, _] = three(f).await;
    let groups = [f.group(ada, &[bob]).await, f.group(bob, &[]).await, f.group(ada, &[]).await];
    f.open(ada, bob).await;
    let found: HashSet<ConversationId> = f.stores.groups.of(bob).await.unwrap().into_iter().collect();
    assert_eq!(found, HashSet::from([groups[0], groups[1]]));
}

pub async fn who_shares_a_group_is_known(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    f.open(ada, cem).await;
    let shares = async |user, other| f.stores.groups.share_group(user, other).await.unwrap();
    let groups = [f.group(ada, &[bob]).await, f.group(bob, &[ada]).await];
    assert!(shares(ada, bob).await && shares(bob, ada).await);
    assert!(!shares(ada, cem).await, "a direct conversation is no group");
    f.change_group(groups[0], ada, GroupAction::Remove(bob)).await;
    assert!(shares(ada, bob).await, "there is another one");
    f.change_group(groups[1], ada, GroupAction::Remove(ada)).await;
    assert!(!shares(ada, bob).await && !shares(bob, ada).await);
    assert!(!shares(cem, ada).await && !shares(UserId::from_bytes([9; 12]), ada).await);
}

pub async fn a_group_that_has_no_read_receipts_tells_nobody_how_far_others_have_read(f: &Fixture) {
    let [ada, bob, _] = three(f).await;
    let id = f.group(ada, &[bob]).await;
    f.send(ada, id, "hello").await;
    let tell = |told| GroupAction::Describe(GroupDescription { read_receipts: Some(told), ..Default::default() });
    let positions = async |kind, seq| {
        let advance = ReceiptAdvance { conversation: id, user: bob, kind, seq: Seq::new(seq), shown: true };
        match f.stores.conversations.advance_receipt(&advance).await.unwrap() {
            ReceiptOutcome::Advanced { member, shown, .. } => {
                (member.read_seq.get(), member.read_receipt_seq.get(), member.delivered_seq.get(), shown)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(positions(ReceiptKind::Read, 1).await, (1, 1, 1, true));
    let changed = f.change_group(id, ada, tell(false)).await;
    assert!(!changed.conversation.read_receipts && !entry(f, id, bob).await.unwrap().conversation.read_receipts);
    let noted = event(&changed.messages[0]);
    assert_eq!((noted.action, noted.value.as_deref()), (SystemAction::ReadReceiptsChanged, Some("off")));
    assert!(f.change_group(id, ada, tell(false)).await.messages.is_empty(), "it is so already");
    assert_eq!(positions(ReceiptKind::Read, 2).await, (2, 1, 2, true), "that it has arrived is told");
    assert_eq!(positions(ReceiptKind::Delivered, 3).await, (2, 1, 3, true));
    assert_eq!(positions(ReceiptKind::Read, 3).await, (3, 1, 3, false));
    assert!(f.change_group(id, ada, tell(true)).await.conversation.read_receipts);
    assert!(entry(f, id, bob).await.unwrap().conversation.read_receipts);
    assert_eq!(positions(ReceiptKind::Read, 4).await, (4, 4, 4, true));
}
