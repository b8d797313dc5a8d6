//! What the server on the other side is, and why it can't be used.

#![expect(clippy::wildcard_enum_match_arm, reason = "the driver's list of errors is open")]

use std::fmt;

use mongodb::{
    Database,
    bson::{Document, doc},
    error::{Error, ErrorKind},
};
use tokio::time::Instant;

use super::{
    MongoOptions,
    database::Pace,
    error::{code, nothing_sent, summary},
};

/// The oldest version that has all that is used here.
const OLDEST: (u32, u32) = (6, 0);

/// How the servers stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topology {
    /// One server by itself. Changes of several documents are not atomic on it, and nobody takes over for it.
    Standalone,
    /// A replica set, of one member or more.
    ReplicaSet {
        /// Its name.
        name: String,
    },
    /// A sharded cluster, behind `mongos`.
    Sharded,
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standalone => f.write_str("standalone server"),
            Self::ReplicaSet { name } => write!(f, "replica set {name}"),
            Self::Sharded => f.write_str("sharded cluster"),
        }
    }
}

/// What a store is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// How the servers stand together.
    pub topology: Topology,
    /// The version of the server, such as `7.0.14`.
    pub version: String,
    /// The name of the database.
    pub database: String,
    /// The servers that the URL names, such as `db1:27017`.
    pub hosts: Vec<String>,
    /// What tells the server process that takes writes at present from every other one, whatever it is called.
    pub process: String,
}

/// Why a MongoDB database can't be used. Nothing of it holds the password of the URL.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL is none.
    #[error("the URL can't be used: {0}")]
    Url(String),
    /// No server, or none that takes writes, answers.
    #[error("no MongoDB server that takes writes answers within {seconds} s: {reason}")]
    Unreachable {
        /// How long it was tried, in seconds.
        seconds: u64,
        /// What happened last.
        reason: String,
    },
    /// The user name or the password is wrong.
    #[error("MongoDB refuses the credentials: {0}")]
    Authentication(String),
    /// The user lacks a privilege.
    #[error("the user of the URL, if it names one, needs the roles readWrite and dbAdmin on this database: {0}")]
    Privilege(String),
    /// The server is of a version that lacks something.
    #[error("MongoDB {0} is too old, it must be 6.0 or newer")]
    TooOld(String),
}

const UNAUTHORIZED: i32 = 13;
const INVALID_NAMESPACE: i32 = 73;
const AUTHENTICATION_FAILED: i32 = 18;

impl ConnectError {
    pub(crate) fn url(error: &Error, url: &str) -> Self {
        let reason = match &*error.kind {
            ErrorKind::InvalidArgument { message, .. } => message.clone(),
            _ => summary(error),
        };
        Self::Url(without_password(&reason, url))
    }

    pub(crate) fn no_answer(options: &MongoOptions) -> Self {
        Self::Unreachable { seconds: options.timeout.as_secs(), reason: "nothing answers".to_owned() }
    }

    fn from_command(error: &Error, options: &MongoOptions) -> Self {
        let reason = match &*error.kind {
            ErrorKind::ServerSelection { message, .. } => of_selection(message),
            _ => summary(error),
        };
        match (&*error.kind, code(error)) {
            (ErrorKind::Authentication { .. }, _) | (_, Some(AUTHENTICATION_FAILED)) => Self::Authentication(reason),
            (_, Some(UNAUTHORIZED)) => Self::Privilege(reason),
            (_, Some(INVALID_NAMESPACE)) => Self::Url("no database can have that name".to_owned()),
            _ => Self::Unreachable { seconds: options.timeout.as_secs(), reason },
        }
    }
}

/// What is wrong with the servers, out of the driver's long account of them.
fn of_selection(message: &str) -> String {
    let mut errors: Vec<&str> =
        message.split("Error: Kind: ").skip(1).filter_map(|rest| rest.split(", labels: ").next()).collect();
    errors.dedup();
    if !errors.is_empty() {
        return errors.join("; ");
    }
    let reason = match message {
        _ if message.contains("Type: RsGhost") => "the server runs with --replSet and waits for rs.initiate()",
        _ if message.contains("Type: ReplicaSetNoPrimary") && !message.contains("Address: ") => {
            "no server is in the replica set that the URL names"
        }
        _ if message.contains("Type: RsSecondary") => "the replica set has no primary",
        _ => message,
    };
    reason.to_owned()
}

/// A text in which the user information of a URL is not repeated.
fn without_password(text: &str, url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let Some((user, _)) = rest.rsplit_once('@') else { return text.to_owned() };
    // A message may repeat a part of a password that has such a character. Shorter parts are in every other word.
    let secrets = user.split([':', '@', '/']).filter(|secret| secret.len() > 3);
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
}

/// Asks what is there, again and again as long as nobody answers and it may take.
pub(crate) async fn explore(
    database: &Database,
    hosts: Vec<String>,
    options: &MongoOptions,
) -> Result<Deployment, ConnectError> {
    let mut pace = Pace::until(Instant::now() + options.timeout);
    let mut last = ConnectError::no_answer(options);
    let hello = loop {
        let asked = tokio::time::timeout(pace.left(), database.run_command(doc! { "hello": 1 })).await;
        match asked {
            Ok(Ok(hello)) => break hello,
            Ok(Err(error)) if nothing_sent(&error) && !pace.is_over() && !is_refusal(&error) => {
                last = ConnectError::from_command(&error, options);
                pace.wait().await;
            }
            Ok(Err(error)) => return Err(ConnectError::from_command(&error, options)),
            Err(_) => return Err(last),
        }
    };
    let info = tokio::time::timeout(options.timeout, database.run_command(doc! { "buildInfo": 1 })).await;
    let info = info.map_err(|_| ConnectError::no_answer(options))?;
    let info = info.map_err(|error| ConnectError::from_command(&error, options))?;
    let version = info.get_str("version").unwrap_or("of unknown version").to_owned();
    if parse_version(&version).is_some_and(|version| version < OLDEST) {
        return Err(ConnectError::TooOld(version));
    }
    may_write(database, options).await?;
    let process = hello.get_document("topologyVersion").and_then(|version| version.get_object_id("processId"));
    let process = process.map_or_else(|_| hosts.join(","), |process| process.to_hex());
    Ok(Deployment { topology: topology(&hello), version, database: database.name().to_owned(), hosts, process })
}

/// A server is found by a connection that is not authenticated, so a refusal can hide in the words of a selection that
/// has found nobody.
fn is_refusal(error: &Error) -> bool {
    matches!(*error.kind, ErrorKind::Authentication { .. })
}

/// Asks for a write of nothing, which needs a privilege, and a majority that confirms it.
async fn may_write(database: &Database, options: &MongoOptions) -> Result<(), ConnectError> {
    let users = database.collection::<Document>("users");
    let nothing = users.delete_one(doc! { "_id": "nobody" });
    match tokio::time::timeout(options.timeout, async { nothing.await }).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(ConnectError::from_command(&error, options)),
        Err(_) => Err(ConnectError::no_answer(options)),
    }
}

fn topology(hello: &Document) -> Topology {
    if hello.get_str("msg").is_ok_and(|message| message == "isdbgrid") {
        return Topology::Sharded;
    }
    match hello.get_str("setName") {
        Ok(name) => Topology::ReplicaSet { name: name.to_owned() },
        Err(_) => Topology::Standalone,
    }
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::{OLDEST, parse_version, without_password};

    #[test]
    fn a_password_is_not_repeated() {
        let url = "mongodb://ada:g3heim@s3cret@db1:27017/parlor";
        assert_eq!(without_password("what is g3heim@s3cret@db1?", url), "what is …@…@db1?");
        assert_eq!(without_password("no user", "mongodb://db1"), "no user");
    }

    #[test]
    fn versions_compare_by_their_numbers() {
        assert!(parse_version("10.0.1-rc0").unwrap() > OLDEST);
        assert!(parse_version("5.0.26").unwrap() < OLDEST);
        assert_eq!(parse_version("unknown"), None);
    }
}
