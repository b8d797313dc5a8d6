//! What super admins see and do.

use parlor_domain::{Actor, AuditDetails, DaySum, LockReason, Named, SystemRole};
use parlor_services::{AccountDetails, AccountView};
use serde::{Deserialize, Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;
use utoipa::{PartialSchema, ToSchema, openapi};
use validator::Validate;

use super::{Role, field, rules};
use crate::problem::Problem;

/// What keeps an account from signing in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Lock {
    /// Why.
    #[schema(min_length = 1, max_length = 500, example = "spam")]
    pub reason: String,
    /// Since when.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub at: String,
    /// When it ends by itself; null if somebody has to take it away.
    #[schema(required = true, format = DateTime, example = "2026-12-21T10:57:31.042Z")]
    pub until: Option<String>,
}

impl From<&parlor_domain::Lock> for Lock {
    fn from(lock: &parlor_domain::Lock) -> Self {
        Self {
            reason: lock.reason.to_string(),
            at: lock.at.to_string(),
            until: lock.until.map(|until| until.to_string()),
        }
    }
}

/// An account as administrators see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminUser {
    /// The account's id.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub id: String,
    /// The unique name.
    #[schema(min_length = 3, max_length = 32, example = "ada")]
    pub username: String,
    /// The name that others see.
    #[schema(min_length = 1, max_length = 64, example = "Ada Lovelace")]
    pub display_name: String,
    /// The address to sign in by.
    #[schema(required = true, max_length = 254, example = "ada@example.org")]
    pub email: Option<String>,
    /// What the account may do in the whole system.
    pub role: Role,
    /// What keeps it from signing in at present.
    #[schema(required = true)]
    pub lock: Option<Lock>,
    /// Whether the user is connected, invisible or not.
    pub online: bool,
    /// When others last saw the user online.
    #[schema(required = true, format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub last_seen_at: Option<String>,
    /// When the account was made.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub created_at: String,
}

impl From<&AccountView> for AdminUser {
    fn from(AccountView { user, lock, online }: &AccountView) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.to_string(),
            display_name: user.display_name.to_string(),
            email: user.email.as_ref().map(ToString::to_string),
            role: user.role.into(),
            lock: lock.as_ref().map(Into::into),
            online: *online,
            last_seen_at: user.last_seen_at.map(|time| time.to_string()),
            created_at: user.created_at.to_string(),
        }
    }
}

/// An account as administrators see it, and how much it has.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AdminUserDetails {
    /// The account.
    #[serde(flatten)]
    pub user: AdminUser,
    /// How much it has.
    pub counts: AccountCounts,
}

/// How much of what an account has.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct AccountCounts {
    /// Live sessions.
    #[schema(example = 2)]
    pub sessions: u64,
    /// Conversations that it is in.
    #[schema(example = 14)]
    pub conversations: u64,
}

impl From<&AccountDetails> for AdminUserDetails {
    fn from(AccountDetails { account, counts }: &AccountDetails) -> Self {
        let counts = AccountCounts { sessions: counts.sessions, conversations: counts.conversations };
        Self { user: account.into(), counts }
    }
}

/// A lock to put on an account.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "reason": "spam", "until": "2026-12-21T10:57:31.042Z" }))]
pub struct LockUser {
    /// Why: one line of 1 to 500 characters. Told to who signs in with the right password.
    #[validate(custom(function = "rules::lock_reason"))]
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// When it ends by itself, in the future; if left out, somebody has to take it away.
    #[validate(custom(function = "rules::time"))]
    #[schema(format = DateTime)]
    pub until: Option<String>,
}

impl TryFrom<LockUser> for (LockReason, Option<parlor_domain::Timestamp>) {
    type Error = Problem;

    fn try_from(lock: LockUser) -> Result<Self, Problem> {
        let until = lock.until.map(|until| field("until", rules::parse_time(&until))).transpose()?;
        Ok((field("reason", LockReason::parse(&lock.reason))?, until))
    }
}

/// A role to give to an account.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "group_admin" }))]
pub struct SetAccountRole {
    /// What the account may do in the whole system from now on.
    pub role: Role,
}

impl From<Role> for SystemRole {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::GroupAdmin => Self::GroupAdmin,
            Role::SuperAdmin => Self::SuperAdmin,
        }
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// The entry's id.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6eeeeeeee")]
    pub id: String,
    /// When it was done.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub at: String,
    /// Who did it, as he was called then; null for the command line.
    #[schema(required = true)]
    pub actor: Option<AuditUser>,
    /// What was done.
    pub action: AuditAction,
    /// On whom, as he was called then.
    pub target: AuditUser,
    /// How it was done.
    pub details: Details,
    /// What the request is called in the server's log.
    #[schema(required = true, example = "019aa5b0-7b0e-7cc3-98c4-dc0c0c07398f")]
    pub request_id: Option<String>,
}

/// A user as he was called then.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditUser {
    /// The account.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub id: String,
    /// Its name then.
    #[schema(min_length = 3, max_length = 32, example = "ada")]
    pub username: String,
}

impl From<&Named> for AuditUser {
    fn from(named: &Named) -> Self {
        Self { id: named.id.to_string(), username: named.username.to_string() }
    }
}

impl From<&parlor_domain::AuditEntry> for AuditEntry {
    fn from(entry: &parlor_domain::AuditEntry) -> Self {
        let actor = match &entry.actor {
            Actor::User(actor) => Some(actor.into()),
            Actor::CommandLine => None,
        };
        Self {
            id: entry.id.to_string(),
            at: entry.at.to_string(),
            actor,
            action: entry.action.into(),
            target: (&entry.target).into(),
            details: Details(entry.details.clone()),
            request_id: entry.request.clone(),
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub enum AuditAction {
    /// An account was made from the command line.
    #[serde(rename = "user.created")]
    UserCreated,
    /// An account got another role: `from`, `to`.
    #[serde(rename = "user.role_changed")]
    RoleChanged,
    /// An account was locked: `reason`, `until`.
    #[serde(rename = "user.locked")]
    UserLocked,
    /// An account was unlocked.
    #[serde(rename = "user.unlocked")]
    UserUnlocked,
    /// An account was deleted.
    #[serde(rename = "user.deleted")]
    UserDeleted,
    /// A session was ended: `sessionId`.
    #[serde(rename = "session.ended")]
    SessionEnded,
    /// All sessions were ended: `count`.
    #[serde(rename = "sessions.ended")]
    SessionsEnded,
}

impl From<parlor_domain::AuditAction> for AuditAction {
    fn from(action: parlor_domain::AuditAction) -> Self {
        use parlor_domain::AuditAction as Domain;
        match action {
            Domain::UserCreated => Self::UserCreated,
            Domain::RoleChanged => Self::RoleChanged,
            Domain::UserLocked => Self::UserLocked,
            Domain::UserUnlocked => Self::UserUnlocked,
            Domain::UserDeleted => Self::UserDeleted,
            Domain::SessionEnded => Self::SessionEnded,
            Domain::SessionsEnded => Self::SessionsEnded,
        }
    }
}

/// How something was done, written as it is stored.
#[derive(Clone, Debug)]
pub struct Details(AuditDetails);

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let object: &RawValue = serde_json::from_str(self.0.as_str()).map_err(S::Error::custom)?;
        object.serialize(serializer)
    }
}

impl PartialSchema for Details {
    fn schema() -> openapi::RefOr<openapi::Schema> {
        openapi::ObjectBuilder::new()
            .description(Some("An object of texts; what is in it depends on the action."))
            .additional_properties(Some(openapi::schema::AdditionalProperties::FreeForm(true)))
            .examples([serde_json::json!({ "from": "user", "to": "group_admin" })])
            .build()
            .into()
    }
}

impl ToSchema for Details {}

/// How much there is, and how much happens.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Statistics {
    /// Accounts that are not deleted.
    #[schema(example = 1200)]
    pub users: u64,
    /// Conversations.
    #[schema(example = 5400)]
    pub conversations: u64,
    /// Messages, as nearly as can be told without counting them.
    #[schema(example = 120000)]
    pub messages: u64,
    /// Users who are connected to this server.
    #[schema(example = 85)]
    pub online: u64,
    /// The last 30 days in UTC, the oldest first.
    #[schema(max_items = 30)]
    pub days: Vec<DayStatistics>,
}

impl From<&parlor_services::Statistics> for Statistics {
    fn from(statistics: &parlor_services::Statistics) -> Self {
        let totals = &statistics.totals;
        Self {
            users: totals.users,
            conversations: totals.conversations,
            messages: totals.messages,
            online: statistics.online as u64,
            days: statistics.days.iter().map(Into::into).collect(),
        }
    }
}

/// How much happened on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DayStatistics {
    /// The day.
    #[schema(format = Date, example = "2026-11-21")]
    pub day: String,
    /// Users who were connected or sent a message.
    #[schema(example = 310)]
    pub active_users: u64,
    /// Messages that were sent.
    #[schema(example = 4100)]
    pub messages: u64,
}

impl From<&DaySum> for DayStatistics {
    fn from(sum: &DaySum) -> Self {
        Self { day: sum.day.to_string(), active_users: sum.active_users, messages: sum.messages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_named_as_in_the_domain() {
        for action in parlor_domain::AuditAction::ALL {
            assert_eq!(serde_json::to_value(AuditAction::from(action)).unwrap(), action.name());
        }
    }

    #[test]
    fn roles_read_back_as_they_are_written() {
        for role in SystemRole::ALL {
            let read: SetAccountRole = serde_json::from_value(serde_json::json!({ "role": role.name() })).unwrap();
            assert_eq!(SystemRole::from(read.role), role);
        }
    }
}
