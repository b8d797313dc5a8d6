//! Signing up and in, and tokens.

use parlor_domain::{DisplayName, Email, Login, Username};
use parlor_services::Password;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::{Secret, User, field, rules};
use crate::problem::Problem;

/// A new account.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "username": "ada", "email": "ada@example.org", "password": "difference engine", "displayName": "Ada Lovelace"
}))]
pub struct SignUp {
    /// The unique name: 3 to 32 ASCII letters, digits, `_`, `-` and `.`, with a letter or digit first.
    #[validate(custom(function = "rules::username"))]
    #[schema(min_length = 3, max_length = 32, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    pub username: String,
    /// An address to sign in by as well.
    #[validate(custom(function = "rules::email"))]
    #[schema(max_length = 254)]
    pub email: Option<String>,
    /// The password: at least 8 characters and at most 71 bytes, and none of those that everyone tries first.
    #[validate(custom(function = "rules::new_password"))]
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 71)]
    pub password: Secret,
    /// The name to show: one line of 1 to 64 characters. The user name if left out.
    #[validate(custom(function = "rules::display_name"))]
    #[schema(min_length = 1, max_length = 64)]
    pub display_name: Option<String>,
    /// How the tokens are handed over; `token` if left out.
    pub session: Option<TokenDelivery>,
}

impl TryFrom<SignUp> for parlor_services::SignUp {
    type Error = Problem;

    fn try_from(new: SignUp) -> Result<Self, Problem> {
        Ok(Self {
            username: field("username", Username::parse(&new.username))?,
            email: new.email.map(|email| field("email", Email::parse(&email))).transpose()?,
            password: field("password", Password::parse(new.password.expose()))?,
            display_name: new.display_name.map(|name| field("displayName", DisplayName::parse(&name))).transpose()?,
        })
    }
}

/// A login.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "login": "ada", "password": "difference engine" }))]
pub struct LogIn {
    /// The user name or e-mail address, in any case of letters.
    #[validate(length(max = 254, code = "too_long", message = "must have at most 254 characters"))]
    #[schema(max_length = 254)]
    pub login: String,
    /// The password.
    #[validate(custom(function = "rules::password"))]
    #[schema(value_type = String, format = Password, max_length = 1024)]
    pub password: Secret,
    /// How the tokens are handed over; `token` if left out.
    pub session: Option<TokenDelivery>,
}

impl TryFrom<LogIn> for parlor_services::LogIn {
    type Error = Problem;

    fn try_from(login: LogIn) -> Result<Self, Problem> {
        Ok(Self {
            login: Login::new(&login.login),
            password: field("password", Password::candidate(login.password.expose()))?,
        })
    }
}

/// How tokens are handed over: in the body, for clients that keep them, or as `HttpOnly` cookies, for web pages,
/// whose scripts then never hold them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenDelivery {
    /// In the body.
    #[default]
    Token,
    /// As cookies alone.
    Cookie,
}

/// A renewal of a session's tokens.
#[derive(Clone, Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "refreshToken": "prt_2kzGyaVXtJDqUPk0l2rJmO3VrJYvLk3mSZ0c0p1m0uQ" }))]
pub struct Refresh {
    /// The newest refresh token; left out if it is in a cookie.
    #[schema(value_type = Option<String>, max_length = 1024)]
    pub refresh_token: Option<Secret>,
}

/// The tokens of a session. Where they are handed over as cookies, `expiresIn` stands alone.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// The token to send as `Authorization: Bearer …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "eyJ0eXAiOiJhdCtqd3Qi.eyJzdWIiOiI2NzQwIn0.c2ln")]
    pub access_token: Option<String>,
    /// The token that gets the next ones, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "prt_2kzGyaVXtJDqUPk0l2rJmO3VrJYvLk3mSZ0c0p1m0uQ")]
    pub refresh_token: Option<String>,
    /// Always `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "Bearer")]
    pub token_type: Option<&'static str>,
    /// For how many seconds the access token is good.
    #[schema(example = 900)]
    pub expires_in: u64,
}

impl Tokens {
    /// The shape of a session's tokens, with or without the tokens themselves.
    pub fn new(tokens: &parlor_services::Tokens, delivery: TokenDelivery) -> Self {
        let in_body = delivery == TokenDelivery::Token;
        Self {
            access_token: in_body.then(|| tokens.access.expose_secret().to_owned()),
            refresh_token: in_body.then(|| tokens.refresh.expose_secret().to_owned()),
            token_type: in_body.then_some("Bearer"),
            expires_in: tokens.access_ttl.as_secs(),
        }
    }
}

/// What a sign-up or login gives.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// The tokens.
    #[serde(flatten)]
    pub tokens: Tokens,
    /// One's own account.
    pub user: User,
}

/// That one's account is to be deleted.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "currentPassword": "difference engine" }))]
pub struct DeleteAccount {
    /// One's password, so that nobody else who holds the device can do it.
    #[validate(custom(function = "rules::password"))]
    #[schema(value_type = String, format = Password, max_length = 1024)]
    pub current_password: Secret,
}

/// A change of one's password.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "currentPassword": "difference engine", "newPassword": "analytical engine" }))]
pub struct ChangePassword {
    /// The present password.
    #[validate(custom(function = "rules::password"))]
    #[schema(value_type = String, format = Password, max_length = 1024)]
    pub current_password: Secret,
    /// The next one, by the rules of the sign-up.
    #[validate(custom(function = "rules::new_password"))]
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 71)]
    pub new_password: Secret,
}
