//! Accounts.

use async_trait::async_trait;

use super::StoreResult;
use crate::{Login, PasswordHash, ProfileChange, Rev, SessionId, Status, Timestamp, User, UserId};

/// An account to add.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The account; its `rev` is zero.
    pub user: User,
    /// The hash of its password.
    pub password: PasswordHash,
}

/// What a login is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Whose.
    pub user_id: UserId,
    /// The hash of the password.
    pub password: PasswordHash,
}

/// What the deletion of an account has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// The revoked sessions.
    pub sessions: Vec<SessionId>,
    /// The former friends, each with the revision that this took in his own stream.
    pub friends: Vec<(UserId, Rev)>,
}

/// A page of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Each of these is the beginning of a word of the user's name or display name, as
    /// [`search_terms`](crate::search_terms) gives them; none finds everyone.
    pub terms: Vec<String>,
    /// Only users whose [`key`](crate::Username::key) is greater than this.
    pub after: Option<String>,
    /// Never this user: the one who looks.
    pub except: UserId,
    /// At most this many.
    pub limit: usize,
}

/// Accounts, deleted ones as well: `find` gives what is left of them, nothing else does.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Adds an account.
    ///
    /// # Errors
    /// `Conflict("username")` or `Conflict("email")` if another account has it, in any case of letters; if both
    /// are taken, `username`.
    async fn insert(&self, new: &NewUser) -> StoreResult<()>;

    /// The account, also a deleted one.
    async fn find(&self, id: UserId) -> StoreResult<Option<User>>;

    /// The accounts of these ids, deleted ones too, in any order; unknown ids are left out.
    async fn find_many(&self, ids: &[UserId]) -> StoreResult<Vec<User>>;

    /// The credentials of the account with that user name or e-mail address. Not of a deleted one.
    async fn credentials(&self, login: &Login) -> StoreResult<Option<Credentials>>;

    /// The credentials of the account. Not of a deleted one.
    async fn credentials_of(&self, id: UserId) -> StoreResult<Option<Credentials>>;

    /// Replaces the password and revokes every session of the user but `keep`, in one change. Gives the revoked
    /// ones. Without `keep`, all.
    async fn set_password(
        &self,
        id: UserId,
        password: &PasswordHash,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> StoreResult<Vec<SessionId>>;

    /// Replaces the hash of the same password by one of another cost, if the stored hash is still `old`.
    async fn rehash_password(&self, id: UserId, old: &PasswordHash, new: &PasswordHash) -> StoreResult<()>;

    /// Changes the profile and records it in the user's own stream (topic `Profile`). Gives the account as it is
    /// then; `None` for an unknown or deleted one.
    ///
    /// # Errors
    /// `Conflict("email")` if another account has the address.
    async fn update_profile(&self, id: UserId, change: &ProfileChange) -> StoreResult<Option<User>>;

    /// Sets the status and records it in the user's own stream (topic `Profile`). `last_seen_at`, if given, is
    /// set as well. Gives the account as it is then; `None` for an unknown or deleted one.
    ///
    /// A status that [holds](Status::holds) at `now` marks, in every conversation of the user, the present
    /// revision as the one after which changes are held back ([`Member::held_from`](crate::Member::held_from)); a
    /// mark that stands already stays. Any other status takes the marks away.
    async fn set_status(
        &self,
        id: UserId,
        status: &Status,
        last_seen_at: Option<Timestamp>,
        now: Timestamp,
    ) -> StoreResult<Option<User>>;

    /// The users whose stored status has ended by `now` and was not replaced since, at most `limit`.
    async fn ended_statuses(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<UserId>>;

    /// Sets when these users were last seen. An earlier time than the stored one changes nothing.
    async fn set_last_seen(&self, seen: &[(UserId, Timestamp)]) -> StoreResult<()>;

    /// Deletes the account in one change: its name and address are free again, everything personal is gone
    /// (display name, bio, metadata, status, settings, password, last seen), its sessions are revoked, its friend
    /// requests, friendships and blocks are gone, and so are the blocks of others against it; each friend's own
    /// stream records it (topic `Friend`). What is left is the id, with the user name `deleted-` and the last 12
    /// digits of the id, the display name `Deleted user`, the time of deletion, and the messages that others have
    /// received. It is [leaving](User::leaving) from then on, until [`Self::has_left`]. `None` for an unknown or deleted
    /// account.
    ///
    /// # Errors
    /// `Conflict(`[`LAST_SUPER_ADMIN`](super::LAST_SUPER_ADMIN)`)` if nobody could administer the system after it.
    async fn delete(&self, id: UserId, now: Timestamp) -> StoreResult<Option<Deleted>>;

    /// Deleted accounts that are leaving, at most `limit`.
    async fn leaving(&self, limit: usize) -> StoreResult<Vec<UserId>>;

    /// Notes that a deleted account has been taken out of everything, and forgets what that has left in its own stream.
    async fn has_left(&self, id: UserId) -> StoreResult<()>;

    /// A page of the directory, ordered by [`Username::key`](crate::Username::key). Without deleted accounts.
    async fn directory(&self, page: &Directory) -> StoreResult<Vec<User>>;

    /// The newest revision of the user's own stream; zero for an unknown user.
    async fn rev(&self, id: UserId) -> StoreResult<Rev>;
}
