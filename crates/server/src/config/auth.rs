//! Settings of accounts, tokens and cookies.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::HumanDuration;

/// Accounts and tokens: the section `[auth]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// What access tokens are signed with; empty if it is in a file.
    pub secret: SecretString,
    /// The secret that was in force before; empty for none.
    pub previous_secret: SecretString,
    /// The file that holds the secret; empty for `secret.key` in the data directory.
    pub secret_file: String,
    /// Whether a secret is made if there is none.
    pub generate_secret: bool,
    /// How long an access token is good.
    pub access_ttl: HumanDuration,
    /// How long a session lasts without being renewed.
    pub refresh_idle_ttl: HumanDuration,
    /// How long a session lasts in any case.
    pub refresh_max_ttl: HumanDuration,
    /// The cost of the bcrypt hash of passwords.
    pub bcrypt_cost: u32,
    /// Threads that hash passwords; 0 for one less than there are processors.
    pub hash_threads: usize,
    /// Most passwords that wait to be hashed.
    pub hash_queue: usize,
}

impl AuthSettings {
    /// Whether the secret itself is among the settings.
    pub fn has_secret(&self) -> bool {
        !self.secret.expose_secret().is_empty()
    }
}

/// The cookies of browsers: the section `[cookies]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CookieSettings {
    /// Whether the cookies travel over HTTPS only.
    pub secure: bool,
    /// When they are sent with requests from other sites.
    pub same_site: SameSite,
    /// First part of their names.
    pub name: String,
}

/// When a browser sends a cookie with a request that another site causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SameSite {
    /// Never.
    Strict,
    /// When the user follows a link.
    Lax,
    /// Always; for a front end on another site.
    None,
}
