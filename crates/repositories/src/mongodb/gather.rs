//! Lookups of many callers, made together when many come at once.
//!
//! A few are under way at a time. Who finds a place for his own waits for nobody; what comes meanwhile is looked up by
//! one command when a place is free. So a crowd that comes back at once costs hardly more than one of it.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use parlor_domain::store::{StoreError, StoreResult};
use tokio::sync::oneshot;

use super::database::{Collections, Database, Job};

/// How many lookups of one sort are under way at a time.
const UNDER_WAY: usize = 4;
/// How many keys one of them has at most.
const AT_ONCE: usize = 200;

/// Looks keys up. What is not found is left out.
pub(crate) type LookUp<K, V> = for<'a> fn(&'a Collections, &'a Vec<K>) -> Job<'a, HashMap<K, V>>;

/// Lookups of one sort.
pub(crate) struct Gather<K, V>(Arc<Mutex<Waiting<K, V>>>, LookUp<K, V>);

struct Waiting<K, V> {
    callers: Vec<(K, Answer<V>)>,
    under_way: usize,
}

/// What a caller gets; `None` asks him to look up by himself.
type Answer<V> = oneshot::Sender<Option<StoreResult<Option<V>>>>;

impl<K, V> Gather<K, V>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + 'static,
{
    pub(crate) fn new(look_up: LookUp<K, V>) -> Self {
        Self(Arc::new(Mutex::new(Waiting { callers: Vec::new(), under_way: 0 })), look_up)
    }

    /// What there is of a key. It is looked up after this call.
    pub(crate) async fn get(&self, database: &Database, key: K) -> StoreResult<Option<V>> {
        let (sender, receiver) = oneshot::channel();
        if self.begins((key, sender)) {
            database.runtime.spawn(work(Weak::clone(&database.me), Arc::clone(&self.0), self.1));
        }
        match receiver.await {
            Ok(Some(answer)) => answer,
            Ok(None) => Ok(database.read(vec![key], self.1).await?.remove(&key)),
            Err(_) => Err(StoreError::unavailable("the store is closed")),
        }
    }

    /// Adds a caller. Whether there is a place free for a lookup, which is taken then.
    fn begins(&self, caller: (K, Answer<V>)) -> bool {
        let mut waiting = self.0.lock();
        waiting.callers.push(caller);
        let begins = waiting.under_way < UNDER_WAY;
        waiting.under_way += usize::from(begins);
        begins
    }
}

/// Looks up what waits, until nothing does.
async fn work<K, V>(database: Weak<Database>, waiting: Arc<Mutex<Waiting<K, V>>>, look_up: LookUp<K, V>)
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + 'static,
{
    while let Some(callers) = next(&waiting) {
        let keys: HashSet<K> = callers.iter().map(|(key, _)| *key).collect();
        let Some(database) = database.upgrade() else { return };
        match database.read(keys.into_iter().collect(), look_up).await {
            Ok(found) => {
                let found = |key| Some(Ok(found.get(&key).cloned()));
                callers.into_iter().for_each(|(key, caller)| answer(caller, found(key)));
            }
            Err(error) => answer_all(callers.into_iter().map(|(_, caller)| caller).collect(), error),
        }
    }
}

/// Tells callers that a lookup has failed.
fn answer_all<V>(mut callers: Vec<Answer<V>>, error: StoreError) {
    let Some(last) = callers.pop() else { return };
    let reason = match &error {
        StoreError::Unavailable(reason) => Some(reason.to_string()),
        // One that can't be read says nothing of the others.
        StoreError::Corrupt(_) | StoreError::Conflict(_) | StoreError::Full(_) => None,
    };
    let alone = callers.is_empty();
    for caller in callers {
        answer(caller, reason.clone().map(|reason| Err(StoreError::unavailable(reason))));
    }
    answer(last, (alone || reason.is_some()).then_some(Err(error)));
}

fn answer<V>(caller: Answer<V>, value: Option<StoreResult<Option<V>>>) {
    // A caller that went away needs no answer.
    let _ = caller.send(value);
}

fn next<K, V>(waiting: &Mutex<Waiting<K, V>>) -> Option<Vec<(K, Answer<V>)>> {
    let mut waiting = waiting.lock();
    let count = waiting.callers.len().min(AT_ONCE);
    if count == 0 {
        waiting.under_way -= 1;
        return None;
    }
    Some(waiting.callers.drain(..count).collect())
}
