//! What can be set about the rules.

use std::time::Duration;

use secrecy::SecretString;

use crate::{CommunityLimits, LimitsConfig, RelationLimits};

/// What can be set about the rules.
#[derive(Clone, Debug)]
pub struct ServicesConfig {
    /// Accounts and tokens.
    pub auth: AuthConfig,
    /// How much a caller may do in a time.
    pub limits: LimitsConfig,
    /// How many connections one user may have.
    pub connections_per_user: usize,
    /// Whether other servers may change what is in the store.
    pub shared_store: bool,
    /// Friends and blocks.
    pub relations: RelationLimits,
    /// How many members a group may have.
    pub group_members: u32,
    /// Communities and channels.
    pub communities: CommunityLimits,
}

/// What can be set about accounts and tokens.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// What access tokens are signed with: at least 32 bytes.
    pub secret: SecretString,
    /// A former secret whose tokens are still good, while one changes to another.
    pub previous_secret: Option<SecretString>,
    /// How long an access token is good.
    pub access_ttl: Duration,
    /// How long a session lives without being renewed.
    pub refresh_idle_ttl: Duration,
    /// How long a session lives at most.
    pub refresh_max_ttl: Duration,
    /// How long a socket ticket is good.
    pub ticket_ttl: Duration,
    /// The cost of bcrypt, 4 to 31; each step doubles the time.
    pub bcrypt_cost: u32,
    /// How many threads hash passwords.
    pub hash_threads: usize,
    /// How many passwords may wait to be hashed before more are refused.
    pub hash_queue: usize,
}
