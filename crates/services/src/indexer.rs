//! Enters messages into the index that a search looks into.
//!
//! The index follows the log: how far it has come in each conversation is stored with it, so whoever comes next goes on
//! there, after a kill as well, and several servers that do the same do no harm. Nothing of it is done while a message is
//! sent. A search enters what it needs and is missing; the rest is done in the background, a bounded part at a time: the
//! conversations in which something has happened, and after a start all that there are.

use std::{
    collections::{BTreeSet, HashMap},
    ops::Bound,
};

use parking_lot::Mutex;
use parlor_domain::{
    Content, ConversationId, Message, Rev, index_terms,
    store::{IndexEntry, StoreResult},
};

use crate::Deps;

/// How many messages are entered at a time.
const AT_ONCE: usize = 100;
/// How many times a step of the background enters some.
const STEP: usize = 10;
/// How many conversations a step looks at to find those that are behind.
const SWEPT: usize = 200;
/// How many conversations are remembered in which something has happened.
const NOTED: usize = 10_000;
/// How many of the newest changes of one conversation a search enters, and how many of all.
const ENTERED: (u64, usize) = (500, 2000);
/// As how many of these a conversation counts that has fewer.
const LEAST: usize = 10;

/// What is still to be entered, as far as this server knows.
#[derive(Default)]
pub(crate) struct Indexer(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    noted: BTreeSet<ConversationId>,
    /// The one that was taken last; the next one is behind it, so that each has its turn.
    taken: Option<ConversationId>,
    sweep: Sweep,
}

/// What was entered.
struct Entered {
    /// How far the index has come.
    rev: Rev,
    /// How many messages that were.
    messages: usize,
    /// Whether there are no more.
    is_end: bool,
}

/// How far the look at all conversations has come.
#[derive(Clone, Copy, Default)]
enum Sweep {
    #[default]
    Beginning,
    After(ConversationId),
    Done,
}

impl Indexer {
    /// Remembers that something has happened in a conversation.
    pub(crate) fn note(&self, conversation: ConversationId) {
        let mut waiting = self.0.lock();
        if waiting.noted.len() < NOTED {
            waiting.noted.insert(conversation);
        } else {
            // Too many to remember: all are looked at again.
            waiting.sweep = Sweep::Beginning;
        }
    }

    /// Has all conversations looked at again: another server may have left something undone.
    pub(crate) fn sweep_again(&self) {
        let mut waiting = self.0.lock();
        if matches!(waiting.sweep, Sweep::Done) {
            waiting.sweep = Sweep::Beginning;
        }
    }

    fn next(&self) -> Option<ConversationId> {
        let mut waiting = self.0.lock();
        let behind = (waiting.taken.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let next = waiting.noted.range(behind).next().or_else(|| waiting.noted.first()).copied()?;
        waiting.taken = Some(next);
        waiting.noted.take(&next)
    }
}

impl Deps {
    /// A bounded part of what is still to be entered.
    pub(crate) async fn index_some(&self) -> StoreResult<()> {
        for _ in 0..STEP {
            let Some(conversation) = self.indexer.next() else { return self.sweep_some().await };
            let indexed = self.stores.search.indexed(&[conversation]).await?;
            let from = indexed.get(&conversation).copied().unwrap_or_default();
            // One that fails is not tried at once again: it must not hold up the others.
            let entered = self.enter(conversation, from, true).await?;
            if !entered.is_end {
                self.indexer.note(conversation);
            }
        }
        Ok(())
    }

    /// Looks at some conversations, and remembers those that are behind.
    async fn sweep_some(&self) -> StoreResult<()> {
        let sweep = self.indexer.0.lock().sweep;
        let after = match sweep {
            Sweep::Beginning => None,
            Sweep::After(id) => Some(id),
            Sweep::Done => return Ok(()),
        };
        let progress = self.stores.search.progress(after, SWEPT).await?;
        for behind in progress.iter().filter(|progress| progress.indexed < progress.rev) {
            self.indexer.note(behind.conversation);
        }
        let last = progress.last().filter(|_| progress.len() == SWEPT);
        self.indexer.0.lock().sweep = last.map_or(Sweep::Done, |last| Sweep::After(last.conversation));
        Ok(())
    }

    /// Enters what is missing in these conversations, each with its newest revision. Where too much is missing, the newest
    /// messages are entered now, the others later. Whether everything is there.
    pub(crate) async fn catch_up(&self, heads: &[(ConversationId, Rev)]) -> StoreResult<bool> {
        let ids: Vec<ConversationId> = heads.iter().map(|(id, _)| *id).collect();
        let mut indexed = HashMap::new();
        for ids in ids.chunks(1000) {
            indexed.extend(self.stores.search.indexed(ids).await?);
        }
        let (mut all, mut left) = (true, ENTERED.1);
        for (id, head) in heads {
            let from = indexed.get(id).copied().unwrap_or_default();
            if from >= *head {
                continue;
            }
            let late = Rev::new(head.get().saturating_sub(ENTERED.0));
            let is_far = from < late;
            let mut at = from.max(late);
            let mut done = false;
            while left > 0 && !done {
                let entered = self.enter(*id, at, !is_far).await?;
                (at, done) = (entered.rev, entered.is_end);
                left = left.saturating_sub(entered.messages.max(LEAST));
            }
            if is_far || !done {
                self.indexer.note(*id);
                all = false;
            }
        }
        Ok(all)
    }

    /// Enters the next messages of a conversation after a revision, and that the index has come so far, if nothing before
    /// is missing.
    async fn enter(&self, conversation: ConversationId, from: Rev, in_order: bool) -> StoreResult<Entered> {
        let page = self.stores.messages.changes(conversation, from, AT_ONCE).await?;
        let messages = page.messages.len();
        let is_end = messages < AT_ONCE;
        let last = page.messages.last().map_or(from, |last| last.rev);
        let rev = if is_end { page.head.max(last) } else { last };
        let entries: Vec<IndexEntry> = page.messages.iter().filter_map(entry).collect();
        self.stores.search.enter(conversation, &entries, in_order.then_some(rev)).await?;
        Ok(Entered { rev, messages, is_end })
    }
}

/// What the index gets of a message; nothing of what the server has noted.
fn entry(message: &Message) -> Option<IndexEntry> {
    let terms = match &message.content {
        Content::Text(text) => index_terms(message.sender_id, text.as_str()),
        Content::Deleted(_) => Vec::new(),
        Content::System(_) => return None,
    };
    Some(IndexEntry { message: message.id, rev: message.rev, created_at: message.created_at, terms })
}
