//! Accounts' doors: sign-up, login, sessions, tokens, tickets.

mod familiar;
mod hashing;
mod passwords;
mod revocations;
mod service;
mod tokens;

pub(crate) use hashing::hash_at_once;
pub use passwords::Password;
pub use service::{AuthService, Caller, ClientInfo, LogIn, SessionView, SignUp, SignedIn, Ticket, Tokens};

/// The log target of what a security review asks for: who signed in or was refused, which sessions ended and why,
/// which limits were reached. Never a password, a token, or the name that somebody tried.
pub(crate) const SECURITY: &str = "security";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::AuthConfig;

    /// What the tests of this module set up with.
    pub(super) fn auth_config() -> AuthConfig {
        AuthConfig {
            secret: "a secret of at least thirty-two bytes".into(),
            previous_secret: None,
            access_ttl: Duration::from_secs(900),
            refresh_idle_ttl: Duration::from_secs(30 * 86_400),
            refresh_max_ttl: Duration::from_secs(90 * 86_400),
            ticket_ttl: Duration::from_secs(30),
            bcrypt_cost: 4,
            hash_threads: 1,
            hash_queue: 8,
        }
    }
}
