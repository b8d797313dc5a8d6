//! Configuration: typed for each concern, made of layers, checked as a whole before anything starts.
//!
//! `config/default.toml` is the only place of defaults and the documentation of every key; a key that is missing
//! there fails here.

mod auth;
mod checks;
mod communities;
mod friends;
mod layers;
mod limits;
mod live;
mod server;
mod show;
mod store;
mod telemetry;
mod units;

use std::{io, path::PathBuf};

use serde::Deserialize;

pub use auth::{AuthSettings, CookieSettings, SameSite};
pub use communities::{CommunitySettings, WhoCreates};
pub use friends::FriendSettings;
pub use layers::{FlagValue, Profile, Sources};
pub use limits::{LimitSettings, RateSettings};
pub use live::{LiveSettings, PresenceSettings};
pub use server::ServerSettings;
pub use store::{Place, StoreSettings};
pub use telemetry::{LogFormat, LogSettings, MetricsListener, MetricsSettings};
pub use units::{ByteSize, HumanDuration};

pub(crate) use checks::{MAX_WORKERS, check_secret};

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The listener and what it accepts.
    pub server: ServerSettings,
    /// The database.
    pub store: StoreSettings,
    /// Accounts and tokens.
    pub auth: AuthSettings,
    /// The cookies of browsers.
    pub cookies: CookieSettings,
    /// How much a caller may do in a time.
    pub limits: LimitSettings,
    /// Friends.
    pub friends: FriendSettings,
    /// Communities.
    pub communities: CommunitySettings,
    /// Sockets.
    pub live: LiveSettings,
    /// Who is online.
    pub presence: PresenceSettings,
    /// What is logged and how.
    pub log: LogSettings,
    /// Where measurements are read.
    pub metrics: MetricsSettings,
}

/// Settings, and how they came about.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The settings in force.
    pub settings: Settings,
    /// What is in force as TOML, secrets hidden, with the origin of each value that is not a default.
    pub shown: String,
}

impl Configuration {
    /// Reads all layers and checks what comes of them.
    ///
    /// # Errors
    /// What is wrong, with the key and where it comes from.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let (merged, layers) = layers::merge(sources)?;
        let invalid = |error: config::ConfigError| ConfigError::Invalid(error.to_string());
        let values = merged.cache.clone().into_table().map_err(invalid)?;
        let settings = merged.try_deserialize().map_err(|error| layers::describe(&error, &values))?;
        checks::check(&settings)?;
        if !settings.store.url_file.is_empty() && layers::is_set(&values, "store.url") {
            return Err(ConfigError::Invalid(
                "`store.url` and `store.url_file` are both set; it must be one of them".to_owned(),
            ));
        }
        Ok(Self { settings, shown: show::show(&values, &layers) })
    }
}

/// Why a configuration can't be used. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file given by the operator can't be read.
    #[error("cannot read the configuration file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file that holds the database's URL can't be read.
    #[error("cannot read the file of the database's URL, {}", path.display())]
    UnreadableUrl {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no such key.
    #[error("{origin}: there is no setting `{key}`; config/default.toml names all there are")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it was found.
        origin: String,
    },
    /// An environment variable that would be left unseen.
    #[error("the variable {name} is not read; two underscores stand after PARLOR as well: {right}")]
    SingleUnderscore {
        /// The variable.
        name: String,
        /// What was meant.
        right: String,
    },
    /// A value is not what its key needs; the sentence says which.
    #[error("{0}")]
    Invalid(String),
}

#[cfg(test)]
mod tests;
