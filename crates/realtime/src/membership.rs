//! Who comes into a conversation and who goes, while he is connected.

use parlor_domain::{ConversationId, Rev, StreamId, UserId};

use crate::{Hub, user::UserSlot};

impl Hub {
    /// Makes a connected user listen to a conversation that is new to him, from a revision on: after his own stream has
    /// told him of it at `told`. The caller reads the head once more afterwards and tells it by [`Self::reconcile`]:
    /// what was published before may have passed unheard.
    pub fn join(&self, user: UserId, conversation: ConversationId, head: Rev, told: Rev) {
        let Some(slot) = self.user(user) else { return };
        let id = StreamId::Conversation(conversation);
        if !self.listens(user, id) {
            self.tell_first(&slot, (id, head), told);
        }
        self.listen(&slot, id, head, None);
        self.catch_up_all(&slot);
    }

    /// Makes a user listen no longer to a conversation that he is not in any more: nothing of it is pushed to him from
    /// then on, however far his connections have come in it.
    ///
    /// Who is attached at this moment may have read before that he is in it. He finds the stream among those that
    /// [`Self::attach`] gives, and the caller reads once more whether he is.
    pub fn leave(&self, user: UserId, conversation: ConversationId) {
        let id = StreamId::Conversation(conversation);
        self.unheard.count(id);
        let (Some(slot), Some(stream)) = (self.user(user), self.stream(id)) else { return };
        stream.lock().remove(&slot, id);
        drop(stream);
        self.forget_if_unheard(id);
    }

    /// Has a user's connections get what comes next in a conversation from the log alone: to be called where nobody
    /// knows whether he is still in it, as the log does.
    pub fn doubt(&self, user: UserId, conversation: ConversationId) {
        let id = StreamId::Conversation(conversation);
        let (Some(slot), Some(stream)) = (self.user(user), self.stream(id)) else { return };
        let state = stream.lock();
        let listener = slot.lock();
        for connection in listener.connections.iter().filter(|_| listener.streams.contains(&id)) {
            connection.has_yet_to_come_to(id, Rev::new(u64::MAX), state.head);
        }
        drop(listener);
        drop(state);
        self.catch_up_all(&slot);
    }

    /// Sets connections whose own stream has not come to a revision so that they read the log, which has it: of their
    /// own stream first, and then of the other one.
    fn tell_first(&self, slot: &UserSlot, (id, head): (StreamId, Rev), told: Rev) {
        let own = StreamId::User(slot.user);
        let Some(stream) = self.stream(own) else { return };
        // The lock keeps changes out until the connections are set.
        let state = stream.lock();
        for connection in &slot.lock().connections {
            if connection.has_yet_to_come_to(own, told, state.head) {
                connection.fall_behind(id, head);
            }
        }
    }
}
