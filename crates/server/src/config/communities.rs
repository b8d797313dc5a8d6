//! Settings of communities.

use serde::Deserialize;

/// Communities: the section `[communities]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommunitySettings {
    /// Who may make communities.
    pub create: WhoCreates,
}

/// Who may make communities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhoCreates {
    /// Every user.
    Everyone,
    /// Who has the role `group_admin` or `super_admin`.
    GroupAdmins,
}
