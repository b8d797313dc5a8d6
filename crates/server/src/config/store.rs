//! Settings of the database.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{ByteSize, ConfigError, HumanDuration};

/// The database: the section `[store]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// Directory for what is kept on this machine.
    pub data_dir: PathBuf,
    /// Which database; it may hold a password.
    pub url: SecretString,
    /// The file that holds the URL instead; empty for none.
    pub url_file: String,
    /// Whether `serve` migrates.
    pub migrate_at_start: bool,
    /// Connections that read SQLite; 0 for as many as there are processors.
    pub readers: usize,
    /// Most changes that wait to be written to SQLite.
    pub queue: usize,
    /// Largest size of an SQLite database; zero for no limit.
    pub max_bytes: ByteSize,
    /// How long an operation on MongoDB may take.
    pub timeout: HumanDuration,
    /// Most connections to each server of MongoDB.
    pub connections: u32,
}

impl StoreSettings {
    /// The database that the URL, or the file that holds it, means.
    ///
    /// # Errors
    /// A file that can't be read; a URL of no kind of database that there is.
    pub fn place(&self) -> Result<Place, ConfigError> {
        if self.url_file.is_empty() {
            return Place::parse(self.url.expose_secret(), &self.data_dir)
                .map_err(|reason| ConfigError::Invalid(format!("`store.url` {reason}")));
        }
        let path = PathBuf::from(&self.url_file);
        match std::fs::read_to_string(&path).map(SecretString::from) {
            Ok(text) => Place::parse(text.expose_secret().trim(), &self.data_dir)
                .map_err(|reason| ConfigError::Invalid(format!("what the file {} holds {reason}", path.display()))),
            Err(source) => Err(ConfigError::UnreadableUrl { path, source }),
        }
    }
}

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Place {
    /// In a file on this machine.
    Sqlite(PathBuf),
    /// On MongoDB, at this URL.
    MongoDb(SecretString),
}

impl Place {
    /// What a URL means; a relative path in it starts at `folder`.
    ///
    /// # Errors
    /// What a URL must be, if this is none. Never holds the text.
    pub fn parse(url: &str, folder: &Path) -> Result<Self, &'static str> {
        match url.split_once("://") {
            // Joining an absolute path gives that path.
            Some(("sqlite", path)) if !path.is_empty() && !path.ends_with('/') => Ok(Self::Sqlite(folder.join(path))),
            Some(("mongodb" | "mongodb+srv", rest)) if !rest.is_empty() => Ok(Self::MongoDb(SecretString::from(url))),
            _ => Err("must be \"sqlite://NAME\" for a file in the data directory, \"sqlite:///absolute/path\", or \
                      \"mongodb://HOST/DATABASE\" (or \"mongodb+srv://…\")"),
        }
    }

    /// The place in words that hold no password.
    pub fn shown(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::MongoDb(url) => without_secrets(url.expose_secret()),
        }
    }
}

/// A database's URL without what authenticates: the user's name and password, and options that hold a secret.
pub(super) fn without_secrets(url: &str) -> String {
    const OPTIONS: [&str; 3] = ["authmechanismproperties", "proxypassword", "tlscertificatekeyfilepassword"];
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    // Whoever forgot to escape an @ or a / in the password must not find the rest of it in a log.
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("(hidden)@", rest));
    let Some((servers, options)) = rest.split_once('?') else { return format!("{scheme}://{user}{rest}") };
    let hidden = |option: &str| match option.split_once('=') {
        Some((name, _)) if OPTIONS.contains(&name.to_ascii_lowercase().as_str()) => format!("{name}=(hidden)"),
        _ => option.to_owned(),
    };
    let options: Vec<String> = options.split('&').map(hidden).collect();
    format!("{scheme}://{user}{servers}?{}", options.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file_or_a_mongodb_server() {
        let place = |url| Place::parse(url, Path::new("folder")).map(|place| (place.shown(), format!("{place:?}")));
        assert_eq!(place("sqlite://parlor.db").unwrap().0, "folder/parlor.db");
        assert_eq!(place("sqlite:///srv/parlor.db").unwrap().0, "/srv/parlor.db");
        for url in ["mongodb://db1,db2:27018/chat?replicaSet=rs0", "mongodb+srv://db.example.org"] {
            assert_eq!(place(url).unwrap().0, url);
        }
        for bad in ["", "parlor.db", "sqlite://", "sqlite:///data/", "mongodb://", "postgres://ada:canary@db"] {
            assert!(!place(bad).unwrap_err().contains("canary"), "{bad}");
        }
        assert!(!place("mongodb://ada:canary@db1").unwrap().1.contains("canary"));
    }

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (url, shown) in [
            ("mongodb://ada:canary@db1,db2/chat?replicaSet=rs0", "mongodb://(hidden)@db1,db2/chat?replicaSet=rs0"),
            ("mongodb://ada:canary@canary/canary?@db1/chat", "mongodb://(hidden)@db1/chat"),
            ("mongodb+srv://canary@db.example.org", "mongodb+srv://(hidden)@db.example.org"),
            (
                "mongodb://db1/?tlsCertificateKeyFilePassword=canary&AuthMechanismProperties=TOKEN:canary&tls=true",
                "mongodb://db1/?tlsCertificateKeyFilePassword=(hidden)&AuthMechanismProperties=(hidden)&tls=true",
            ),
            ("mongodb:ada:canary@db1", "://(hidden)@db1"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
