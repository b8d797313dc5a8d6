//! Locks, the audit log, and the sums of days.

use mongodb::bson::{DateTime, RawDocument, oid::ObjectId};
use parlor_domain::{
    Actor, AuditAction, AuditDetails, AuditEntry, AuditId, Day, DaySum, Lock, LockReason, Named, UserId, Username,
};
use serde::{Deserialize, Serialize};

use super::{Stored, counter, date, fields, known, long, oid, parse, time};

/// What keeps an account from signing in.
#[derive(Serialize, Deserialize)]
pub(crate) struct LockDocument {
    reason: String,
    at: DateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<DateTime>,
}

impl From<&Lock> for LockDocument {
    fn from(lock: &Lock) -> Self {
        Self { reason: lock.reason.to_string(), at: date(lock.at), until: lock.until.map(date) }
    }
}

impl LockDocument {
    pub(super) fn value(&self) -> Result<Lock, String> {
        Ok(Lock {
            reason: parse("lock.reason", &self.reason, LockReason::stored)?,
            at: time(self.at),
            until: self.until.map(time),
        })
    }
}

/// An entry of the audit log.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    at: DateTime,
    /// Who; absent for the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<ObjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_username: Option<String>,
    action: String,
    target: ObjectId,
    target_username: String,
    details: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
}

impl From<&AuditEntry> for AuditDocument {
    fn from(entry: &AuditEntry) -> Self {
        let actor = match &entry.actor {
            Actor::User(actor) => Some(actor),
            Actor::CommandLine => None,
        };
        Self {
            id: oid(entry.id.as_bytes()),
            at: date(entry.at),
            actor: actor.map(|actor| oid(actor.id.as_bytes())),
            actor_username: actor.map(|actor| actor.username.to_string()),
            action: entry.action.name().to_owned(),
            target: oid(entry.target.id.as_bytes()),
            target_username: entry.target.username.to_string(),
            details: entry.details.to_string(),
            request: entry.request.clone(),
        }
    }
}

impl Stored for AuditDocument {
    const WHAT: &'static str = "entry of the audit log";
    type Value = AuditEntry;

    fn read(raw: &RawDocument) -> Result<AuditEntry, String> {
        let document: Self = fields(raw)?;
        let named = |id: ObjectId, field, username: &str| {
            let username = parse(field, username, Username::parse)?;
            Ok::<_, String>(Named { id: UserId::from_bytes(id.bytes()), username })
        };
        let actor = match (document.actor, document.actor_username) {
            (None, _) => Actor::CommandLine,
            (Some(id), username) => Actor::User(named(id, "actorUsername", &username.unwrap_or_default())?),
        };
        Ok(AuditEntry {
            id: AuditId::from_bytes(document.id.bytes()),
            at: time(document.at),
            actor,
            action: parse("action", &document.action, known(AuditAction::from_name))?,
            target: named(document.target, "targetUsername", &document.target_username)?,
            details: parse("details", &document.details, AuditDetails::parse)?,
            request: document.request,
        })
    }
}

/// The sums of a day, by how many days it is after 1970-01-01.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DayDocument {
    #[serde(rename = "_id")]
    day: i64,
    active_users: i64,
    messages: i64,
}

impl From<&DaySum> for DayDocument {
    fn from(sum: &DaySum) -> Self {
        Self { day: sum.day.number().into(), active_users: long(sum.active_users), messages: long(sum.messages) }
    }
}

impl Stored for DayDocument {
    const WHAT: &'static str = "day";
    type Value = DaySum;

    fn read(raw: &RawDocument) -> Result<DaySum, String> {
        let document: Self = fields(raw)?;
        let day = u32::try_from(document.day).map_err(|_| "_id is no day".to_owned())?;
        Ok(DaySum {
            day: Day::from_number(day),
            active_users: counter("activeUsers", document.active_users)?,
            messages: counter("messages", document.messages)?,
        })
    }
}
