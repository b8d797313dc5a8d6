//! Lookups of many callers, made together when many come at once.
//!
//! A few are under way at a time. Who finds a place for his own waits for nobody; what comes meanwhile is looked up by
//! one command when a place is free. So a crowd that comes back at once costs hardly more than one of it.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use parlor_domain::store::{StoreError, StoreResult};
use tokio::{sync::oneshot, time::timeout};

use super::{
    database::{Collections, Database, Job},
    error::Failure,
};

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
        match in_time(database.limits.operation, receiver).await? {
            Some(answer) => answer,
            None => Ok(database.read(vec![key], self.1).await?.remove(&key)),
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

/// Waits for an answer, but no longer than an operation may take: those before it may take that long themselves.
async fn in_time<T>(limit: Duration, receiver: oneshot::Receiver<T>) -> StoreResult<T> {
    match timeout(limit, receiver).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(StoreError::unavailable("the store is closed")),
        Err(_) => Err(Failure::NoAnswer.into()),
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
    // Those who went away or waited too long.
    waiting.callers.retain(|(_, caller)| !caller.is_closed());
    let count = waiting.callers.len().min(AT_ONCE);
    if count == 0 {
        waiting.under_way -= 1;
        return None;
    }
    Some(waiting.callers.drain(..count).collect())
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, future::join_all};

    use super::{
        super::{MongoOptions, MongoStore},
        *,
    };
    use crate::testing::MongoDatabase;

    /// The keys of each lookup that was made.
    type Asked = Mutex<Vec<Vec<u32>>>;

    async fn connect(database: &MongoDatabase) -> Arc<Database> {
        MongoStore::connect(database.url(), &MongoOptions::default()).await.unwrap().database
    }

    /// Finds each key, and as its value the double.
    fn found(keys: &[u32]) -> HashMap<u32, u32> {
        keys.iter().map(|key| (*key, 2 * key)).collect()
    }

    fn note(asked: &Asked, keys: &[u32]) {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        asked.lock().push(keys);
    }

    #[tokio::test]
    async fn those_who_come_at_once_are_looked_up_together() {
        static ASKED: Asked = Mutex::new(Vec::new());
        let name = MongoDatabase::fresh();
        let database = connect(&name).await;
        let gather = Gather::new(|_, keys: &Vec<u32>| {
            note(&ASKED, keys);
            async { Ok(found(keys)) }.boxed()
        });
        let answers = join_all((1..=10).chain([3]).map(|key| gather.get(&database, key))).await;
        let values: Vec<u32> = answers.into_iter().map(|answer| answer.unwrap().unwrap()).collect();
        assert_eq!(values, (1..=10).chain([3]).map(|key| 2 * key).collect::<Vec<_>>());
        assert_eq!(*ASKED.lock(), [(1..=10).collect::<Vec<_>>()]);
    }

    #[tokio::test]
    async fn a_key_that_cannot_be_read_fails_for_those_who_ask_for_it_alone() {
        let name = MongoDatabase::fresh();
        let database = connect(&name).await;
        let gather = Gather::new(|_, keys: &Vec<u32>| {
            let corrupt = keys.contains(&13).then(|| StoreError::corrupt("thirteen"));
            async { corrupt.map_or_else(|| Ok(found(keys)), |error| Err(error.into())) }.boxed()
        });
        let answers = join_all((10..=16).map(|key| gather.get(&database, key).map(move |answer| (key, answer)))).await;
        for (key, answer) in answers {
            match answer {
                Ok(value) => assert!(key != 13 && value == Some(2 * key), "{key}: {value:?}"),
                Err(error) => assert!(key == 13 && matches!(error, StoreError::Corrupt(_)), "{key}: {error:?}"),
            }
        }
    }

    #[tokio::test]
    async fn nothing_is_looked_up_for_a_caller_who_has_gone() {
        static ASKED: Asked = Mutex::new(Vec::new());
        let name = MongoDatabase::fresh();
        let database = connect(&name).await;
        let gather = Gather::new(|_, keys: &Vec<u32>| {
            note(&ASKED, keys);
            async { Ok(found(keys)) }.boxed()
        });
        for key in 1..=10 {
            // Begun, and then dropped.
            assert!(gather.get(&database, key).now_or_never().is_none());
        }
        assert_eq!(gather.get(&database, 11).await.unwrap(), Some(22));
        assert_eq!(*ASKED.lock(), [vec![11]]);
    }

    #[tokio::test]
    async fn who_finds_no_place_waits_no_longer_than_an_operation_may_take() {
        let (_sender, receiver) = oneshot::channel::<()>();
        let waited = in_time(Duration::ZERO, receiver).await;
        assert!(matches!(waited, Err(StoreError::Unavailable(_))), "{waited:?}");
    }
}
