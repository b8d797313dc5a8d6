//! The database, and the three ways to work on it: reads, single writes, and changes of several documents at once.
//!
//! Every attempt runs as a task of its own on the runtime that the client was made on: the driver's futures must not be
//! dropped half-way, and a caller may go away at any time. The caller waits only so long.

use std::{
    future::Future,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::future::BoxFuture;
use mongodb::{
    Client, ClientSession, Collection, Cursor,
    bson::{Document, RawDocumentBuf, doc},
    error::{Error, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT},
    options::{CollectionOptions, ReadConcern, TransactionOptions, WriteConcern},
};
use parlor_domain::{
    ConversationId, Member, Session, SessionId, TieKind, Timestamp, User, UserId,
    store::{Head, StoreError, StoreResult},
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, Semaphore, SemaphorePermit},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    appender::Appender,
    documents::{Stored, decode},
    error::{Attempt, Failure, duplicate, nothing_sent, refused_update},
    gather::Gather,
    lines::{Lines, Place},
};

/// How often a change of a conversation is tried while messages are sent there.
const TRIES_BESIDE: u32 = 3;

/// What a job gives.
pub(crate) type Job<'a, T> = BoxFuture<'a, Attempt<T>>;

/// What every store trait is implemented on.
pub(crate) struct Database {
    pub(crate) collections: Collections,
    pub(crate) appender: Appender,
    pub(crate) runtime: Handle,
    pub(crate) limits: TimeLimits,
    /// Whether changes of several documents can be made at once: not on a standalone server.
    pub(crate) transactions: bool,
    /// How many operations are under way: fewer than there are connections, so that no attempt's time is spent on
    /// waiting for one, and the appender finds one free however many want to read.
    pub(crate) turns: Semaphore,
    /// One permit, for changes that must not be made beside each other and could be without transactions.
    pub(crate) alone: Semaphore,
    pub(crate) users: Gather<UserId, User>,
    pub(crate) sessions: Gather<SessionId, (Session, Option<Timestamp>)>,
    pub(crate) heads: Gather<UserId, Vec<Head>>,
    pub(crate) members: Gather<ConversationId, Vec<Member>>,
    pub(crate) told_members: Gather<ConversationId, Vec<Member>>,
    pub(crate) ties: Gather<(UserId, UserId), (Option<TieKind>, Option<TieKind>)>,
    /// Where changes of one conversation, or of one user, wait for each other.
    pub(crate) lines: Lines,
    /// Lets changes of relations happen one after another where there are no transactions.
    pub(crate) relation_turns: Mutex<()>,
    pub(crate) me: Weak<Database>,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeLimits {
    /// An operation in all, repeated attempts included.
    pub(crate) operation: Duration,
    /// One attempt, if another one can be made after it.
    pub(crate) attempt: Duration,
}

impl TimeLimits {
    pub(crate) fn new(operation: Duration) -> Self {
        Self { operation, attempt: (operation / 3).min(Duration::from_secs(3)) }
    }
}

/// The collections. What is read in them is what no failover takes back.
#[derive(Clone)]
pub(crate) struct Collections {
    pub(crate) client: Client,
    pub(crate) database: mongodb::Database,
    pub(crate) users: Collection<RawDocumentBuf>,
    pub(crate) user_stream: Collection<RawDocumentBuf>,
    pub(crate) sessions: Collection<RawDocumentBuf>,
    pub(crate) refresh_tokens: Collection<RawDocumentBuf>,
    pub(crate) tickets: Collection<RawDocumentBuf>,
    pub(crate) conversations: Collection<RawDocumentBuf>,
    pub(crate) members: Collection<RawDocumentBuf>,
    pub(crate) messages: Collection<RawDocumentBuf>,
    pub(crate) versions: Collection<RawDocumentBuf>,
    pub(crate) reactions: Collection<RawDocumentBuf>,
    /// What messages are found by.
    pub(crate) searches: Collection<RawDocumentBuf>,
    /// How far that has come in each conversation.
    pub(crate) search_positions: Collection<RawDocumentBuf>,
    pub(crate) friend_requests: Collection<RawDocumentBuf>,
    pub(crate) ties: Collection<RawDocumentBuf>,
    pub(crate) audit: Collection<RawDocumentBuf>,
    pub(crate) days: Collection<RawDocumentBuf>,
    /// Who was active on which day, for two days.
    pub(crate) active_users: Collection<RawDocumentBuf>,
    /// What changes write that must not miss each other.
    pub(crate) guards: Collection<RawDocumentBuf>,
    /// Conversations and members as the primary has them, for those who want to see what follows from the log at once.
    /// A failover can take that back, so nothing is decided by it.
    pub(crate) newest_conversations: Collection<RawDocumentBuf>,
    pub(crate) newest_members: Collection<RawDocumentBuf>,
}

impl Collections {
    pub(crate) fn new(client: Client, database: mongodb::Database) -> Self {
        let local = || CollectionOptions::builder().read_concern(ReadConcern::local()).build();
        Self {
            users: database.collection("users"),
            user_stream: database.collection("userStream"),
            sessions: database.collection("sessions"),
            refresh_tokens: database.collection("refreshTokens"),
            tickets: database.collection("tickets"),
            conversations: database.collection("conversations"),
            members: database.collection("members"),
            messages: database.collection("messages"),
            versions: database.collection("messageVersions"),
            reactions: database.collection("reactions"),
            searches: database.collection("searches"),
            search_positions: database.collection("searchPositions"),
            friend_requests: database.collection("friendRequests"),
            ties: database.collection("ties"),
            audit: database.collection("audit"),
            days: database.collection("days"),
            active_users: database.collection("activeUsers"),
            guards: database.collection("guards"),
            newest_conversations: database.collection_with_options("conversations", local()),
            newest_members: database.collection_with_options("members", local()),
            client,
            database,
        }
    }

    /// Makes several updates in one command, each `{ q, u }`. They must be such that a repeat changes nothing more.
    pub(crate) async fn update_many(&self, collection: &str, updates: Vec<Document>, concern: Document) -> Attempt<()> {
        if updates.is_empty() {
            return Ok(());
        }
        let command = doc! { "update": collection, "updates": updates, "ordered": false, "writeConcern": concern };
        // The driver takes a reply that lists failed updates for a success.
        let reply = self.database.run_command(command).await?;
        let failed = reply.get_array("writeErrors").ok().and_then(|errors| errors.first()?.as_document());
        match failed.or_else(|| reply.get_document("writeConcernError").ok()) {
            Some(failed) => Err(refused_update(failed.get_i32("code").unwrap_or_default()).into()),
            None => Ok(()),
        }
    }
}

/// What every write waits for, but for what follows from the log.
pub(crate) fn durable() -> WriteConcern {
    WriteConcern::builder().w(mongodb::options::Acknowledgment::Majority).journal(true).build()
}

/// The same, for a command that is put together by hand.
pub(crate) fn durable_document() -> Document {
    doc! { "w": "majority", "j": true }
}

/// Everything that a query finds.
pub(crate) async fn all<D: Stored>(mut cursor: Cursor<RawDocumentBuf>) -> Attempt<Vec<D::Value>> {
    let mut items = Vec::new();
    while cursor.advance().await? {
        items.push(decode::<D>(cursor.current())?);
    }
    Ok(items)
}

/// What a query for one found.
pub(crate) fn one<D: Stored>(found: Option<RawDocumentBuf>) -> StoreResult<Option<D::Value>> {
    found.map(|raw| decode::<D>(&raw)).transpose()
}

impl Database {
    /// Reads. What fails or does not answer is tried again, as long as the operation may take.
    pub(crate) async fn read<C, T>(
        &self,
        context: C,
        job: for<'a> fn(&'a Collections, &'a C) -> Job<'a, T>,
    ) -> StoreResult<T>
    where
        C: Send + Sync + 'static,
        T: Send + 'static,
    {
        let context = Arc::new(context);
        let mut pace = Pace::until(Instant::now() + self.limits.operation);
        loop {
            let (collections, context) = (self.collections.clone(), Arc::clone(&context));
            let limit = self.limits.attempt.min(pace.left());
            let answer = self.attempt(limit, async move { job(&collections, &context).await }).await;
            match answer {
                Err(failure) if failure.is_passing() && !pace.is_over() => pace.wait().await,
                answer => return Ok(answer?),
            }
        }
    }

    /// Writes by one command, or by several of which each leaves things as they should be.
    pub(crate) async fn write<C, T>(
        &self,
        context: C,
        job: for<'a> fn(&'a Collections, &'a C) -> Job<'a, T>,
    ) -> StoreResult<T>
    where
        C: Send + Sync + 'static,
        T: Send + 'static,
    {
        let collections = self.collections.clone();
        let mut pace = Pace::until(Instant::now() + self.limits.operation);
        let attempts = async move {
            loop {
                match job(&collections, &context).await {
                    Err(Failure::Database(error)) if nothing_sent(&error) && !pace.is_over() => pace.wait().await,
                    answer => return answer,
                }
            }
        };
        Ok(self.attempt(self.limits.operation, attempts).await?)
    }

    /// Changes several documents at once: all of it happens or nothing. A job that comes across another one runs
    /// again from its beginning; so does one that a unique index refuses, as it has seen something old.
    ///
    /// On a standalone server the parts happen one after the other.
    pub(crate) async fn change<C, T>(
        &self,
        context: C,
        job: for<'a> fn(&'a Collections, &'a C, &'a mut ClientSession) -> Job<'a, T>,
    ) -> StoreResult<T>
    where
        C: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.change_within(None, context, job).await
    }

    /// The same for a change that takes the next place in a conversation, and concerns these users. Changes of one
    /// conversation, and those that concern one user, are made one after the other. A change that others get in the way of
    /// again and again, as messages are sent there, is made while the appender leaves the conversation alone.
    pub(crate) async fn change_in<C, T>(
        &self,
        (conversation, users): (ConversationId, &[UserId]),
        context: C,
        job: for<'a> fn(&'a Collections, &'a C, &'a mut ClientSession) -> Job<'a, T>,
    ) -> StoreResult<T>
    where
        C: Send + Sync + 'static,
        T: Send + 'static,
    {
        let subjects = users.iter().map(|user| *user.as_bytes()).chain([*conversation.as_bytes()]);
        // Before anything of the database is taken: who waits here must not keep others from it.
        let places = timeout(self.limits.operation, self.lines.turns(subjects)).await;
        let places = places.map_err(|_| Failure::NoAnswer)?;
        self.change_within(Some((conversation, places)), context, job).await
    }

    async fn change_within<C, T>(
        &self,
        turn: Option<(ConversationId, Vec<Place>)>,
        context: C,
        job: for<'a> fn(&'a Collections, &'a C, &'a mut ClientSession) -> Job<'a, T>,
    ) -> StoreResult<T>
    where
        C: Send + Sync + 'static,
        T: Send + 'static,
    {
        let collections = self.collections.clone();
        let (transactions, closed) = (self.transactions, Arc::clone(self.appender.closed()));
        let mut pace = Pace::until(Instant::now() + self.limits.operation);
        let attempts = async move {
            let (conversation, _places) = turn.unzip();
            // Without transactions nothing else keeps it and messages apart.
            let mut tries_beside = if transactions { TRIES_BESIDE } else { 0 };
            let mut closing = None;
            loop {
                if let Some(id) = conversation.filter(|_| closing.is_none() && tries_beside == 0) {
                    closing = Some(Arc::clone(&closed).close(id).await);
                }
                let (answer, again) = if transactions {
                    let answer = transact(&collections, &context, job, &mut pace).await;
                    let again = matches!(&answer, Err(Failure::Database(error)) if may_run_again(error));
                    (answer, again)
                } else {
                    let mut session = collections.client.start_session().await?;
                    let answer = job(&collections, &context, &mut session).await;
                    // Else a part of it may have been done.
                    let again = matches!(&answer, Err(Failure::Database(error)) if duplicate(error).is_some());
                    (answer, again)
                };
                if !again || pace.is_over() {
                    return answer;
                }
                tries_beside = tries_beside.saturating_sub(1);
                pace.wait().await;
            }
        };
        Ok(self.attempt(self.limits.operation, attempts).await?)
    }

    /// Waits until nobody else on this server makes such a change, where transactions don't keep them apart.
    pub(crate) async fn alone(&self) -> StoreResult<Option<SemaphorePermit<'_>>> {
        if self.transactions {
            return Ok(None);
        }
        self.alone.acquire().await.map(Some).map_err(StoreError::unavailable)
    }

    async fn attempt<T: Send + 'static>(
        &self,
        limit: Duration,
        task: impl Future<Output = Attempt<T>> + Send + 'static,
    ) -> Attempt<T> {
        // Not for as long as the task goes on: one that does not end would keep its turn for ever.
        let turn = timeout(self.limits.operation, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| Failure::NoAnswer)?.map_err(StoreError::unavailable)?;
        answer(limit, self.runtime.spawn(task)).await
    }
}

/// Waits for a task so long. After that it goes on by itself.
pub(crate) async fn answer<T>(limit: Duration, task: JoinHandle<Attempt<T>>) -> Attempt<T> {
    match timeout(limit, task).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(ended)) => Err(StoreError::unavailable(ended).into()),
        Err(_) => Err(Failure::NoAnswer),
    }
}

async fn transact<C: Sync, T>(
    collections: &Collections,
    context: &C,
    job: for<'a> fn(&'a Collections, &'a C, &'a mut ClientSession) -> Job<'a, T>,
    pace: &mut Pace,
) -> Attempt<T> {
    let mut session = collections.client.start_session().await?;
    let options = TransactionOptions::builder().read_concern(ReadConcern::snapshot()).write_concern(durable()).build();
    session.start_transaction().with_options(options).await?;
    let value = match job(collections, context, &mut session).await {
        Ok(value) => value,
        Err(failure) => {
            // The server ends it by itself if this does not reach it.
            let _ = session.abort_transaction().await;
            return Err(failure);
        }
    };
    loop {
        match session.commit_transaction().await {
            Ok(()) => return Ok(value),
            // To commit again is to ask what became of it.
            Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) && !pace.is_over() => {
                pace.wait().await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn may_run_again(error: &Error) -> bool {
    error.contains_label(TRANSIENT_TRANSACTION_ERROR) || nothing_sent(error) || duplicate(error).is_some()
}

/// The pauses between attempts: longer each time, of random length, and over at a time.
pub(crate) struct Pace {
    end: Instant,
    pause: Duration,
}

impl Pace {
    const FIRST: Duration = Duration::from_millis(2);
    const LONGEST: Duration = Duration::from_millis(100);

    pub(crate) fn until(end: Instant) -> Self {
        Self { end, pause: Self::FIRST }
    }

    /// The same end, and short pauses again.
    pub(crate) fn again(&self) -> Self {
        Self::until(self.end)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    pub(crate) fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    pub(crate) async fn wait(&mut self) {
        // Those who came across each other must not meet again.
        let random = RandomState::new().hash_one(()) % 1000;
        let share = f64::from(u16::try_from(random).unwrap_or(0)) / 1000.0;
        sleep(self.pause.mul_f64(0.5 + share / 2.0).min(self.left())).await;
        self.pause = (self.pause * 2).min(Self::LONGEST);
    }
}
