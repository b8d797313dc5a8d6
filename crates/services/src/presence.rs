//! Status and presence: what a user chose to show, and what others get to know of whether he is here.

use std::{collections::HashMap, sync::Arc};

use dashmap::DashMap;
use parlor_domain::{
    Change, Event, InvalidValue, PresenceView, Status, StatusKind, StreamId, Timestamp, User, UserId, UserView,
    store::{StoreError, StoreResult},
};
use parlor_realtime::Arrival;
use tracing::warn;

use crate::{Caller, Deps, ServiceError, ServiceResult, detached};

/// How many ended statuses are looked for at once.
const ENDED_AT_ONCE: usize = 100;

/// How many who came or went are told of at once.
const SETTLED_AT_ONCE: usize = 100;

/// Sets statuses, and tells contacts who is here.
pub struct PresenceService {
    deps: Arc<Deps>,
    /// What contacts were last told of those who are here. Who is not in it, is absent to them; so nothing is
    /// told twice, and of an invisible user nothing at all.
    told: DashMap<UserId, PresenceView>,
}

impl PresenceService {
    pub(crate) fn new(deps: Arc<Deps>) -> Self {
        Self { deps, told: DashMap::new() }
    }

    /// Sets the caller's status, and tells the caller's devices and contacts. A busy user gets nothing pushed from
    /// then on; with the first other status everything held back is pushed, in order.
    ///
    /// # Errors
    /// `Invalid` for an end that is not in the future, `RateLimited`, `NotFound` for a deleted account, `Store`.
    pub async fn set_status(&self, caller: Caller, status: Status) -> ServiceResult<UserView> {
        self.deps.limits.signal(caller.user)?;
        if status.until.is_some_and(|until| until <= self.deps.clock.now()) {
            let reason = InvalidValue::new("in_the_past", "must be in the future");
            return Err(ServiceError::Invalid { field: "until", reason });
        }
        let deps = Arc::clone(&self.deps);
        let user = detached(async move { change_status(&deps, caller.user, &status).await }).await?;
        Ok(self.deps.own_view(user))
    }

    /// Tells contacts of all who came, went or changed their status since the last call. Who can't be settled now is
    /// tried again at the next call, and keeps nobody else waiting.
    pub(crate) async fn settle(&self) -> StoreResult<()> {
        let mut outcome = Ok(());
        let (mut settled, mut seen) = (Vec::new(), Vec::new());
        for arrivals in self.deps.hub.settle().chunks(SETTLED_AT_ONCE) {
            let users: Vec<UserId> = arrivals.iter().map(user_of).collect();
            // In turn with changes of the status: who hides meanwhile must not be told from before.
            let _turns = self.deps.status_turns.of_all(users.iter().map(UserId::as_bytes)).await;
            let mut accounts = match self.accounts(&users).await {
                Ok(accounts) => accounts,
                Err(error) => {
                    users.iter().for_each(|user| self.deps.hub.unsettle(*user));
                    outcome = Err(error);
                    continue;
                }
            };
            // At once: one by one, each would ask the store.
            if let Err(error) = self.deps.know_blocks_of(&users).await {
                users.iter().for_each(|user| self.deps.hub.unsettle(*user));
                outcome = Err(error);
                continue;
            }
            for arrival in arrivals {
                match self.settle_one(arrival, accounts.remove(&user_of(arrival))).await {
                    Ok(at) => {
                        settled.push(*arrival);
                        seen.extend(at);
                    }
                    Err(error) => {
                        self.deps.hub.unsettle(user_of(arrival));
                        outcome = Err(error);
                    }
                }
            }
        }
        self.note_seen(&settled, &seen).await.and(outcome)
    }

    /// The accounts of these users, each by itself if one of them can't be read.
    async fn accounts(&self, ids: &[UserId]) -> StoreResult<HashMap<UserId, StoreResult<User>>> {
        let users = &self.deps.stores.users;
        match users.find_many(ids).await {
            Ok(found) => return Ok(found.into_iter().map(|user| (user.id, Ok(user))).collect()),
            Err(StoreError::Corrupt(_)) => {}
            Err(error) => return Err(error),
        }
        let mut accounts = HashMap::new();
        for id in ids {
            accounts.extend(users.find(*id).await.transpose().map(|account| (*id, account)));
        }
        Ok(accounts)
    }

    /// Notes that those who are seen to be here still are, so that the end of the server leaves a recent time.
    pub(crate) async fn touch(&self) -> StoreResult<()> {
        let now = self.deps.clock.now();
        let here = self.told.iter().filter(|told| told.presence.online);
        let seen: Vec<(UserId, Timestamp)> = here.map(|told| (*told.key(), now)).collect();
        if seen.is_empty() { Ok(()) } else { self.deps.stores.users.set_last_seen(&seen).await }
    }

    /// Makes those available whose status has come to its end.
    pub(crate) async fn end_statuses(&self) -> ServiceResult<()> {
        let now = self.deps.clock.now();
        for user in self.deps.stores.users.ended_statuses(now, ENDED_AT_ONCE).await? {
            // One who can't be helped must not keep the others waiting.
            if let Err(error) = end_status(&self.deps, user).await {
                warn!(%user, error = &error as &dyn std::error::Error, "a status that has ended stays");
            }
        }
        Ok(())
    }

    /// Stores when users were seen, all at once, and then forgets the gone.
    async fn note_seen(&self, settled: &[Arrival], seen: &[(UserId, Timestamp)]) -> StoreResult<()> {
        let noted = if seen.is_empty() { Ok(()) } else { self.deps.stores.users.set_last_seen(seen).await };
        for arrival in settled {
            match arrival {
                _ if noted.is_err() => self.deps.hub.unsettle(user_of(arrival)),
                Arrival::Gone(user, _) => {
                    self.told.remove(user);
                    self.deps.hub.retire(*user);
                }
                Arrival::Here(_) => {}
            }
        }
        noted
    }

    /// Tells contacts of one user, if there is something new to tell. Gives when he was seen, if he was.
    async fn settle_one(
        &self,
        arrival: &Arrival,
        account: Option<StoreResult<User>>,
    ) -> StoreResult<Option<(UserId, Timestamp)>> {
        let id = user_of(arrival);
        let Some(mut user) = account.transpose()? else { return Ok(None) };
        let status = user.status.at(self.deps.clock.now());
        let visible = status.kind != StatusKind::Invisible && user.deleted_at.is_none();
        let (online, seen_at) = match arrival {
            Arrival::Here(_) => (true, self.deps.clock.now()),
            Arrival::Gone(_, since) => (false, *since),
        };
        if visible {
            user.last_seen_at = user.last_seen_at.max(Some(seen_at));
        }
        self.tell(id, self.deps.public_presence(&user, online)).await?;
        Ok(visible.then_some((id, seen_at)))
    }

    async fn tell(&self, user: UserId, view: PresenceView) -> StoreResult<()> {
        let before = self.told.get(&user).map(|told| told.clone());
        let news = match &before {
            Some(before) => *before != view,
            None => view.presence.online,
        };
        if news {
            let conversations = self.deps.conversations_of(user).await?;
            let blocks = self.deps.blocks_of(user).await?;
            let event = Event::PresenceUpdated(view.clone());
            if before.is_none() {
                self.deps.hub.announce_arrival(user, &conversations, blocks.either(), event);
            } else {
                self.deps.hub.announce_to_contacts(user, &conversations, blocks.either(), event);
            }
            self.told.insert(user, view);
        }
        Ok(())
    }
}

fn user_of(arrival: &Arrival) -> UserId {
    match arrival {
        Arrival::Here(user) | Arrival::Gone(user, _) => *user,
    }
}

async fn change_status(deps: &Deps, id: UserId, status: &Status) -> ServiceResult<User> {
    // One at a time, so that the hub comes to hold what the store holds.
    let _turn = deps.status_turns.of(id.as_bytes()).lock().await;
    set_status_in_turn(deps, id, status).await
}

async fn set_status_in_turn(deps: &Deps, id: UserId, status: &Status) -> ServiceResult<User> {
    let now = deps.clock.now();
    let before = deps.stores.users.find(id).await?.ok_or(ServiceError::NotFound("user"))?;
    let hides = status.kind == StatusKind::Invisible && before.status.at(now).kind != StatusKind::Invisible;
    let last_seen_at = (hides && deps.hub.is_online(id)).then_some(now);
    if status.holds(now) {
        // Before it is stored: what is published in between is held back, and pushed in the end.
        deps.hub.hold(id);
    }
    let stored = deps.stores.users.set_status(id, status, last_seen_at, now).await;
    let in_force = if matches!(stored, Ok(Some(_))) { status } else { &before.status };
    // Again, for who connected meanwhile and read the status before.
    if in_force.holds(now) {
        deps.hub.hold(id);
    } else {
        deps.hub.release(id);
    }
    let user = stored?.ok_or(ServiceError::NotFound("user"))?;
    tell_of_status(deps, &before, &user).await;
    Ok(user)
}

/// Makes a user available whose status has ended, unless another was set since.
async fn end_status(deps: &Deps, id: UserId) -> ServiceResult<()> {
    let _turn = deps.status_turns.of(id.as_bytes()).lock().await;
    let user = deps.stores.users.find(id).await?;
    if user.is_some_and(|user| user.status.until.is_some_and(|until| until <= deps.clock.now())) {
        set_status_in_turn(deps, id, &Status::default()).await?;
    }
    Ok(())
}

async fn tell_of_status(deps: &Deps, before: &User, user: &User) {
    let own = deps.own_view(user.clone());
    let told = PresenceView { user_id: user.id, presence: own.presence, status: own.status.clone() };
    // A busy user's devices show at once that he is; their stream tells it when it is released.
    deps.hub.announce_to_self(user.id, Event::PresenceUpdated(told));
    let event = Event::UserUpdated(Box::new(own));
    deps.hub.publish(Change { stream: StreamId::User(user.id), rev: user.rev, event });
    if deps.hub.is_online(user.id) {
        deps.hub.unsettle(user.id);
        return;
    }
    // Nobody settles who has no connection.
    let now = deps.public_presence(user, false);
    if before.status.public() != now.status {
        deps.tell_contacts(user.id, Event::PresenceUpdated(now)).await;
    }
}
