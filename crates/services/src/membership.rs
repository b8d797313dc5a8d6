//! Who hears a conversation: the hub, brought to what the store says of who is in it.
//!
//! Who is changed through this server is taken in or out at once. What another server has changed, and a change whose
//! answer was lost, shows in the log, whoever reads it; and the latter is looked after until it can't come any more.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use parking_lot::Mutex;
use parlor_domain::{
    Content, ConversationId, Message, Rev, StreamId, SystemAction, Timestamp, UserId, store::StoreResult,
};
use tracing::warn;

use crate::Deps;

/// For how long a change that was not answered may still happen: longer than any database lets one take.
const MAY_HAPPEN: Duration = Duration::from_secs(60);

/// The conversations of which nobody knows what was changed in them, and who is in them.
#[derive(Default)]
pub(crate) struct Unsure(Mutex<HashMap<ConversationId, Doubt>>);

#[derive(Clone)]
struct Doubt {
    users: HashSet<UserId>,
    until: Timestamp,
}

impl Unsure {
    fn add(&self, id: ConversationId, users: &[UserId], until: Timestamp) -> Doubt {
        let mut unsure = self.0.lock();
        let doubt = unsure.entry(id).or_insert_with(|| Doubt { users: HashSet::new(), until });
        doubt.until = until;
        doubt.users.extend(users);
        doubt.clone()
    }
}

impl Deps {
    /// To be called in the conversation's turn after a change of it that may have happened or not, with those who may have
    /// come or gone by it. They hear nothing more of it than the log tells them as members, and the hub follows the store.
    pub(crate) async fn doubt(&self, id: ConversationId, users: &[UserId]) {
        for user in users {
            self.hub.doubt(*user, id);
        }
        let doubt = self.unsure.add(id, users, self.clock.now() + MAY_HAPPEN);
        if let Err(error) = self.settle(id, &doubt).await {
            let error = &error as &dyn std::error::Error;
            warn!(conversation = %id, error, "can't read what became of a change; trying again");
        }
    }

    /// The same where the hub may not know yet what was changed before.
    pub(crate) async fn look_at(&self, id: ConversationId, users: &[UserId]) {
        for user in users {
            if self.bring(id, *user).await.is_err() {
                return self.doubt(id, users).await;
            }
        }
    }

    /// Brings the hub to the store where nobody knew what became of a change.
    pub(crate) async fn settle_doubts(&self) -> StoreResult<()> {
        let doubts: Vec<_> = self.unsure.0.lock().iter().map(|(id, doubt)| (*id, doubt.clone())).collect();
        for (id, doubt) in doubts {
            let turn = self.turn_of(id).await?;
            self.settle(id, &doubt).await?;
            if doubt.until < self.clock.now() {
                self.unsure.0.lock().remove(&id);
            }
            drop(turn);
        }
        Ok(())
    }

    async fn settle(&self, id: ConversationId, doubt: &Doubt) -> StoreResult<()> {
        for user in &doubt.users {
            self.bring(id, *user).await?;
        }
        self.reconcile(id).await
    }

    /// Takes those in and out whom messages from the log name, if the hub does not know it yet.
    pub(crate) async fn follow(&self, id: ConversationId, messages: &[Message]) -> StoreResult<()> {
        let mut last: HashMap<UserId, bool> = HashMap::new();
        for message in messages {
            let Content::System(event) = &message.content else { continue };
            match event.action {
                SystemAction::GroupCreated => {
                    last.extend(event.users.iter().chain([&message.sender_id]).map(|user| (*user, true)));
                }
                SystemAction::CommunityCreated | SystemAction::ChannelCreated => {
                    last.insert(message.sender_id, true);
                }
                SystemAction::MembersAdded | SystemAction::MemberJoined => {
                    last.extend(event.users.iter().map(|user| (*user, true)))
                }
                SystemAction::MembersRemoved | SystemAction::MemberLeft => {
                    last.extend(event.users.iter().map(|user| (*user, false)));
                }
                SystemAction::RoleChanged
                | SystemAction::OwnerChanged
                | SystemAction::Renamed
                | SystemAction::DescriptionChanged
                | SystemAction::CategoryChanged
                | SystemAction::AccessChanged
                | SystemAction::PositionChanged
                | SystemAction::ReadReceiptsChanged => {}
            }
        }
        for (user, is_in) in last {
            self.follow_one(id, user, is_in).await?;
        }
        Ok(())
    }

    /// Takes a user in or out whose coming or going was read, if the hub does not know it yet.
    pub(crate) async fn follow_one(&self, id: ConversationId, user: UserId, is_in: bool) -> StoreResult<()> {
        if self.hub.connections_of(user) == 0 || self.hub.listens(user, StreamId::Conversation(id)) == is_in {
            return Ok(());
        }
        let _turn = self.turn_of(id).await?;
        self.bring(id, user).await
    }

    /// Makes the hub hold what the store says of a connected user, in the conversation's turn.
    async fn bring(&self, id: ConversationId, user: UserId) -> StoreResult<()> {
        let (stream, own) = (StreamId::Conversation(id), StreamId::User(user));
        // Until both say the same: another server may change it meanwhile.
        while self.hub.connections_of(user) > 0 {
            let member = self.stores.conversations.member(id, user).await?;
            if member.is_some() == self.hub.listens(user, stream) {
                break;
            }
            if member.is_none() {
                self.hub.leave(user, id);
            }
            let rev = self.stores.users.rev(user).await?;
            self.hub.reconcile(&[(own, rev)]);
            if let Some(member) = member {
                self.hub.join(user, id, member.joined_rev, rev);
                self.reconcile(id).await?;
                if !self.hub.listens(user, stream) {
                    // He has gone meanwhile.
                    break;
                }
            }
        }
        Ok(())
    }

    /// Has the hub read what it has not heard of a conversation.
    pub(crate) async fn reconcile(&self, id: ConversationId) -> StoreResult<()> {
        let head = self.stores.messages.changes(id, Rev::ZERO, 1).await?.head;
        self.hub.reconcile(&[(StreamId::Conversation(id), head)]);
        Ok(())
    }
}
