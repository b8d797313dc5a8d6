//! Telling of a change: the hub follows it, and whom it is about hears of it.

use std::collections::HashMap;

use parlor_domain::{
    Change, Conversation, ConversationId, Event, MessageView, Rev, StreamId, Unread, UserId,
    store::{CommunityChanged, InboxEntry, Move, StoreResult},
};
use tracing::warn;

use crate::Deps;

/// Makes the hub follow a change, and tells of it. Who has gone hears nothing of it any more; who has come is told of
/// the conversation before he hears anything of it. If telling fails, the hub reads it from the log.
pub(super) async fn tell(deps: &Deps, changed: &CommunityChanged) {
    tell_moves(deps, &changed.moves, Some(&changed.conversation)).await;
    let id = changed.conversation.id;
    for message in &changed.messages {
        let view = MessageView { message: message.clone(), delivery: None, quote: None };
        let event = Event::MessageCreated(Box::new(view));
        deps.hub.publish(Change { stream: StreamId::Conversation(id), rev: message.rev, event });
    }
    // What others have written since may have been told before anybody listened.
    let mut heard: Vec<ConversationId> = Vec::new();
    for moved in changed.moves.iter().filter(|moved| moved.member.is_some()) {
        let stream = StreamId::Conversation(moved.conversation);
        if !heard.contains(&moved.conversation) && deps.hub.listens(moved.user, stream) {
            heard.push(moved.conversation);
        }
    }
    for id in heard {
        if let Err(error) = deps.reconcile(id).await {
            warn!(conversation = %id, error = &error as &dyn std::error::Error, "can't read how far a log has come");
        }
    }
}

/// Takes those in and out who have come and gone, and tells them.
pub(super) async fn tell_moves(deps: &Deps, moves: &[Move], about: Option<&Conversation>) {
    for moved in moves.iter().filter(|moved| moved.member.is_none()) {
        deps.hub.leave(moved.user, moved.conversation);
    }
    if let Err(error) = tell_newcomers(deps, moves, about).await {
        warn!(error = &error as &dyn std::error::Error, "new members were not told of a conversation yet");
    }
    for Move { conversation, user, member, rev } in moves {
        let stream = StreamId::User(*user);
        match member {
            Some(member) => {
                deps.hub.reconcile(&[(stream, *rev)]);
                deps.hub.join(*user, *conversation, member.joined_rev, *rev);
            }
            None => deps.hub.publish(Change { stream, rev: *rev, event: Event::ConversationDeleted(*conversation) }),
        }
    }
}

/// Tells those who listen of what they have come into.
async fn tell_newcomers(deps: &Deps, moves: &[Move], about: Option<&Conversation>) -> StoreResult<()> {
    let listens = |moved: &&Move| moved.member.is_some() && deps.hub.listens(moved.user, StreamId::User(moved.user));
    let mut elsewhere: HashMap<UserId, Vec<(ConversationId, Rev)>> = HashMap::new();
    let mut told_members = None;
    for moved in moves.iter().filter(listens) {
        let Some(here) = about.filter(|about| about.id == moved.conversation) else {
            elsewhere.entry(moved.user).or_default().push((moved.conversation, moved.rev));
            continue;
        };
        let members = match &told_members {
            Some(members) => members,
            // Of many nobody is told anything.
            None => told_members.insert(deps.stores.conversations.told_members(here.id).await?),
        };
        let Some(me) = moved.member.clone() else { continue };
        let others = members.iter().filter(|member| member.user_id != moved.user).cloned().collect();
        // What tells of his coming does not count.
        let entry = InboxEntry {
            conversation: here.clone(),
            me,
            other: None,
            others,
            last_message: None,
            unread: Unread::default(),
        };
        publish(deps, entry, moved.user, moved.rev);
    }
    for (user, places) in elsewhere {
        let ids: Vec<ConversationId> = places.iter().map(|(id, _)| *id).collect();
        let mut entries = deps.stores.conversations.find_many(&ids, user).await?;
        for (id, rev) in places {
            if let Some(place) = entries.iter().position(|entry| entry.conversation.id == id) {
                publish(deps, entries.swap_remove(place), user, rev);
            }
        }
    }
    Ok(())
}

fn publish(deps: &Deps, entry: InboxEntry, user: UserId, rev: Rev) {
    let event = Event::ConversationCreated(Box::new(deps.conversation_view(entry, None, user)));
    deps.hub.publish(Change { stream: StreamId::User(user), rev, event });
}
