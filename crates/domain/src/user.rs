//! Accounts and what they say of themselves.

use std::borrow::Cow;

use crate::{
    InvalidValue, Lock, Rev, Status, Timestamp, UserId, WhoCanWrite,
    value::{no_nul, not_blank, one_visible_line, text_value},
};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The account's id; a name may change hands, an id never does.
    pub id: UserId,
    /// The unique name to sign in and be found by.
    pub username: Username,
    /// The address to sign in by, unique where given. For the account's own eyes.
    pub email: Option<Email>,
    /// The name that others see.
    pub display_name: DisplayName,
    /// A few words about oneself.
    pub bio: Bio,
    /// What the front end keeps with an account.
    pub metadata: Metadata,
    /// What the account may do in the whole system.
    pub role: SystemRole,
    /// What keeps the account from signing in, as last stored; see [`Lock::holds`] for whether it still does.
    pub lock: Option<Lock>,
    /// What the account's owner chose.
    pub settings: Settings,
    /// What the user chose to show, as last stored; see [`Status::at`] for what holds now.
    pub status: Status,
    /// When the user was last seen online by others. Stands still while the user is invisible.
    pub last_seen_at: Option<Timestamp>,
    /// The newest change of the user's own stream.
    pub rev: Rev,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the account was deleted: what is left is the place of a sender of messages.
    pub deleted_at: Option<Timestamp>,
    /// It is deleted, and still to be taken out of where it was.
    pub leaving: bool,
}

impl User {
    /// An account as it is made: named after its user name, and nothing chosen yet.
    pub fn new(id: UserId, username: Username, email: Option<Email>, created_at: Timestamp) -> Self {
        Self {
            id,
            display_name: DisplayName::from(&username),
            username,
            email,
            bio: Bio::default(),
            metadata: Metadata::default(),
            role: SystemRole::default(),
            lock: None,
            settings: Settings::default(),
            status: Status::default(),
            last_seen_at: None,
            rev: Rev::ZERO,
            created_at,
            deleted_at: None,
            leaving: false,
        }
    }

    /// Whether the user may administer the system at that time.
    pub fn administers(&self, now: Timestamp) -> bool {
        let is_locked = self.lock.as_ref().is_some_and(|lock| lock.holds(now));
        self.role == SystemRole::SuperAdmin && self.deleted_at.is_none() && !is_locked
    }

    /// The account as somebody sees it who is to know no more of it than the name.
    #[must_use]
    pub fn name_alone(self) -> Self {
        Self {
            email: None,
            bio: Bio::default(),
            metadata: Metadata::default(),
            role: SystemRole::default(),
            settings: Settings::default(),
            status: Status::default(),
            last_seen_at: None,
            ..self
        }
    }

    /// The account after a change of its profile.
    #[must_use]
    pub fn changed(self, change: ProfileChange) -> Self {
        Self {
            display_name: change.display_name.unwrap_or(self.display_name),
            bio: change.bio.unwrap_or(self.bio),
            email: change.email.unwrap_or(self.email),
            metadata: change.metadata.unwrap_or(self.metadata),
            settings: self.settings.changed(change.settings),
            ..self
        }
    }

    /// What is left of the account once it is deleted: the place of a sender of messages, under a
    /// name that says so. It is still to leave its groups.
    #[must_use]
    pub fn after_deletion(&self, deleted_at: Timestamp) -> Self {
        let username = Username(format!("deleted-{}", &self.id.to_string()[12..]));
        let left = Self::new(self.id, username, None, self.created_at);
        let display_name = DisplayName("Deleted user".to_owned());
        Self { display_name, rev: self.rev, deleted_at: Some(deleted_at), leaving: true, ..left }
    }
}

/// A change of an account by its owner; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// A new name for others to see.
    pub display_name: Option<DisplayName>,
    /// New words about oneself.
    pub bio: Option<Bio>,
    /// A new address; `Some(None)` takes it away.
    pub email: Option<Option<Email>>,
    /// What the front end keeps from now on.
    pub metadata: Option<Metadata>,
    /// Other settings.
    pub settings: SettingsChange,
}

/// A change of settings; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// Whether others see when the user was last online.
    pub show_last_seen: Option<bool>,
    /// Whether others see how far the user has read.
    pub read_receipts: Option<bool>,
    /// Who may write to the user.
    pub who_can_write: Option<WhoCanWrite>,
}

/// What an account may do in the whole system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SystemRole {
    /// An ordinary account.
    #[default]
    User,
    /// May also create communities.
    GroupAdmin,
    /// Administers the system.
    SuperAdmin,
}

impl SystemRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::User, Self::GroupAdmin, Self::SuperAdmin];

    /// The role's name, on the wire and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::GroupAdmin => "group_admin",
            Self::SuperAdmin => "super_admin",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// What an account's owner chose about what others get to know, and who reaches him.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether others see when the user was last online.
    pub show_last_seen: bool,
    /// Whether others see how far the user has read.
    pub read_receipts: bool,
    /// Who may write to the user who was not written to by him.
    pub who_can_write: WhoCanWrite,
}

impl Default for Settings {
    fn default() -> Self {
        Self { show_last_seen: true, read_receipts: true, who_can_write: WhoCanWrite::default() }
    }
}

impl Settings {
    /// The settings after a change.
    #[must_use]
    pub fn changed(self, change: SettingsChange) -> Self {
        Self {
            show_last_seen: change.show_last_seen.unwrap_or(self.show_last_seen),
            read_receipts: change.read_receipts.unwrap_or(self.read_receipts),
            who_can_write: change.who_can_write.unwrap_or(self.who_can_write),
        }
    }
}

/// A user name: 3 to 32 ASCII letters, digits, `_`, `-` and `.`, a letter or digit first. Two names that differ
/// only in case are one name; ASCII alone, so that no name can be faked with look-alike letters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(String);
text_value!(Username);

impl Username {
    /// Reads a user name.
    ///
    /// # Errors
    /// `too_short`, `too_long` or `invalid_characters`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        match text.len() {
            0..3 => return Err(InvalidValue::new("too_short", "must have at least 3 characters")),
            3..=32 => {}
            _ => return Err(InvalidValue::new("too_long", "must have at most 32 characters")),
        }
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if !starts_well || !text.chars().all(inside) {
            return Err(InvalidValue::new(
                "invalid_characters",
                "must be ASCII letters, digits, '_', '-' or '.', with a letter or digit first",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// What the name is unique by: its lower case.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// An e-mail address: something, an `@`, a domain; at most 254 bytes (RFC 5321, section 4.5.3.1.3). Whether it
/// works only a mail can tell.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);
text_value!(Email);

impl Email {
    /// Reads an address.
    ///
    /// # Errors
    /// `too_long` or `invalid_email`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        const INVALID: InvalidValue = InvalidValue::new("invalid_email", "must be an e-mail address");
        if text.len() > 254 {
            return Err(InvalidValue::new("too_long", "must have at most 254 bytes"));
        }
        let (local, domain) = text.rsplit_once('@').ok_or(INVALID)?;
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        let bad_local = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '"' | '<' | '>' | ',' | ';');
        if local.is_empty() || local.len() > 64 || local.contains(bad_local) || !domain.split('.').all(label) {
            return Err(INVALID);
        }
        Ok(Self(text.to_owned()))
    }

    /// What the address is unique by: its lower case.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// Addresses don't belong in logs.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(…)")
    }
}

/// The name that others see: 1 to 64 characters in one line, without space at its ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DisplayName(String);
text_value!(DisplayName);

impl DisplayName {
    /// Reads a name; space at its ends is dropped.
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
            0..=64 => Ok(Self(text.to_owned())),
            _ => Err(InvalidValue::new("too_long", "must have at most 64 characters")),
        }
    }

    /// The initials of the first two words, upper case: what a drawn avatar shows.
    pub fn initials(&self) -> String {
        let first = |word: &str| word.chars().find(|c| c.is_alphanumeric());
        self.0.split_whitespace().filter_map(first).take(2).flat_map(char::to_uppercase).collect()
    }
}

impl From<&Username> for DisplayName {
    fn from(username: &Username) -> Self {
        Self(username.0.clone())
    }
}

/// A few words about oneself: at most 500 characters, lines allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bio(String);
text_value!(Bio);

impl Bio {
    /// Reads a bio.
    ///
    /// # Errors
    /// `too_long` or `nul_character`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        no_nul(text)?;
        if text.chars().count() > 500 {
            return Err(InvalidValue::new("too_long", "must have at most 500 characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// What a front end keeps with a user or a message: the text of a JSON object of at most 4,096 bytes. Nothing
/// here looks inside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Metadata(Cow<'static, str>);
text_value!(Metadata);

impl Metadata {
    /// The most bytes that the object's text may have.
    pub const MAX_BYTES: usize = 4096;
    /// What most have.
    const EMPTY: &'static str = "{}";

    /// Reads the text of a JSON object, kept as it is.
    ///
    /// # Errors
    /// `too_long`, or `not_an_object` for anything but a JSON object.
    pub fn parse(json: &str) -> Result<Self, InvalidValue> {
        if json == Self::EMPTY {
            return Ok(Self::default());
        }
        if json.len() > Self::MAX_BYTES {
            return Err(InvalidValue::new("too_long", "must have at most 4096 bytes as JSON"));
        }
        let object: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(json);
        match object {
            Ok(_) => Ok(Self(Cow::Owned(json.to_owned()))),
            Err(_) => Err(InvalidValue::new("not_an_object", "must be a JSON object")),
        }
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self(Cow::Borrowed(Self::EMPTY))
    }
}

/// What someone typed to sign in: a user name or an e-mail address, folded as both are unique by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Login(String);
text_value!(Login);

impl Login {
    /// Any text is a login; most are nobody's.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_lowercase())
    }
}

/// May be someone's address.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(…)")
    }
}

/// The words that a directory finds by their beginnings: those of a user's name and display name, or those that
/// someone looks for. Lower case, at most 16, each at most 64 bytes.
pub fn search_terms<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut terms: Vec<String> = Vec::new();
    for text in texts {
        let lower = text.to_lowercase();
        for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            let end = word.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 64).last();
            let word = &word[..end.unwrap_or(0)];
            if !terms.iter().any(|term| term == word) {
                terms.push(word.to_owned());
            }
        }
    }
    terms.truncate(16);
    terms
}

#[cfg(test)]
mod tests;
