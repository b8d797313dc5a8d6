//! Users: what one shows of oneself and what others see.

use parlor_domain::{
    Bio, DisplayName, Email, PresenceView, ProfileChange, SettingsChange, SystemRole, UserId, UserView,
};
use parlor_services::{Password, ProfileUpdate};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use validator::Validate;

use super::{Metadata, Relation, Secret, Status, field, rules};
use crate::{extract::object, problem::Problem};

/// A user. `email`, `role`, `settings` and `rev` are there only in one's own account. Who blocks one shows no more than
/// the name: all else is as if it had not been set.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The user's id; a name may change hands, an id never does.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub id: String,
    /// The unique name.
    #[schema(min_length = 3, max_length = 32, example = "ada")]
    pub username: String,
    /// The name to show.
    #[schema(min_length = 1, max_length = 64, example = "Ada Lovelace")]
    pub display_name: String,
    /// Where the picture is, relative to the server.
    #[schema(format = "uri-reference", example = "/api/v1/users/6740a1b2c3d4e5f601234567/avatar")]
    pub avatar_url: String,
    /// A few words of the user's own.
    #[schema(max_length = 500, example = "Poetical science.")]
    pub bio: String,
    /// What the user chose to show.
    pub status: Status,
    /// What the server observed.
    pub presence: Presence,
    /// What the front end keeps with the account.
    pub metadata: Metadata,
    /// When the account was made.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub created_at: String,
    /// What the user is to oneself. Only where one user is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Relation, required = false)]
    pub relation: Option<Relation>,
    /// The address to sign in by, or null. Only in one's own account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 254, example = "ada@example.org")]
    pub email: Option<Option<String>>,
    /// What the account may do in the whole system. Only in one's own account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Role, required = false)]
    pub role: Option<Role>,
    /// What others get to know. Only in one's own account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Settings, required = false)]
    pub settings: Option<Settings>,
    /// The newest revision of one's own stream, to resume from. Only in one's own account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, maximum = 9007199254740991i64, example = 7)]
    pub rev: Option<u64>,
}

/// Where a user's picture is, relative to the server.
pub fn avatar_url(id: UserId) -> String {
    format!("/api/v1/users/{id}/avatar")
}

impl From<&UserView> for User {
    fn from(view: &UserView) -> Self {
        let user = &view.user;
        Self {
            id: user.id.to_string(),
            username: user.username.to_string(),
            display_name: user.display_name.to_string(),
            avatar_url: avatar_url(user.id),
            bio: user.bio.to_string(),
            status: (&view.status).into(),
            presence: view.presence.into(),
            metadata: (&user.metadata).into(),
            created_at: user.created_at.to_string(),
            relation: view.relation.map(Into::into),
            email: view.own.then(|| user.email.as_ref().map(ToString::to_string)),
            role: view.own.then(|| user.role.into()),
            settings: view.own.then(|| user.settings.into()),
            rev: view.own.then(|| user.rev.get()),
        }
    }
}

/// What an account may do in the whole system.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// An ordinary account.
    User,
    /// May also create communities.
    GroupAdmin,
    /// Administers the system.
    SuperAdmin,
}

impl From<SystemRole> for Role {
    fn from(role: SystemRole) -> Self {
        match role {
            SystemRole::User => Self::User,
            SystemRole::GroupAdmin => Self::GroupAdmin,
            SystemRole::SuperAdmin => Self::SuperAdmin,
        }
    }
}

/// What others get to know of a user, and who reaches him.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Whether others see when the user was last online.
    pub show_last_seen: bool,
    /// Whether others see how far the user has read.
    pub read_receipts: bool,
    /// Who may write to the user who was not written to by him.
    pub who_can_write: WhoCanWrite,
}

impl From<parlor_domain::Settings> for Settings {
    fn from(settings: parlor_domain::Settings) -> Self {
        Self {
            show_last_seen: settings.show_last_seen,
            read_receipts: settings.read_receipts,
            who_can_write: settings.who_can_write.into(),
        }
    }
}

/// Who may write to a user. Who was written to by him, may always answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum WhoCanWrite {
    /// Everyone whom he does not block.
    Anyone,
    /// His friends, and those who are in a group with him.
    SharedGroups,
    /// His friends.
    Friends,
    /// Nobody.
    Nobody,
}

impl From<parlor_domain::WhoCanWrite> for WhoCanWrite {
    fn from(choice: parlor_domain::WhoCanWrite) -> Self {
        match choice {
            parlor_domain::WhoCanWrite::Anyone => Self::Anyone,
            parlor_domain::WhoCanWrite::SharedGroups => Self::SharedGroups,
            parlor_domain::WhoCanWrite::Friends => Self::Friends,
            parlor_domain::WhoCanWrite::Nobody => Self::Nobody,
        }
    }
}

impl From<WhoCanWrite> for parlor_domain::WhoCanWrite {
    fn from(choice: WhoCanWrite) -> Self {
        match choice {
            WhoCanWrite::Anyone => Self::Anyone,
            WhoCanWrite::SharedGroups => Self::SharedGroups,
            WhoCanWrite::Friends => Self::Friends,
            WhoCanWrite::Nobody => Self::Nobody,
        }
    }
}

/// A change of settings; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateSettings {
    /// Whether others see when the user was last online.
    pub show_last_seen: Option<bool>,
    /// Whether others see how far the user has read.
    pub read_receipts: Option<bool>,
    /// Who may write to the user who was not written to by him.
    pub who_can_write: Option<WhoCanWrite>,
}

impl From<UpdateSettings> for SettingsChange {
    fn from(update: UpdateSettings) -> Self {
        Self {
            show_last_seen: update.show_last_seen,
            read_receipts: update.read_receipts,
            who_can_write: update.who_can_write.map(Into::into),
        }
    }
}

/// Whether a user is here.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// Whether the user has a live connection.
    pub online: bool,
    /// When the last connection went; null while online, if there was none, or if the user does not show it.
    #[schema(required = true, format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub last_seen_at: Option<String>,
}

impl From<parlor_domain::Presence> for Presence {
    fn from(presence: parlor_domain::Presence) -> Self {
        Self { online: presence.online, last_seen_at: presence.last_seen_at.map(|time| time.to_string()) }
    }
}

/// A user's presence and status: the data of the event `presence.updated`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresenceUpdate {
    /// Whose.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub user_id: String,
    /// Whether the user is here.
    pub presence: Presence,
    /// What the user chose to show.
    pub status: Status,
}

impl From<&PresenceView> for PresenceUpdate {
    fn from(view: &PresenceView) -> Self {
        Self { user_id: view.user_id.to_string(), presence: view.presence.into(), status: (&view.status).into() }
    }
}

/// A change of one's own account; what is left out stays as it is.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "displayName": "Ada L.", "bio": "Poetical science.", "metadata": { "theme": "dark" } }))]
pub struct UpdateUser {
    /// Another name to show: one line of 1 to 64 characters.
    #[validate(custom(function = "rules::display_name"))]
    #[schema(min_length = 1, max_length = 64)]
    pub display_name: Option<String>,
    /// Other words about oneself.
    #[validate(custom(function = "rules::bio"))]
    #[schema(max_length = 500)]
    pub bio: Option<String>,
    /// Another address to sign in by; null takes it away. Needs `currentPassword`.
    #[serde(default, deserialize_with = "even_null")]
    #[validate(custom(function = "rules::email"))]
    #[schema(value_type = Option<String>, max_length = 254)]
    pub email: Option<Option<String>>,
    /// What the front end keeps from now on, in place of what it kept: a JSON object of at most 4,096 bytes.
    #[validate(custom(function = "rules::metadata"))]
    #[schema(value_type = Option<Metadata>)]
    pub metadata: Option<Box<RawValue>>,
    /// Other settings.
    #[serde(default, deserialize_with = "object_or_null")]
    pub settings: Option<UpdateSettings>,
    /// The present password, for a change of the address.
    #[validate(custom(function = "rules::password"))]
    #[schema(value_type = Option<String>, format = Password, max_length = 1024)]
    pub current_password: Option<Secret>,
}

fn object_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UpdateSettings>, D::Error> {
    struct Object(UpdateSettings);

    impl<'de> Deserialize<'de> for Object {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            object(deserializer).map(Self)
        }
    }

    Ok(Option::<Object>::deserialize(deserializer)?.map(|object| object.0))
}

/// Tells a field that is null from one that is absent.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl TryFrom<UpdateUser> for ProfileUpdate {
    type Error = Problem;

    fn try_from(update: UpdateUser) -> Result<Self, Problem> {
        let email = update.email.map(|email| email.map(|email| field("email", Email::parse(&email))).transpose());
        let metadata = update.metadata.map(|json| field("metadata", parlor_domain::Metadata::parse(json.get())));
        let password = update.current_password;
        Ok(Self {
            change: ProfileChange {
                display_name: update
                    .display_name
                    .map(|name| field("displayName", DisplayName::parse(&name)))
                    .transpose()?,
                bio: update.bio.map(|bio| field("bio", Bio::parse(&bio))).transpose()?,
                email: email.transpose()?,
                metadata: metadata.transpose()?,
                settings: update.settings.unwrap_or_default().into(),
            },
            current_password: password
                .map(|secret| field("currentPassword", Password::candidate(secret.expose())))
                .transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_named_as_in_the_domain() {
        for role in [SystemRole::User, SystemRole::GroupAdmin, SystemRole::SuperAdmin] {
            assert_eq!(serde_json::to_value(Role::from(role)).unwrap(), role.name());
        }
    }

    #[test]
    fn who_can_write_is_named_as_in_the_domain() {
        for choice in parlor_domain::WhoCanWrite::ALL {
            assert_eq!(serde_json::to_value(WhoCanWrite::from(choice)).unwrap(), choice.name());
            let read: WhoCanWrite = serde_json::from_value(choice.name().into()).unwrap();
            assert_eq!(parlor_domain::WhoCanWrite::from(read), choice);
        }
    }

    #[test]
    fn an_address_that_is_null_is_told_from_one_that_is_absent() {
        let read = |json: &str| serde_json::from_str::<UpdateUser>(json).unwrap().email;
        assert_eq!((read("{}"), read(r#"{"email":null}"#)), (None, Some(None)));
        assert_eq!(read(r#"{"email":"a@b.c"}"#), Some(Some("a@b.c".to_owned())));
    }
}
