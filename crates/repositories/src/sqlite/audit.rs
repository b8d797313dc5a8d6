//! The log of what administrators did. Nothing here changes or removes an entry.

use async_trait::async_trait;
use parlor_domain::{
    Actor, AuditEntry, AuditId, Timestamp,
    store::{ActorFilter, AuditPage, AuditStore, StoreResult},
};
use rusqlite::{Connection, params, params_from_iter, types::Value};

use super::{
    Database,
    rows::{AUDIT, all, audit_entry, run},
};

#[async_trait]
impl AuditStore for Database {
    async fn page(&self, page: &AuditPage) -> StoreResult<Vec<AuditEntry>> {
        let page = *page;
        self.readers.read(move |connection| self::page(connection, &page)).await
    }
}

/// Adds an entry.
pub(crate) fn append(connection: &Connection, entry: &AuditEntry) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO audit (id, at, actor_id, actor_username, action, target_id, target_username, \
         details, request) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let actor = match &entry.actor {
        Actor::User(actor) => Some(actor),
        Actor::CommandLine => None,
    };
    let params = params![
        entry.id.as_bytes(),
        entry.at.as_millis(),
        actor.map(|actor| actor.id.as_bytes()),
        actor.map(|actor| actor.username.as_str()),
        entry.action.name(),
        entry.target.id.as_bytes(),
        entry.target.username.as_str(),
        entry.details.as_str(),
        entry.request,
    ];
    run(connection, SQL, params).map(|_| ())
}

/// By what entries are looked for.
pub(crate) struct Filters {
    pub(crate) target: bool,
    pub(crate) actor: bool,
    pub(crate) action: bool,
}

/// The statement that finds entries, by the index of the narrowest filter in the order of time.
pub(crate) fn page_statement(Filters { target, actor, action }: &Filters) -> String {
    let index = match (target, actor, action) {
        (true, ..) => "audit_by_target",
        (_, true, _) => "audit_by_actor",
        (.., true) => "audit_by_action",
        (false, false, false) => "audit_by_time",
    };
    let filter = |is_set: bool, filter| if is_set { filter } else { "" };
    let of_target = filter(*target, "target_id = ? AND ");
    // An absent one is the command line.
    let of_actor = filter(*actor, "actor_id IS ? AND ");
    let of_action = filter(*action, "action = ? AND ");
    format!(
        "SELECT {AUDIT} FROM audit INDEXED BY {index} WHERE {of_target}{of_actor}{of_action}(at, id) < (?, ?) \
         ORDER BY at DESC, id DESC LIMIT ?"
    )
}

fn page(connection: &Connection, page: &AuditPage) -> StoreResult<Vec<AuditEntry>> {
    let (at, id) = page.after.unwrap_or((Timestamp::MAX, AuditId::from_bytes([u8::MAX; 12])));
    let blob = |bytes: &[u8; 12]| Value::from(bytes.to_vec());
    let mut params = Vec::new();
    params.extend(page.target.map(|target| blob(target.as_bytes())));
    params.extend(page.actor.map(|actor| match actor {
        ActorFilter::User(user) => blob(user.as_bytes()),
        ActorFilter::CommandLine => Value::Null,
    }));
    params.extend(page.action.map(|action| Value::from(action.name().to_owned())));
    params.extend([at.as_millis().into(), blob(id.as_bytes())]);
    params.push(i64::try_from(page.limit).unwrap_or(i64::MAX).into());
    let filters = Filters { target: page.target.is_some(), actor: page.actor.is_some(), action: page.action.is_some() };
    all(connection, &page_statement(&filters), params_from_iter(params), audit_entry)
}
