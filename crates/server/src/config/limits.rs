//! Settings of what a caller may do in a time.

use serde::Deserialize;

/// How much a caller may do in a time, and how large things may be: the section `[limits]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// Sign-ups from one address.
    pub signup_per_address: RateSettings,
    /// Logins from one address.
    pub login_per_address: RateSettings,
    /// Logins to one account, and checks of its password.
    pub login_per_account: RateSettings,
    /// Renewals of sessions from one address.
    pub refresh_per_address: RateSettings,
    /// Messages of one user.
    pub messages_per_user: RateSettings,
    /// Conversations that one user opens.
    pub conversations_per_user: RateSettings,
    /// Friend requests of one user.
    pub friend_requests_per_user: RateSettings,
    /// Searches of one user, in the directory and in messages.
    pub searches_per_user: RateSettings,
    /// Receipts, typing, status and profile changes of one user.
    pub signals_per_user: RateSettings,
    /// Syncs and resumes of one user.
    pub syncs_per_user: RateSettings,
    /// How many members a group may have.
    pub group_members: u32,
    /// In how many communities a user may be.
    pub communities: u32,
    /// How many members a community may have.
    pub community_members: u32,
    /// How many channels a community may have.
    pub channels: u32,
    /// How many friends a user may have.
    pub friends: u32,
    /// How many users one may block.
    pub blocks: u32,
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateSettings {
    /// How many may come at once.
    pub burst: u32,
    /// How many a minute may come in the long run.
    pub per_minute: u32,
}
