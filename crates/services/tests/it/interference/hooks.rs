//! Stores that fail or wait, once, where a test says.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use parlor_domain::{
    ConversationId, Emoji, Excerpt, GroupChange, Login, Member, MemberSettingsChange, Message, MessageChange,
    MessageId, NewGroup, NewMessage, PasswordHash, ProfileChange, Rev, SendKey, Seq, SessionId, Shape, Status,
    Timestamp, UnreadTotals, User, UserId, UserReaction, Version,
    store::{
        AppendOutcome, ChangeOutcome, ConversationStore, Credentials, Deleted, Directory, GroupOutcome, GroupStore,
        Head, Inbox, InboxEntry, LogPage, MembersPage, MessageStore, NewDirect, NewUser, OpenedDirect, ReceiptAdvance,
        ReceiptOutcome, SettingsSet, StoreError, StoreResult, Stores, UserLogPage, UserStore, Window,
    },
};
use tokio::sync::Notify;

use crate::support;

/// Where a store can be made to fail or wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Point {
    FindUser,
    SetStatus,
    EndedStatuses,
    FindConversation,
    Heads,
    ChangeGroup,
    ChangeMessage,
    Member,
    NamedMembers,
}

enum Act {
    Fail,
    Lose,
    Wait { after: bool, pause: Arc<Pause> },
}

/// A call that waits in the store.
#[derive(Default)]
pub(super) struct Pause {
    reached: Notify,
    go_on: Notify,
}

impl Pause {
    /// Until the call has come to its point.
    pub(super) async fn reached(&self) {
        self.reached.notified().await;
    }

    pub(super) fn go_on(&self) {
        self.go_on.notify_one();
    }

    async fn wait(&self) {
        self.reached.notify_one();
        self.go_on.notified().await;
    }
}

#[derive(Default)]
pub(super) struct Hooks(Mutex<HashMap<Point, Act>>);

impl Hooks {
    /// The next call fails.
    pub(super) fn fail(&self, point: Point) {
        self.0.lock().unwrap().insert(point, Act::Fail);
    }

    /// The next call does everything, and its answer is lost.
    pub(super) fn lose(&self, point: Point) {
        self.0.lock().unwrap().insert(point, Act::Lose);
    }

    /// The next call waits before it does anything.
    pub(super) fn pause_before(&self, point: Point) -> Arc<Pause> {
        self.pause(point, false)
    }

    /// The next call waits when it has done everything.
    pub(super) fn pause_after(&self, point: Point) -> Arc<Pause> {
        self.pause(point, true)
    }

    fn pause(&self, point: Point, after: bool) -> Arc<Pause> {
        let pause = Arc::new(Pause::default());
        self.0.lock().unwrap().insert(point, Act::Wait { after, pause: Arc::clone(&pause) });
        pause
    }

    async fn around<T>(&self, point: Point, call: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        let act = self.0.lock().unwrap().remove(&point);
        match act {
            None => call.await,
            Some(Act::Fail) => Err(StoreError::unavailable("the disk is on fire")),
            Some(Act::Lose) => {
                call.await?;
                Err(StoreError::unavailable("the line is dead"))
            }
            Some(Act::Wait { after: false, pause }) => {
                pause.wait().await;
                call.await
            }
            Some(Act::Wait { after: true, pause }) => {
                let result = call.await;
                pause.wait().await;
                result
            }
        }
    }
}

/// A world whose stores have hooks.
pub(super) struct World {
    world: support::World,
    pub(super) hooks: Arc<Hooks>,
}

impl World {
    pub(super) async fn new() -> Self {
        let hooks = Arc::new(Hooks::default());
        let with_hooks = |stores: Stores| Stores {
            users: Arc::new(Users(Arc::clone(&stores.users), Arc::clone(&hooks))),
            conversations: Arc::new(Conversations(Arc::clone(&stores.conversations), Arc::clone(&hooks))),
            groups: Arc::new(Groups(Arc::clone(&stores.groups), Arc::clone(&hooks))),
            messages: Arc::new(Messages(Arc::clone(&stores.messages), Arc::clone(&hooks))),
            ..stores
        };
        let world = support::World::new().await.with_stores(with_hooks).await;
        Self { world, hooks }
    }

    /// Lets tasks and the store's threads do what they have begun: each round goes through the store's queues.
    pub(super) async fn let_everything_happen(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
            self.world.services.ready().await.unwrap();
        }
    }
}

impl Deref for World {
    type Target = support::World;

    fn deref(&self) -> &support::World {
        &self.world
    }
}

struct Users(Arc<dyn UserStore>, Arc<Hooks>);

#[async_trait]
impl UserStore for Users {
    async fn insert(&self, new: &NewUser) -> StoreResult<()> {
        self.0.insert(new).await
    }
    async fn find(&self, id: UserId) -> StoreResult<Option<User>> {
        self.1.around(Point::FindUser, self.0.find(id)).await
    }
    async fn find_many(&self, ids: &[UserId]) -> StoreResult<Vec<User>> {
        self.0.find_many(ids).await
    }
    async fn credentials(&self, login: &Login) -> StoreResult<Option<Credentials>> {
        self.0.credentials(login).await
    }
    async fn credentials_of(&self, id: UserId) -> StoreResult<Option<Credentials>> {
        self.0.credentials_of(id).await
    }
    async fn set_password(
        &self,
        id: UserId,
        password: &PasswordHash,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> StoreResult<Vec<SessionId>> {
        self.0.set_password(id, password, keep, now).await
    }
    async fn rehash_password(&self, id: UserId, old: &PasswordHash, new: &PasswordHash) -> StoreResult<()> {
        self.0.rehash_password(id, old, new).await
    }
    async fn update_profile(&self, id: UserId, change: &ProfileChange) -> StoreResult<Option<User>> {
        self.0.update_profile(id, change).await
    }
    async fn set_status(
        &self,
        id: UserId,
        status: &Status,
        seen: Option<Timestamp>,
        now: Timestamp,
    ) -> StoreResult<Option<User>> {
        self.1.around(Point::SetStatus, self.0.set_status(id, status, seen, now)).await
    }
    async fn ended_statuses(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<UserId>> {
        self.1.around(Point::EndedStatuses, self.0.ended_statuses(now, limit)).await
    }
    async fn set_last_seen(&self, seen: &[(UserId, Timestamp)]) -> StoreResult<()> {
        self.0.set_last_seen(seen).await
    }
    async fn delete(&self, id: UserId, now: Timestamp) -> StoreResult<Option<Deleted>> {
        self.0.delete(id, now).await
    }
    async fn leaving(&self, limit: usize) -> StoreResult<Vec<UserId>> {
        self.0.leaving(limit).await
    }
    async fn has_left(&self, id: UserId) -> StoreResult<()> {
        self.0.has_left(id).await
    }
    async fn directory(&self, page: &Directory) -> StoreResult<Vec<User>> {
        self.0.directory(page).await
    }
    async fn rev(&self, id: UserId) -> StoreResult<Rev> {
        self.0.rev(id).await
    }
}

struct Conversations(Arc<dyn ConversationStore>, Arc<Hooks>);

#[async_trait]
impl ConversationStore for Conversations {
    async fn open_direct(&self, new: &NewDirect) -> StoreResult<OpenedDirect> {
        self.0.open_direct(new).await
    }
    async fn shape(&self, id: ConversationId) -> StoreResult<Option<Shape>> {
        self.0.shape(id).await
    }
    async fn find(&self, id: ConversationId, user: UserId) -> StoreResult<Option<InboxEntry>> {
        self.1.around(Point::FindConversation, self.0.find(id, user)).await
    }
    async fn find_many(&self, ids: &[ConversationId], user: UserId) -> StoreResult<Vec<InboxEntry>> {
        self.0.find_many(ids, user).await
    }
    async fn inbox(&self, page: &Inbox) -> StoreResult<Vec<InboxEntry>> {
        self.0.inbox(page).await
    }
    async fn heads(&self, user: UserId) -> StoreResult<Vec<Head>> {
        self.1.around(Point::Heads, self.0.heads(user)).await
    }
    async fn members(&self, id: ConversationId) -> StoreResult<Vec<Member>> {
        self.0.members(id).await
    }
    async fn told_members(&self, id: ConversationId) -> StoreResult<Vec<Member>> {
        self.0.told_members(id).await
    }
    async fn member(&self, id: ConversationId, user: UserId) -> StoreResult<Option<Member>> {
        self.1.around(Point::Member, self.0.member(id, user)).await
    }
    async fn named_members(&self, id: ConversationId, names: &[String]) -> StoreResult<HashMap<String, UserId>> {
        self.1.around(Point::NamedMembers, self.0.named_members(id, names)).await
    }
    async fn unread_totals(&self, user: UserId, now: Timestamp) -> StoreResult<UnreadTotals> {
        self.0.unread_totals(user, now).await
    }
    async fn advance_receipt(&self, advance: &ReceiptAdvance) -> StoreResult<ReceiptOutcome> {
        self.0.advance_receipt(advance).await
    }
    async fn set_settings(
        &self,
        id: ConversationId,
        user: UserId,
        change: &MemberSettingsChange,
    ) -> StoreResult<Option<SettingsSet>> {
        self.0.set_settings(id, user, change).await
    }
    async fn user_changes(&self, user: UserId, after: Rev, limit: usize) -> StoreResult<UserLogPage> {
        self.0.user_changes(user, after, limit).await
    }
}

struct Groups(Arc<dyn GroupStore>, Arc<Hooks>);

#[async_trait]
impl GroupStore for Groups {
    async fn create(&self, new: &NewGroup) -> StoreResult<GroupOutcome> {
        self.1.around(Point::ChangeGroup, self.0.create(new)).await
    }
    async fn change(&self, change: &GroupChange) -> StoreResult<GroupOutcome> {
        self.1.around(Point::ChangeGroup, self.0.change(change)).await
    }
    async fn members(&self, page: &MembersPage) -> StoreResult<Vec<Member>> {
        self.0.members(page).await
    }
    async fn share_group(&self, user: UserId, other: UserId) -> StoreResult<bool> {
        self.0.share_group(user, other).await
    }
    async fn of(&self, user: UserId) -> StoreResult<Vec<ConversationId>> {
        self.0.of(user).await
    }
}

struct Messages(Arc<dyn MessageStore>, Arc<Hooks>);

#[async_trait]
impl MessageStore for Messages {
    async fn append(&self, new: &NewMessage) -> StoreResult<AppendOutcome> {
        self.0.append(new).await
    }
    async fn page(&self, conversation: ConversationId, window: Window, limit: usize) -> StoreResult<Vec<Message>> {
        self.0.page(conversation, window, limit).await
    }
    async fn changes(&self, conversation: ConversationId, after: Rev, limit: usize) -> StoreResult<LogPage> {
        self.0.changes(conversation, after, limit).await
    }
    async fn sent_before(&self, key: &SendKey) -> StoreResult<Option<AppendOutcome>> {
        self.0.sent_before(key).await
    }
    async fn change(&self, change: &MessageChange) -> StoreResult<ChangeOutcome> {
        self.1.around(Point::ChangeMessage, self.0.change(change)).await
    }
    async fn find_many(&self, ids: &[MessageId]) -> StoreResult<Vec<Message>> {
        self.0.find_many(ids).await
    }
    async fn excerpts(&self, ids: &[MessageId]) -> StoreResult<Vec<Excerpt>> {
        self.0.excerpts(ids).await
    }
    async fn versions(&self, message: MessageId, after: Rev, limit: usize) -> StoreResult<Vec<Version>> {
        self.0.versions(message, after, limit).await
    }
    async fn reactions(
        &self,
        message: MessageId,
        emoji: &Emoji,
        after: Rev,
        limit: usize,
    ) -> StoreResult<Vec<UserReaction>> {
        self.0.reactions(message, emoji, after, limit).await
    }
    async fn pins(&self, conversation: ConversationId, before: Option<Seq>, limit: usize) -> StoreResult<Vec<Message>> {
        self.0.pins(conversation, before, limit).await
    }
}
