//! Profiles and the directory.

use std::sync::Arc;

use parlor_domain::{
    Change, Event, InvalidValue, PresenceView, ProfileChange, Relation, StreamId, User, UserChange, UserId, UserTopic,
    UserView, search_terms,
    store::{Deleted, Directory, StoreError, StoreResult},
};
use tracing::warn;

use crate::{
    AuthService, Caller, Deps, Page, Password, ServiceError, ServiceResult,
    administration::{keep_a_super_admin, refused_act},
    detached,
    groups::leave_groups,
    log::tell_own,
    reach::Blocks,
    relations::{leave_friends, relation},
};

/// How often the directory is read for one page, as whoever blocks the caller is left out.
const DIRECTORY_READS: usize = 10;

/// Shows and changes profiles.
pub struct UserService {
    deps: Arc<Deps>,
    auth: Arc<AuthService>,
}

/// A change of one's own profile.
#[derive(Clone, Debug, Default)]
pub struct ProfileUpdate {
    /// What changes.
    pub change: ProfileChange,
    /// The password, which a change of the e-mail address asks for.
    pub current_password: Option<Password>,
}

/// What to look for in the directory.
#[derive(Clone, Debug, Default)]
pub struct DirectoryQuery {
    /// Words of which each must begin a word of the user name or display name; empty for everyone.
    pub text: String,
    /// Where the page begins: the cursor of the page before.
    pub after: Option<String>,
    /// At most this many.
    pub limit: usize,
}

/// What an avatar is drawn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Avatar {
    /// Whose; gives the colour.
    pub user: UserId,
    /// The letters; none for a deleted account.
    pub initials: String,
}

impl UserService {
    pub(crate) fn new(deps: Arc<Deps>, auth: Arc<AuthService>) -> Self {
        Self { deps, auth }
    }

    /// The caller's own account.
    ///
    /// # Errors
    /// `NotFound` if it has just been deleted, `Store`.
    pub async fn me(&self, caller: Caller) -> ServiceResult<UserView> {
        let user = self.existing(caller.user).await?;
        Ok(self.deps.own_view(user))
    }

    /// Another account, or one's own. A deleted one is as good as unknown.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn find(&self, caller: Caller, id: UserId) -> ServiceResult<UserView> {
        let user = self.existing(id).await?;
        if id == caller.user {
            return Ok(UserView { relation: Some(Relation::Own), ..self.deps.own_view(user) });
        }
        let between = self.deps.stores.relations.between(caller.user, id).await?;
        let blocks = Blocks::between(id, &between);
        Ok(UserView { relation: Some(relation(&between)), ..self.deps.user_view(user, caller.user, &blocks) })
    }

    /// A page of all other accounts that do not block the caller, by user name. Where a great many of them block him, it may
    /// have fewer than `limit`, or none, and say where to go on.
    ///
    /// # Errors
    /// `RateLimited`, `Store`.
    pub async fn directory(&self, caller: Caller, query: DirectoryQuery) -> ServiceResult<Page<UserView, String>> {
        self.deps.limits.search(caller.user)?;
        let terms = search_terms([&*query.text]);
        if terms.is_empty() && !query.text.trim().is_empty() {
            // Something was looked for, and it has no letter or digit: no name has such a word.
            return Ok(Page { items: Vec::new(), next: None });
        }
        let blocks = self.deps.blocks_of(caller.user).await?;
        let mut page = Directory { terms, after: query.after, except: caller.user, limit: query.limit + 1 };
        let mut users = Vec::new();
        let mut more = true;
        // Until the page is full: one that is not would tell that somebody has been left out. But not without end.
        for _ in 0..DIRECTORY_READS {
            let found = self.deps.stores.users.directory(&page).await?;
            more = found.len() == page.limit;
            page.after = found.last().map(|user| user.username.key());
            users.extend(found.into_iter().filter(|user| !blocks.hides(user.id)));
            if !more || users.len() > query.limit {
                break;
            }
        }
        let looked_up_to = page.after.filter(|_| more && users.len() <= query.limit);
        let Page { items, next } = Page::cut(users, query.limit, |user: &User| user.username.key());
        let view = |user| self.deps.user_view(user, caller.user, &blocks);
        Ok(Page { items: items.into_iter().map(view).collect(), next: next.or(looked_up_to) })
    }

    /// What the avatar of an account is drawn from.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn avatar(&self, id: UserId) -> ServiceResult<Avatar> {
        let user = self.deps.stores.users.find(id).await?.ok_or(ServiceError::NotFound("user"))?;
        let initials = if user.deleted_at.is_some() { String::new() } else { user.display_name.initials() };
        Ok(Avatar { user: id, initials })
    }

    /// Changes the caller's profile, and tells the caller's devices and contacts. Where all is so already, nothing
    /// happens.
    ///
    /// # Errors
    /// `Invalid` if the address changes without the password, or with a wrong one,
    /// `Taken` for somebody else's address, `RateLimited`, `Overloaded`, `Store`.
    pub async fn update(&self, caller: Caller, update: ProfileUpdate) -> ServiceResult<UserView> {
        self.deps.limits.signal(caller.user)?;
        if update.change.email.is_some() {
            let reason = InvalidValue::new("missing", "is needed to change the e-mail address");
            let missing = ServiceError::Invalid { field: "currentPassword", reason };
            self.auth.check_password(caller.user, update.current_password.ok_or(missing)?).await?;
        }
        let deps = Arc::clone(&self.deps);
        let user = self.existing(caller.user).await?;
        if user.clone().changed(update.change.clone()) == user {
            // It may have become so by a call without an answer, which was told to nobody.
            deps.hub.reconcile(&[(StreamId::User(user.id), user.rev)]);
            return Ok(deps.own_view(user));
        }
        detached(async move {
            let updated = deps.stores.users.update_profile(caller.user, &update.change).await;
            if update.change.settings.who_can_write.is_some() {
                deps.reach.changed(&[caller.user]);
            }
            let user = updated.map_err(taken)?.ok_or(ServiceError::NotFound("user"))?;
            tell_of_profile(&deps, &user).await;
            Ok(deps.own_view(user))
        })
        .await
    }

    /// Deletes the caller's account: see [`UserStore::delete`](parlor_domain::store::UserStore::delete). He is taken out of
    /// his groups then; what of that is not done when this returns is done later.
    ///
    /// # Errors
    /// `NotFound` if that has happened already, `Invalid` for a wrong password, `LastSuperAdmin`, `RateLimited`,
    /// `Overloaded`, `Store`.
    pub async fn delete(&self, caller: Caller, password: Password) -> ServiceResult<()> {
        self.auth.check_password(caller.user, password).await?;
        let (deps, auth) = (Arc::clone(&self.deps), Arc::clone(&self.auth));
        detached(async move {
            let deletion = deps.stores.users.delete(caller.user, deps.clock.now());
            delete_account(&deps, &auth, caller.user, deletion).await
        })
        .await
    }

    async fn existing(&self, id: UserId) -> ServiceResult<User> {
        let user = self.deps.stores.users.find(id).await?;
        user.filter(|user| user.deleted_at.is_none()).ok_or(ServiceError::NotFound("user"))
    }
}

/// Tells a user's devices, in their stream, and contacts of the profile as it is now.
async fn tell_of_profile(deps: &Deps, user: &User) {
    tell_devices_of_profile(deps, user);
    tell_contacts_of_profile(deps, user.clone()).await;
}

/// Tells a user's devices, in their stream, of the profile as it is now.
pub(crate) fn tell_devices_of_profile(deps: &Deps, user: &User) {
    let own = Event::UserUpdated(Box::new(deps.own_view(user.clone())));
    deps.hub.publish(Change { stream: StreamId::User(user.id), rev: user.rev, event: own });
}

/// How many accounts that are leaving are looked for at once.
const LEAVING_AT_ONCE: usize = 100;

/// Deletes an account by this call of a store, with all that belongs to it, and tells whoever knew him. His friendships end
/// before: of many, a few at a time.
pub(crate) async fn delete_account(
    deps: &Deps,
    auth: &AuthService,
    id: UserId,
    deletion: impl Future<Output = StoreResult<Option<Deleted>>>,
) -> ServiceResult<()> {
    keep_a_super_admin(deps, id).await?;
    leave_friends(deps, id).await?;
    let deleted = deletion.await;
    deps.reach.changed(&[id]);
    let Deleted { sessions, friends } = deleted.map_err(refused_act)?.ok_or(ServiceError::NotFound("user"))?;
    auth.sessions_ended(id, &sessions);
    tell_of_deletion(deps, id).await;
    for (friend, rev) in friends {
        tell_own(deps, friend, UserChange { rev, topic: UserTopic::Friend(id) }).await;
    }
    // From now on nobody can take him anywhere.
    if let Err(error) = leave(deps, id).await {
        warn!(user = %id, error = &error as &dyn std::error::Error, "a deleted user is still in groups; trying again");
    }
    Ok(())
}

/// Takes a deleted account out of where it was.
async fn leave(deps: &Deps, id: UserId) -> ServiceResult<()> {
    leave_groups(deps, id).await?;
    Ok(deps.stores.users.has_left(id).await?)
}

/// Goes on with deletions that have not come to their end, as a server or the store has failed meanwhile.
pub(crate) async fn go_on_leaving(deps: &Deps) -> ServiceResult<()> {
    let mut outcome = Ok(());
    for id in deps.stores.users.leaving(LEAVING_AT_ONCE).await? {
        // One who can't be helped must not keep the others waiting.
        outcome = leave(deps, id).await.and(outcome);
    }
    outcome
}

async fn tell_of_deletion(deps: &Deps, id: UserId) {
    match deps.stores.users.find(id).await {
        Ok(Some(user)) => tell_contacts_of_profile(deps, user).await,
        Ok(None) => {}
        Err(error) => warn!(user = %id, error = &error as &dyn std::error::Error, "contacts were not told"),
    }
}

async fn tell_contacts_of_profile(deps: &Deps, user: User) {
    let PresenceView { presence, status, user_id } = deps.public_presence(&user, deps.hub.is_online(user.id));
    let view = UserView { presence, status, own: false, user, relation: None };
    deps.tell_contacts(user_id, Event::UserUpdated(Box::new(view))).await;
}

/// A conflict is somebody else's value.
pub(crate) fn taken(error: StoreError) -> ServiceError {
    match error {
        StoreError::Conflict(field) => ServiceError::Taken(field),
        StoreError::Unavailable(_) | StoreError::Full(_) | StoreError::Corrupt(_) => error.into(),
    }
}
