//! What administrators do to accounts, and the log of it.

use std::fmt::Write as _;

use crate::{
    AuditId, InvalidValue, SessionId, SystemRole, Timestamp, User, UserId, Username,
    value::{not_blank, one_visible_line, text_value},
};

/// What keeps an account from signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Why; told to who tries to sign in with the right password.
    pub reason: LockReason,
    /// Since when.
    pub at: Timestamp,
    /// When it ends by itself; without, it lasts until somebody takes it away.
    pub until: Option<Timestamp>,
}

impl Lock {
    /// Whether it is in force.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// Why an account is locked: one line of 1 to 500 characters, without space at its ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockReason(String);
text_value!(LockReason);

impl LockReason {
    /// Reads a reason; space at its ends is dropped.
    ///
    /// # Errors
    /// `empty`, `too_long`, `nul_character` or `control_character`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        not_blank(text)?;
        Self::stored(text.trim())
    }

    /// Reads one that was taken once: what counts as empty has become more since.
    ///
    /// # Errors
    /// As [`Self::parse`], but for `empty`.
    pub fn stored(text: &str) -> Result<Self, InvalidValue> {
        one_visible_line(text)?;
        match text.chars().count() {
            0..=500 => Ok(Self(text.to_owned())),
            _ => Err(InvalidValue::new("too_long", "must have at most 500 characters")),
        }
    }
}

/// What an administrator does to an account, but for making and deleting it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Gives it another role.
    SetRole(SystemRole),
    /// Keeps it from signing in, and ends its sessions. A lock that it has is replaced; the same lock again stays as it is.
    Lock(Lock),
    /// Lets it sign in again.
    Unlock,
    /// Ends one of its sessions.
    EndSession(SessionId),
    /// Ends all its sessions.
    EndSessions,
}

impl Act {
    /// Whether it changes anything about an account that is so. Of sessions only the store knows.
    pub fn is_needed(&self, user: &User, now: Timestamp) -> bool {
        match self {
            Self::SetRole(role) => user.role != *role,
            Self::Unlock => user.lock.as_ref().is_some_and(|lock| lock.holds(now)),
            Self::Lock(_) | Self::EndSession(_) | Self::EndSessions => true,
        }
    }

    /// Whether all that it may still change about an account that is so is which sessions it has.
    pub fn is_of_sessions(&self, user: &User, now: Timestamp) -> bool {
        match self {
            Self::Lock(lock) => {
                let is_same = |held: &Lock| held.holds(now) && (&held.reason, held.until) == (&lock.reason, lock.until);
                user.lock.as_ref().is_some_and(is_same)
            }
            Self::EndSession(_) | Self::EndSessions => true,
            Self::SetRole(_) | Self::Unlock => false,
        }
    }

    /// Whether it takes a super admin away, if the account is one.
    pub fn takes_away(&self) -> bool {
        match self {
            Self::SetRole(role) => *role != SystemRole::SuperAdmin,
            Self::Lock(_) => true,
            Self::Unlock | Self::EndSession(_) | Self::EndSessions => false,
        }
    }
}

/// Who acts, when, and in which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    /// The id of the entry that the act takes in the audit log.
    pub id: AuditId,
    /// The present.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What the request is called in the server's log.
    pub request: Option<String>,
}

/// Who did something that the audit log tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user.
    User(Named),
    /// Who can start the program beside the database.
    CommandLine,
}

/// A user as he was called then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The account.
    pub id: UserId,
    /// Its name then.
    pub username: Username,
}

impl From<&User> for Named {
    fn from(user: &User) -> Self {
        Self { id: user.id, username: user.username.clone() }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditAction {
    /// An account was made for an administrator.
    UserCreated,
    /// An account got another role.
    RoleChanged,
    /// An account was locked.
    UserLocked,
    /// An account was unlocked.
    UserUnlocked,
    /// An account was deleted.
    UserDeleted,
    /// One session of an account was ended.
    SessionEnded,
    /// All sessions of an account were ended.
    SessionsEnded,
}

impl AuditAction {
    /// Every action.
    pub const ALL: [Self; 7] = [
        Self::UserCreated,
        Self::RoleChanged,
        Self::UserLocked,
        Self::UserUnlocked,
        Self::UserDeleted,
        Self::SessionEnded,
        Self::SessionsEnded,
    ];

    /// The action's name, on the wire and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserCreated => "user.created",
            Self::RoleChanged => "user.role_changed",
            Self::UserLocked => "user.locked",
            Self::UserUnlocked => "user.unlocked",
            Self::UserDeleted => "user.deleted",
            Self::SessionEnded => "session.ended",
            Self::SessionsEnded => "sessions.ended",
        }
    }

    /// The action of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// An entry of the audit log. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The entry's id.
    pub id: AuditId,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: AuditAction,
    /// On whom.
    pub target: Named,
    /// How it was done.
    pub details: AuditDetails,
    /// What the request is called in the server's log.
    pub request: Option<String>,
}

impl AuditEntry {
    /// The entry of an act on an account that was as `before`, by which so many sessions ended.
    pub fn of_act(act: &Act, acting: &Acting, before: &User, ended: usize) -> Self {
        let (action, details) = match act {
            Act::SetRole(role) => {
                let (from, to) = (before.role.name().to_owned(), role.name().to_owned());
                (AuditAction::RoleChanged, AuditDetails::of([("from", Some(from)), ("to", Some(to))]))
            }
            Act::Lock(Lock { reason, at: _, until }) => {
                let until = until.map(|until| until.to_string());
                let details = AuditDetails::of([("reason", Some(reason.to_string())), ("until", until)]);
                (AuditAction::UserLocked, details)
            }
            Act::Unlock => (AuditAction::UserUnlocked, AuditDetails::default()),
            Act::EndSession(id) => (AuditAction::SessionEnded, AuditDetails::of([("sessionId", Some(id.to_string()))])),
            Act::EndSessions => (AuditAction::SessionsEnded, AuditDetails::of([("count", Some(ended.to_string()))])),
        };
        Self::new(acting, action, before, details)
    }

    /// The entry of the making of an account.
    pub fn of_creation(acting: &Acting, user: &User) -> Self {
        let details = AuditDetails::of([("role", Some(user.role.name().to_owned()))]);
        Self::new(acting, AuditAction::UserCreated, user, details)
    }

    /// The entry of the deletion of an account that was as `before`.
    pub fn of_deletion(acting: &Acting, before: &User) -> Self {
        Self::new(acting, AuditAction::UserDeleted, before, AuditDetails::default())
    }

    fn new(acting: &Acting, action: AuditAction, target: &User, details: AuditDetails) -> Self {
        let Acting { id, at, actor, request } = acting.clone();
        Self { id, at, actor, action, target: target.into(), details, request }
    }
}

/// How something was done: the text of a JSON object of texts, of at most 8,192 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditDetails(String);
text_value!(AuditDetails);

impl AuditDetails {
    /// The most bytes that the object's text may have.
    pub const MAX_BYTES: usize = 8192;

    /// An object with those of these members that are there. Their texts together must be of some hundred characters.
    fn of<const N: usize>(members: [(&'static str, Option<String>); N]) -> Self {
        let mut text = "{".to_owned();
        for (name, value) in members {
            let Some(value) = value else { continue };
            let comma = if text.len() > 1 { "," } else { "" };
            // Neither fails: it is written into memory, and texts are JSON.
            let _ = write!(text, "{comma}\"{name}\":{}", serde_json::Value::from(value));
        }
        text.push('}');
        Self(text)
    }

    /// Reads the text of a JSON object, kept as it is.
    ///
    /// # Errors
    /// `too_long`, or `not_an_object` for anything but a JSON object.
    pub fn parse(json: &str) -> Result<Self, InvalidValue> {
        if json.len() > Self::MAX_BYTES {
            return Err(InvalidValue::new("too_long", "must have at most 8192 bytes as JSON"));
        }
        let object: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(json);
        match object {
            Ok(_) => Ok(Self(json.to_owned())),
            Err(_) => Err(InvalidValue::new("not_an_object", "must be a JSON object")),
        }
    }
}

impl Default for AuditDetails {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_reason_is_one_line_of_1_to_500_characters() {
        assert_eq!(LockReason::parse(" spam ").unwrap().as_str(), "spam");
        assert!(LockReason::parse(&"é".repeat(500)).is_ok());
        for (bad, code) in
            [("", "empty"), (" \u{200b}", "empty"), ("a\nb", "control_character"), (&"é".repeat(501), "too_long")]
        {
            assert_eq!(LockReason::parse(bad).unwrap_err().code, code, "{bad:?}");
        }
    }

    #[test]
    fn a_lock_holds_until_its_end() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let lock = |until| Lock { reason: LockReason::parse("spam").unwrap(), at: now, until };
        assert!(lock(None).holds(Timestamp::MAX));
        let until = now + Duration::from_secs(1);
        assert!(lock(Some(until)).holds(now));
        assert!(!lock(Some(until)).holds(until));
    }

    #[test]
    fn actions_read_back_from_their_names() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::from_name(action.name()), Some(action));
        }
        assert_eq!(AuditAction::from_name("user"), None);
    }

    #[test]
    fn details_are_a_json_object_within_their_bound_whatever_the_reason_says() {
        let user = User::new(UserId::from_bytes([1; 12]), Username::parse("ada").unwrap(), None, Timestamp::MAX);
        let actor = Actor::User(Named::from(&user));
        let acting = Acting { id: AuditId::from_bytes([2; 12]), at: Timestamp::MAX, actor, request: None };
        for reason in ["spam", &"\"\\".repeat(250), &"\u{10ffff}".repeat(500)] {
            let lock =
                Lock { reason: LockReason::parse(reason).unwrap(), at: Timestamp::MAX, until: Some(Timestamp::MAX) };
            let entry = AuditEntry::of_act(&Act::Lock(lock), &acting, &user, 0);
            assert_eq!(AuditDetails::parse(entry.details.as_str()), Ok(entry.details.clone()));
            let members: serde_json::Value = serde_json::from_str(entry.details.as_str()).unwrap();
            assert_eq!((&members["reason"], &members["until"]), (&reason.into(), &"9999-12-30T21:59:59.999Z".into()));
        }
        let entry = AuditEntry::of_act(&Act::SetRole(SystemRole::SuperAdmin), &acting, &user, 0);
        assert_eq!(entry.details.as_str(), r#"{"from":"user","to":"super_admin"}"#);
        assert_eq!(AuditEntry::of_deletion(&acting, &user).details.as_str(), "{}");
    }
}
