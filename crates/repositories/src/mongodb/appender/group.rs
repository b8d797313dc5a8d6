//! A group of messages that are written together.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use mongodb::{
    bson::RawDocumentBuf,
    error::{Error, ErrorKind},
};
use parking_lot::Mutex;
use parlor_domain::{
    ConversationId, Fingerprint, Message, Rev, UserId,
    store::{AppendOutcome, StoreError, StoreResult},
};
use tracing::warn;

use super::{
    super::{
        database::{Collections, Pace, TimeLimits, answer},
        documents::{MessageDocument, encode},
        error::{Attempt, Failure, duplicate_index, failed},
        holds,
    },
    Job,
    derived::Derived,
    lookup::{Conversations, Stored, ends, stored},
    memory::{End, Memory},
};

/// A group on its way.
pub(super) struct Group {
    pub(super) collections: Collections,
    pub(super) memory: Arc<Mutex<Memory>>,
    pub(super) derived: Arc<Derived>,
    pub(super) limits: TimeLimits,
    pub(super) pace: Pace,
}

/// A message that has its place.
struct Placed {
    job: Job,
    message: Message,
    recipient: Option<UserId>,
}

/// Why the first one that is not stored is not.
enum Refused {
    /// A message with its id is stored.
    IdTaken,
    /// Another node has written at its place.
    PlaceTaken,
    /// The database does not want it.
    Other(Error),
}

impl Group {
    /// Writes until everyone has an answer.
    pub(super) async fn write(mut self, mut jobs: VecDeque<Job>) {
        let mut first_round = true;
        while !jobs.is_empty() {
            let waiting = jobs.len();
            let round = self.round(&mut jobs, first_round).await;
            first_round = false;
            match round {
                Ok(()) if jobs.len() < waiting => {}
                // Overtaken by another node. The longer it waits, the surer it is overtaken again.
                Ok(()) if !self.pace.is_over() => tokio::task::yield_now().await,
                Ok(()) => return refuse_all(jobs, Failure::NoAnswer),
                Err(failure) if failure.is_passing() && !self.pace.is_over() => {
                    warn!(%failure, "can't append messages, trying again");
                    self.memory.lock().forget_ends();
                    self.pace.wait().await;
                }
                Err(failure) => {
                    self.memory.lock().forget_ends();
                    return refuse_all(jobs, failure);
                }
            }
        }
    }

    /// One attempt for all of them. Those that have no answer afterwards stay, in their order.
    async fn round(&self, jobs: &mut VecDeque<Job>, first_round: bool) -> Attempt<()> {
        let (c, limits) = (&self.collections, self.limits);
        let conversations = Conversations::of(c, limits, &self.memory, jobs.iter().map(|job| &job.new)).await?;
        // On the first attempt nothing can be stored, unless it was sent before: the insert tells that. But a repeat to
        // who is gone by now is answered like the first.
        if !first_round || jobs.iter().any(|job| conversations.is_deserted(&job.new)) {
            let stored = stored(c, limits, jobs.iter().map(|job| job.new.id)).await?;
            let stored = take_stored(jobs, stored, &conversations);
            self.finish(stored).await;
        }
        let mut ends = self.ends_of(conversations.ids()).await?;
        let mut placed = place(jobs, &conversations, &mut ends);
        if placed.is_empty() {
            return Ok(());
        }
        let (count, refused) = match self.insert(&placed).await {
            Ok(inserted) => inserted,
            Err(failure) => {
                placed.iter_mut().for_each(|placed| placed.job.unanswered = true);
                put_back(jobs, placed);
                return Err(failure);
            }
        };
        let stored: Vec<Placed> = placed.drain(..count).collect();
        self.remember(&stored);
        self.refuse(&mut placed, refused);
        put_back(jobs, placed);
        self.finish(stored).await;
        Ok(())
    }

    /// Learns from the first that is not stored, and answers for it if it is not to be tried again.
    fn refuse(&self, placed: &mut VecDeque<Placed>, refused: Option<Refused>) {
        match refused {
            None | Some(Refused::IdTaken) => {}
            Some(Refused::PlaceTaken) => {
                // Who has written in one of these conversations may have written in all of them.
                let mut memory = self.memory.lock();
                for Placed { message, .. } in placed {
                    memory.forget_conversation(message.conversation_id);
                }
            }
            Some(Refused::Other(error)) => {
                if let Some(first) = placed.pop_front() {
                    first.job.answer(Err(failed(error)));
                }
            }
        }
    }

    /// Where these logs end, remembered or read.
    async fn ends_of(&self, ids: impl Iterator<Item = ConversationId>) -> Attempt<HashMap<ConversationId, End>> {
        let mut known = HashMap::new();
        let mut unknown = Vec::new();
        {
            let memory = self.memory.lock();
            for id in ids {
                match memory.end(id) {
                    Some(end) => drop(known.insert(id, end)),
                    None => unknown.push(id),
                }
            }
        }
        known.extend(ends(&self.collections, self.limits, unknown).await?);
        Ok(known)
    }

    fn remember(&self, stored: &[Placed]) {
        let mut memory = self.memory.lock();
        for Placed { message, .. } in stored {
            memory.set_end(message.conversation_id, (message.seq, message.rev));
        }
    }

    /// How many of the first ones are stored, and why the next one is not; a failure if nobody knows.
    async fn insert(&self, placed: &VecDeque<Placed>) -> Attempt<(usize, Option<Refused>)> {
        let document = |placed: &Placed| encode(&MessageDocument::new(&placed.message, placed.job.new.fingerprint()));
        let documents: Vec<RawDocumentBuf> = placed.iter().map(document).collect::<StoreResult<_>>()?;
        let (count, collection) = (documents.len(), self.collections.messages.clone());
        let inserting = async move { Ok(collection.insert_many(documents).ordered(true).await) };
        match answer(self.limits.attempt, tokio::spawn(inserting)).await? {
            Ok(_) => Ok((count, None)),
            Err(error) => refusal(error),
        }
    }

    /// Answers for messages that are stored. What follows from them is written behind the answer. The next group waits
    /// for this: those who are answered at once send at once, and large groups cost the database much less than small ones.
    async fn finish(&self, stored: Vec<Placed>) {
        if stored.is_empty() {
            return;
        }
        self.derived.note(stored.iter().map(|placed| &placed.message));
        let held = match self.held_from(&stored).await {
            Ok(held) => held,
            // The message may have to be held back or not, so nobody may push it. Who sends it again gets it.
            Err(failure) => return refuse_all(stored.into_iter().map(|placed| placed.job).collect(), failure),
        };
        Job::answer_all(stored.into_iter().map(|Placed { job, message, recipient }| {
            let held = recipient.map(|recipient| {
                held.get(&(message.conversation_id, recipient)).is_some_and(|from| message.rev > *from)
            });
            (job, Ok(AppendOutcome::Appended { message, held }))
        }));
    }

    /// From where on the recipients' changes are held back, asked until there is an answer or no more time.
    async fn held_from(&self, stored: &[Placed]) -> Attempt<HashMap<(ConversationId, UserId), Rev>> {
        let recipients: Vec<_> =
            stored.iter().filter_map(|placed| Some((placed.message.conversation_id, placed.recipient?))).collect();
        let mut pace = self.pace.again();
        loop {
            let (collections, recipients) = (self.collections.clone(), recipients.clone());
            let asking = tokio::spawn(async move { holds::held_from(&collections, &recipients).await });
            match answer(self.limits.attempt, asking).await {
                Err(failure) if failure.is_passing() && !pace.is_over() => pace.wait().await,
                held => return held,
            }
        }
    }
}

/// Takes those out that are stored by an earlier attempt, and answers those whose id is stored otherwise.
fn take_stored(jobs: &mut VecDeque<Job>, stored: Stored, conversations: &Conversations) -> Vec<Placed> {
    let mut taken: Vec<Placed> = Vec::new();
    for job in std::mem::take(jobs) {
        match stored.get(&job.new.id) {
            None => jobs.push_back(job),
            Some((message, fingerprint))
                if is_own(&job, message, *fingerprint) && taken.iter().all(|own| own.message.id != message.id) =>
            {
                let recipient = conversations.recipient(&job.new);
                taken.push(Placed { message: message.clone(), job, recipient });
            }
            Some((message, fingerprint)) => {
                let outcome = AppendOutcome::of_taken_id(&job.new.key(), message, *fingerprint);
                job.answer(outcome);
            }
        }
    }
    taken
}

/// Whether an attempt of this job that was not answered has stored the message. What was sent before under the same name
/// is of another time. If another node has stored that in the same millisecond, both are told that it is new, and push the
/// one message to those who are connected to them.
fn is_own(Job { new, unanswered, .. }: &Job, stored: &Message, fingerprint: Fingerprint) -> bool {
    // Not the whole message: it may have been edited or reacted to meanwhile.
    let is_the_same = stored.sender_id == new.sender_id && stored.created_at == new.created_at;
    *unanswered && is_the_same && new.fingerprint() == fingerprint
}

/// Gives each message its place behind the others, and an answer to those that get none. Of several with one id, the
/// later ones stay behind until the first has its answer.
fn place(
    jobs: &mut VecDeque<Job>,
    conversations: &Conversations,
    ends: &mut HashMap<ConversationId, End>,
) -> VecDeque<Placed> {
    let mut placed = VecDeque::new();
    let mut ids = HashSet::new();
    for job in std::mem::take(jobs) {
        if !conversations.has_sender(&job.new) {
            job.answer(Ok(AppendOutcome::NotAMember));
        } else if conversations.is_deserted(&job.new) {
            job.answer(Ok(AppendOutcome::RecipientDeleted));
        } else if !ids.insert(job.new.id) {
            jobs.push_back(job);
        } else {
            let end = ends.entry(job.new.conversation_id).or_default();
            *end = (end.0.next(), end.1.next());
            let recipient = conversations.recipient(&job.new);
            placed.push_back(Placed { message: job.new.at(*end), job, recipient });
        }
    }
    placed
}

/// Tells everybody why it can't be done.
fn refuse_all(jobs: VecDeque<Job>, failure: Failure) {
    let reason = Arc::new(StoreError::from(failure));
    for job in jobs {
        let reason = Arc::clone(&reason);
        job.answer(Err(match *reason {
            StoreError::Full(_) => StoreError::Full(reason.into()),
            StoreError::Conflict(_) | StoreError::Unavailable(_) | StoreError::Corrupt(_) => {
                StoreError::unavailable(reason)
            }
        }));
    }
}

/// Those that were tried in vain come before those that were not tried.
fn put_back(jobs: &mut VecDeque<Job>, placed: VecDeque<Placed>) {
    for Placed { job, .. } in placed.into_iter().rev() {
        jobs.push_front(job);
    }
}

/// What an insert's error says of each message.
fn refusal(error: Error) -> Attempt<(usize, Option<Refused>)> {
    let ErrorKind::InsertMany(details) = &*error.kind else { return Err(error.into()) };
    // What is stored and not confirmed by a majority may be taken back.
    let unconfirmed = details.write_concern_error.is_some();
    let first = details.write_errors.as_ref().and_then(|errors| errors.first());
    let Some(refused) = first.filter(|_| !unconfirmed) else { return Err(Failure::NoAnswer) };
    let (count, index) = (refused.index, duplicate_index(&refused.message));
    let refused = match index {
        "_id_" => Refused::IdTaken,
        "bySeq" | "byRev" => Refused::PlaceTaken,
        _ => Refused::Other(error),
    };
    Ok((count, Some(refused)))
}

#[cfg(test)]
mod tests {
    use parlor_domain::{ClientMessageId, Mentions, MessageId, MessageText, Metadata, NewMessage, Seq, Timestamp};
    use tokio::sync::oneshot;

    use super::*;

    type Outcome = oneshot::Receiver<StoreResult<AppendOutcome>>;

    fn new(client_message_id: Option<&str>) -> NewMessage {
        NewMessage {
            id: MessageId::from_bytes([1; 12]),
            conversation_id: ConversationId::from_bytes([2; 12]),
            sender_id: UserId::from_bytes([3; 12]),
            text: MessageText::parse("once").unwrap(),
            metadata: Metadata::default(),
            client_message_id: client_message_id.map(|id| ClientMessageId::parse(id).unwrap()),
            reply_to: None,
            forward: None,
            mentions: Mentions::default(),
            created_at: Timestamp::from_millis(4),
        }
    }

    fn job(new: &NewMessage, unanswered: bool) -> (Job, Outcome) {
        let (answer, outcome) = oneshot::channel();
        (Job { new: new.clone(), unanswered, answer, runtime: None }, outcome)
    }

    /// How many of these jobs have stored this one, and whether each of the others was told that it repeats it.
    fn taken(jobs: Vec<(Job, Outcome)>, first: &NewMessage) -> (usize, Vec<bool>) {
        let first = (first.at((Seq::new(5), Rev::new(6))), first.fingerprint());
        let stored = Stored::from([(first.0.id, first)]);
        let (mut jobs, mut outcomes): (VecDeque<Job>, Vec<Outcome>) = jobs.into_iter().unzip();
        let taken = take_stored(&mut jobs, stored, &Conversations::default());
        let told = outcomes.iter_mut().filter_map(|outcome| outcome.try_recv().ok());
        (taken.len(), told.map(|told| matches!(told, Ok(AppendOutcome::Repeated(_)))).collect())
    }

    #[test]
    fn what_an_attempt_without_an_answer_has_stored_is_new_and_once() {
        for name in [None, Some("c1")] {
            assert_eq!(taken(vec![job(&new(name), true)], &new(name)), (1, vec![]));
        }
        let named = new(Some("c1"));
        assert_eq!(
            taken(vec![job(&named, true), job(&named, true), job(&named, false)], &named),
            (1, vec![true, true])
        );
    }

    #[test]
    fn what_was_sent_before_is_a_repeat_though_an_attempt_at_it_was_not_answered() {
        let named = new(Some("c1"));
        let before = NewMessage { created_at: Timestamp::from_millis(3), ..named.clone() };
        assert_eq!(taken(vec![job(&named, true)], &before), (0, vec![true]));
        assert_eq!(taken(vec![job(&named, false)], &named), (0, vec![true]));
    }
}
