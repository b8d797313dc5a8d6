//! Settings of friends.

use serde::Deserialize;

use super::HumanDuration;

/// Friends: the section `[friends]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FriendSettings {
    /// How long after a rejection or a withdrawal nobody is asked again by the same one.
    pub ask_again_after: HumanDuration,
}
