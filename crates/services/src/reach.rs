//! Who reaches whom: what sending, presence and profiles ask of the relations between users. What was read is believed
//! until something changes, so that a message costs no read.

use std::{
    array,
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parlor_domain::{
    ConversationId, Shape, TieKind, Timestamp, User, UserId, WhoCanWrite,
    store::{Between, StoreResult},
};
use tokio::try_join;

use crate::{Deps, recent::Recent};

/// How long something is believed that may have changed unseen: on another server, or while it was read.
const UNSEEN: Duration = Duration::from_secs(1);

/// How many conversations, pairs and users that are in use are known.
const CONVERSATIONS: usize = 32_768;
const PAIRS: usize = 32_768;
const USERS: usize = 16_384;

/// How many counts of changes there are. Users share them, so a change of one may have others looked up again.
const COUNTS: usize = 1024;

/// Whether one user may write to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// He may.
    Allowed,
    /// There is no such user, or no more.
    Unknown,
    /// He blocks the other one.
    Blocking,
    /// The other one blocks him, or does not want to hear from such as him and has not written to him. Which of both
    /// nobody is told, so it is one verdict and costs the same.
    Unwanted,
}

/// The blocks that somebody has made, and those against him.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    either: HashSet<UserId>,
    against: HashSet<UserId>,
}

impl Blocks {
    /// Those between somebody and this other one.
    pub(crate) fn between(other: UserId, between: &Between) -> Self {
        let is_block = |tie| tie == Some(TieKind::Block);
        let set = |holds: bool| holds.then_some(other).into_iter().collect();
        Self { either: set(is_block(between.tie) || is_block(between.back)), against: set(is_block(between.back)) }
    }

    /// Whether one of the two blocks the other.
    pub(crate) fn part(&self, other: UserId) -> bool {
        self.either.contains(&other)
    }

    /// Whether the other one blocks the one whose blocks these are.
    pub(crate) fn hides(&self, other: UserId) -> bool {
        self.against.contains(&other)
    }

    /// All others that a block parts him from.
    pub(crate) fn either(&self) -> &HashSet<UserId> {
        &self.either
    }
}

/// What is known of who reaches whom.
pub(crate) struct Reach {
    /// Whether other servers change the store as well.
    shared: bool,
    /// How many changes there were of users, by their ids.
    changes: [AtomicU64; COUNTS],
    /// What conversations are, which never changes.
    shapes: Recent<ConversationId, Shape>,
    /// Whether the first may write to the second.
    verdicts: Recent<(UserId, UserId), Noted<Verdict>>,
    blocks: Recent<UserId, Noted<Arc<Blocks>>>,
    /// What most have.
    no_blocks: Arc<Blocks>,
}

/// Something that was read, and how things stood before.
#[derive(Clone, Copy)]
struct Noted<T> {
    value: T,
    before: Mark,
}

/// How many changes there had been of one or two users at a time.
#[derive(Clone, Copy)]
struct Mark {
    changes: u64,
    at: Timestamp,
}

impl Reach {
    pub(crate) fn new(shared: bool) -> Self {
        Self {
            shared,
            changes: array::from_fn(|_| AtomicU64::new(0)),
            shapes: Recent::new(CONVERSATIONS),
            verdicts: Recent::new(PAIRS),
            blocks: Recent::new(USERS),
            no_blocks: Arc::default(),
        }
    }

    /// Forgets what is known of these users. To be called after each change of their relations and of the groups that they
    /// are in, also if it failed: the answer alone may be missing.
    pub(crate) fn changed(&self, users: &[UserId]) {
        for user in users {
            self.count(*user).fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Lets who was written to answer.
    pub(crate) fn wrote(&self, user: UserId, to: UserId) {
        let answer = (to, user);
        if self.verdicts.get(&answer).is_some_and(|noted| noted.value == Verdict::Unwanted) {
            self.changed(&[user]);
        }
    }

    fn count(&self, user: UserId) -> &AtomicU64 {
        let [.., a, b] = *user.as_bytes();
        &self.changes[usize::from(u16::from_be_bytes([a, b])) % COUNTS]
    }

    /// How things stand before something is read.
    fn mark(&self, users: &[UserId], at: Timestamp) -> Mark {
        // Each count only grows, so their sum tells every change.
        Mark { changes: users.iter().map(|user| self.count(*user).load(Ordering::Acquire)).sum(), at }
    }

    /// Whether what was read then still holds.
    fn holds(&self, before: Mark, users: &[UserId], now: Timestamp, passes: bool) -> bool {
        let Mark { changes, .. } = self.mark(users, now);
        // Also where the clock was set back.
        let young = (before.at..before.at + UNSEEN).contains(&now);
        before.changes == changes && (young || !(self.shared || passes))
    }
}

impl Deps {
    /// The other one of a direct conversation; `None` if the user is not in it, and in a group.
    pub(crate) async fn other_in(&self, conversation: ConversationId, user: UserId) -> StoreResult<Option<UserId>> {
        Ok(match self.shape(conversation).await? {
            Some(Shape::Direct([a, b])) if a == user => Some(b),
            Some(Shape::Direct([a, b])) if b == user => Some(a),
            Some(Shape::Direct(_) | Shape::Group | Shape::Community | Shape::Channel(_)) | None => None,
        })
    }

    /// What a conversation is for ever, whoever is in it.
    pub(crate) async fn shape(&self, conversation: ConversationId) -> StoreResult<Option<Shape>> {
        if let Some(shape) = self.reach.shapes.get(&conversation) {
            return Ok(Some(shape));
        }
        let shape = self.stores.conversations.shape(conversation).await?;
        if let Some(shape) = shape {
            self.reach.shapes.insert(conversation, shape);
        }
        Ok(shape)
    }

    /// Whether one user may write to another.
    pub(crate) async fn may_write(&self, from: UserId, to: UserId) -> StoreResult<Verdict> {
        let (key, users, now) = ((from, to), [from, to], self.clock.now());
        if let Some(Noted { value, before }) = self.reach.verdicts.get(&key) {
            // That he was written to may have gone unseen.
            let passes = value == Verdict::Unwanted;
            if self.reach.holds(before, &users, now, passes) {
                return Ok(value);
            }
        }
        let before = self.reach.mark(&users, now);
        let (ties, user) = try_join!(self.stores.relations.ties_between(from, to), self.stores.users.find(to))?;
        let value = self.judge(ties, user, from).await?;
        if value != Verdict::Unknown {
            self.reach.verdicts.insert(key, Noted { value, before });
        }
        Ok(value)
    }

    async fn judge(
        &self,
        (tie, back): (Option<TieKind>, Option<TieKind>),
        to: Option<User>,
        from: UserId,
    ) -> StoreResult<Verdict> {
        let Some(to) = to.filter(|user| user.deleted_at.is_none()) else { return Ok(Verdict::Unknown) };
        if tie == Some(TieKind::Block) {
            return Ok(Verdict::Blocking);
        }
        let blocked = back == Some(TieKind::Block);
        let wanted = match to.settings.who_can_write {
            WhoCanWrite::Anyone => !blocked,
            WhoCanWrite::SharedGroups if back.is_some() => back == Some(TieKind::Friend),
            WhoCanWrite::SharedGroups => self.stores.groups.share_group(to.id, from).await?,
            WhoCanWrite::Friends => back == Some(TieKind::Friend),
            WhoCanWrite::Nobody => false,
        };
        let allowed = wanted || self.stores.relations.has_written(to.id, from).await?;
        Ok(if allowed && !blocked { Verdict::Allowed } else { Verdict::Unwanted })
    }

    /// The blocks that a user has made, and those against him.
    pub(crate) async fn blocks_of(&self, user: UserId) -> StoreResult<Arc<Blocks>> {
        if let Some(blocks) = self.known_blocks_of(user) {
            return Ok(blocks);
        }
        let read = self.read_blocks_of(&[user]).await?;
        Ok(read.into_iter().next().unwrap_or_default())
    }

    /// Has the blocks of all these known for the next calls of [`Self::blocks_of`].
    pub(crate) async fn know_blocks_of(&self, users: &[UserId]) -> StoreResult<()> {
        let unknown = users.iter().copied().filter(|user| self.known_blocks_of(*user).is_none());
        self.read_blocks_of(&unknown.collect::<Vec<_>>()).await.map(drop)
    }

    fn known_blocks_of(&self, user: UserId) -> Option<Arc<Blocks>> {
        let Noted { value, before } = self.reach.blocks.get(&user)?;
        self.reach.holds(before, &[user], self.clock.now(), false).then_some(value)
    }

    /// In the order of the users.
    async fn read_blocks_of(&self, users: &[UserId]) -> StoreResult<Vec<Arc<Blocks>>> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let marks: Vec<Mark> = users.iter().map(|user| self.reach.mark(&[*user], now)).collect();
        let read = self.stores.relations.blocks(users).await?;
        let mut all = Vec::with_capacity(users.len());
        for (user, before) in users.iter().zip(marks) {
            let made = read.iter().filter(|(by, _)| by == user).map(|(_, other)| *other);
            let against: HashSet<UserId> = read.iter().filter(|(_, whom)| whom == user).map(|(by, _)| *by).collect();
            let either: HashSet<UserId> = made.chain(against.iter().copied()).collect();
            let none = either.is_empty();
            let value = if none { Arc::clone(&self.reach.no_blocks) } else { Arc::new(Blocks { either, against }) };
            self.reach.blocks.insert(*user, Noted { value: Arc::clone(&value), before });
            all.push(value);
        }
        Ok(all)
    }
}
