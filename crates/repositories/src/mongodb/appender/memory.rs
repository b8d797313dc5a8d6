//! What a node remembers of the conversations that it writes in, so that a send asks the database for nothing but to
//! store the message and to say what is held back.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use parlor_domain::{Clock, ConversationId, ConversationKind, NewMessage, Rev, Seq, Timestamp, UserId};
use tokio::time::Instant;

/// Of how many conversations something is remembered.
const REMEMBERED: usize = 100_000;
/// For how long who takes part is believed. What this node changes counts at once, by [`Memory::forget`]; what another
/// node changes, after this.
const BELIEVED: Duration = Duration::from_secs(1);

/// For how long it is believed where a log ends, by each of two clocks: one of them stands still while the machine is
/// suspended, the other one can be set. A place that a changed message has left is kept from others for longer: see
/// [`changes`](super::super::changes).
const END_BELIEVED: Duration = Duration::from_secs(60);

/// Who takes part in a conversation.
#[derive(Clone, Debug)]
pub(super) struct Participants {
    pub(super) kind: ConversationKind,
    pub(super) members: Vec<UserId>,
    /// Those of them whose account is deleted.
    pub(super) deleted: HashSet<UserId>,
}

/// Where a log ends, as far as this node knows. Wrong where another node has written since: then the place is taken.
pub(super) type End = (Seq, Rev);

/// The conversations that this node has written in.
pub(super) struct Memory {
    /// Those that have been read since then. All of them are read anew at the same time: that takes few commands.
    since: Option<Instant>,
    /// What was read before that may be as it was then.
    forgotten: Option<Instant>,
    participants: HashMap<ConversationId, Arc<Participants>>,
    /// Who is in those that don't name their members, and who is not, as far as somebody has written or tried to.
    senders: HashMap<ConversationId, HashMap<UserId, bool>>,
    ends: HashMap<ConversationId, KnownEnd>,
    clock: Arc<dyn Clock>,
}

/// An end, and when it was known.
#[derive(Clone, Copy)]
struct KnownEnd {
    end: End,
    at: Instant,
    by_the_wall: Timestamp,
}

impl Participants {
    pub(super) fn has(&self, user: UserId) -> bool {
        self.members.contains(&user)
    }

    /// Whether all who take part are named in the conversation.
    pub(super) const fn are_named(&self) -> bool {
        matches!(self.kind, ConversationKind::Direct | ConversationKind::Group)
    }

    /// Who gets a message, if that is one alone.
    pub(super) fn recipient(&self, new: &NewMessage) -> Option<UserId> {
        match self.kind {
            ConversationKind::Direct => self.members.iter().copied().find(|member| *member != new.sender_id),
            ConversationKind::Group | ConversationKind::Community | ConversationKind::Channel => None,
        }
    }

    /// Whether there is nobody any more who could read it.
    pub(super) fn is_deserted(&self, new: &NewMessage) -> bool {
        self.recipient(new).is_some_and(|recipient| self.deleted.contains(&recipient))
    }
}

impl Memory {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            since: None,
            forgotten: None,
            participants: HashMap::new(),
            senders: HashMap::new(),
            ends: HashMap::new(),
            clock,
        }
    }

    /// Those who are still believed to take part.
    pub(super) fn participants(&mut self) -> &HashMap<ConversationId, Arc<Participants>> {
        if self.since.is_none_or(|since| since.elapsed() > BELIEVED) || self.participants.len() > REMEMBERED {
            self.since = None;
            self.participants.clear();
            self.senders.clear();
        }
        &self.participants
    }

    /// Remembers who took part at a time.
    pub(super) fn learn(&mut self, at: Instant, found: impl Iterator<Item = (ConversationId, Arc<Participants>)>) {
        if self.forgotten.is_some_and(|forgotten| at <= forgotten) {
            return;
        }
        self.since = Some(self.since.map_or(at, |since| since.min(at)));
        self.participants.extend(found);
    }

    /// Whether somebody is in a conversation that does not name its members, if that is known.
    pub(super) fn sender(&self, id: ConversationId, user: UserId) -> Option<bool> {
        self.senders.get(&id)?.get(&user).copied()
    }

    /// Remembers who was in such conversations at a time, and who was not.
    pub(super) fn learn_senders(&mut self, at: Instant, found: &HashMap<(ConversationId, UserId), bool>) {
        if self.forgotten.is_some_and(|forgotten| at <= forgotten) {
            return;
        }
        self.since = Some(self.since.map_or(at, |since| since.min(at)));
        for ((id, user), is_in) in found {
            self.senders.entry(*id).or_default().insert(*user, *is_in);
        }
    }

    pub(super) fn end(&self, id: ConversationId) -> Option<End> {
        let KnownEnd { end, at, by_the_wall } = *self.ends.get(&id)?;
        let now = self.clock.now();
        // The wall's clock may have been put back.
        let passed = now.since(by_the_wall).max(by_the_wall.since(now)).max(at.elapsed());
        (passed < END_BELIEVED).then_some(end)
    }

    pub(super) fn set_end(&mut self, id: ConversationId, end: End) {
        if self.ends.len() > REMEMBERED {
            self.ends.clear();
        }
        self.ends.insert(id, KnownEnd { end, at: Instant::now(), by_the_wall: self.clock.now() });
    }

    /// The log has come to a revision without a new message.
    pub(super) fn move_end(&mut self, id: ConversationId, rev: Rev) {
        match self.end(id) {
            Some((seq, before)) if before.next() == rev => self.set_end(id, (seq, rev)),
            // What was written at the same time, by this node, is known better by who wrote it.
            Some((_, before)) if before > rev => {}
            Some(_) | None => drop(self.ends.remove(&id)),
        }
    }

    /// Somebody else has written there, perhaps that somebody takes part no more.
    pub(super) fn forget_conversation(&mut self, id: ConversationId) {
        self.ends.remove(&id);
        self.participants.remove(&id);
        self.senders.remove(&id);
    }

    /// Something else has changed a conversation.
    pub(super) fn change(&mut self, id: ConversationId) {
        self.forget_conversation(id);
        // Who reads at this moment may have read it as it was.
        self.forgotten = Some(Instant::now());
    }

    /// Where logs end is not known any more.
    pub(super) fn forget_ends(&mut self) {
        self.ends.clear();
    }

    /// Something else has changed what is remembered.
    pub(super) fn forget(&mut self) {
        *self = Self { forgotten: Some(Instant::now()), ..Self::new(Arc::clone(&self.clock)) };
    }
}

#[cfg(test)]
mod tests {
    use parlor_domain::testing::SettableClock;

    use super::*;

    const HERE: ConversationId = ConversationId::from_bytes([1; 12]);
    const END: End = (Seq::new(5), Rev::new(7));
    const ALMOST: Duration = Duration::from_secs(59);
    const REST: Duration = Duration::from_secs(1);

    fn memory() -> (Memory, Arc<SettableClock>) {
        let clock = Arc::<SettableClock>::default();
        let mut memory = Memory::new(Arc::<SettableClock>::clone(&clock));
        memory.set_end(HERE, END);
        (memory, clock)
    }

    /// Makes it longer ago that the end was known, by the clock that nobody sets.
    fn wait(memory: &mut Memory, time: Duration) {
        let known = memory.ends.get_mut(&HERE).unwrap();
        known.at = known.at.checked_sub(time).expect("the machine has run for a minute");
    }

    #[test]
    fn an_end_is_believed_for_a_minute_and_forgotten_then() {
        let (mut memory, _) = memory();
        wait(&mut memory, ALMOST);
        assert_eq!(memory.end(HERE), Some(END));
        wait(&mut memory, REST);
        assert_eq!(memory.end(HERE), None);
        memory.set_end(HERE, END);
        assert_eq!(memory.end(HERE), Some(END), "it was learned anew");
    }

    #[test]
    fn an_end_is_forgotten_after_a_suspension_of_which_one_clock_knows_nothing() {
        let (mut memory, clock) = memory();
        clock.advance(ALMOST);
        assert_eq!(memory.end(HERE), Some(END));
        clock.advance(REST);
        assert_eq!(memory.end(HERE), None);
        memory.move_end(HERE, END.1.next());
        assert_eq!(memory.end(HERE), None, "what is not believed is no ground for more");
    }

    #[test]
    fn a_clock_that_is_put_back_prolongs_nothing() {
        let (mut memory, clock) = memory();
        memory.ends.get_mut(&HERE).unwrap().by_the_wall = clock.now() + ALMOST + REST;
        assert_eq!(memory.end(HERE), None);
    }
}
