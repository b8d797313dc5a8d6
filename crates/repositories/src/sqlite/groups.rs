//! Groups and who is in them.

use async_trait::async_trait;
use parlor_domain::{
    Conversation, ConversationId, ConversationKind, Fingerprint, GroupChange, GroupPlan, GroupRefusal, Member, Message,
    NewGroup, Rev, UserId, UserTopic,
    store::{GroupChanged, GroupOutcome, GroupStore, MembersPage, StoreResult},
};
use rusqlite::{Connection, params};

use super::{
    Database,
    conversations::join,
    messages::{follow, insert},
    rows::{self, CONVERSATION, MEMBER, all, first, get, run},
    users::{self, record},
};

#[async_trait]
impl GroupStore for Database {
    async fn create(&self, new: &NewGroup) -> StoreResult<GroupOutcome> {
        let new = new.clone();
        self.writer.write(move |connection| create(connection, &new)).await
    }

    async fn change(&self, change: &GroupChange) -> StoreResult<GroupOutcome> {
        let change = change.clone();
        self.writer.write(move |connection| self::change(connection, &change)).await
    }

    async fn members(&self, page: &MembersPage) -> StoreResult<Vec<Member>> {
        let page = *page;
        self.readers
            .read(move |connection| {
                let sql = format!(
                    "SELECT {MEMBER} FROM members WHERE conversation_id = ?1 AND user_id > ?2 ORDER BY user_id LIMIT ?3"
                );
                let after: &[u8] = page.after.as_ref().map_or(&[], |user| user.as_bytes());
                all(connection, &sql, params![page.conversation.as_bytes(), after, page.limit], rows::member)
            })
            .await
    }

    async fn share_group(&self, user: UserId, other: UserId) -> StoreResult<bool> {
        const SQL: &str = "SELECT mine.conversation_id FROM members AS mine JOIN members AS theirs \
             ON theirs.conversation_id = mine.conversation_id AND theirs.user_id = ?2 \
             WHERE mine.user_id = ?1 AND mine.role IS NOT NULL LIMIT 1";
        self.readers
            .read(move |connection| {
                Ok(first(connection, SQL, [user.as_bytes(), other.as_bytes()], |_| Ok(()))?.is_some())
            })
            .await
    }

    async fn of(&self, user: UserId) -> StoreResult<Vec<ConversationId>> {
        const SQL: &str = "SELECT id FROM members JOIN conversations ON id = conversation_id \
             WHERE user_id = ?1 AND kind = 'group'";
        self.readers
            .read(move |connection| {
                all(connection, SQL, [user.as_bytes()], |row| Ok(ConversationId::from_bytes(get(row, "id")?)))
            })
            .await
    }
}

fn refused(refusal: GroupRefusal) -> StoreResult<GroupOutcome> {
    Ok(GroupOutcome::Refused(refusal))
}

/// Those of these users whom there is no account of, or a deleted one.
pub(crate) fn unknown(connection: &Connection, users: impl IntoIterator<Item = UserId>) -> StoreResult<Vec<UserId>> {
    let mut unknown = Vec::new();
    for user in users {
        if users::find(connection, user)?.is_none_or(|user| user.deleted_at.is_some()) {
            unknown.push(user);
        }
    }
    Ok(unknown)
}

fn create(connection: &Connection, new: &NewGroup) -> StoreResult<GroupOutcome> {
    const SQL: &str = "INSERT INTO conversations (id, kind, name, description, last_seq, rev, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, ?5)";
    let unknown = unknown(connection, new.all().map(|member| member.user_id))?;
    if !unknown.is_empty() {
        return refused(GroupRefusal::UnknownUsers(unknown));
    }
    let params = params![
        new.id.as_bytes(),
        ConversationKind::Group.name(),
        new.name.as_str(),
        new.description.as_ref().map(|description| description.as_str()),
        new.now.as_millis(),
    ];
    run(connection, SQL, params)?;
    let mut joined = Vec::new();
    for member in new.all() {
        joined.push(come(connection, new.id, member)?);
    }
    let messages = vec![new.note()];
    note(connection, &messages)?;
    let conversation = group(connection, new.id)?.unwrap_or_else(|| new.conversation());
    Ok(GroupOutcome::Changed(Box::new(GroupChanged { conversation, messages, joined, left: Vec::new() })))
}

fn change(connection: &Connection, change: &GroupChange) -> StoreResult<GroupOutcome> {
    const IS_IN: &str = "SELECT user_id FROM members WHERE conversation_id = ?1 AND user_id = ?2";
    let id = change.conversation;
    let Some(before) = group(connection, id)? else {
        // Of another kind, or none at all.
        let is_in = first(connection, IS_IN, [id.as_bytes(), change.actor.as_bytes()], |_| Ok(()))?.is_some();
        return refused(if is_in { GroupRefusal::NotAGroup } else { GroupRefusal::NotAMember });
    };
    let sql = format!("SELECT {MEMBER} FROM members WHERE conversation_id = ?1 ORDER BY user_id");
    let members = all(connection, &sql, [id.as_bytes()], rows::member)?;
    let plan = match change.plan(&before, &members) {
        Ok(plan) => plan,
        Err(refusal) => return refused(refusal),
    };
    let unknown = unknown(connection, plan.joins.iter().copied())?;
    if !unknown.is_empty() {
        return refused(GroupRefusal::UnknownUsers(unknown));
    }
    let (joined, left) = write(connection, change, &before, &plan)?;
    let messages = change.notes(plan.events, (before.last_seq, before.rev));
    note(connection, &messages)?;
    let conversation = group(connection, id)?.unwrap_or(before);
    Ok(GroupOutcome::Changed(Box::new(GroupChanged { conversation, messages, joined, left })))
}

/// A user, and the revision that a change took in his own stream.
type Recorded = (UserId, Rev);

/// Writes what is planned, but for the messages. Gives who has come and who has gone.
fn write(
    connection: &Connection,
    change: &GroupChange,
    before: &Conversation,
    plan: &GroupPlan,
) -> StoreResult<(Vec<Recorded>, Vec<Recorded>)> {
    const RENAME: &str = "UPDATE conversations SET name = ?2 WHERE id = ?1";
    const DESCRIBE: &str = "UPDATE conversations SET description = ?2 WHERE id = ?1";
    const RECEIPTS: &str = "UPDATE conversations SET read_receipts = ?2 WHERE id = ?1";
    const ROLE: &str = "UPDATE members SET role = ?3 WHERE conversation_id = ?1 AND user_id = ?2";
    let id = change.conversation;
    if let Some(name) = &plan.name {
        run(connection, RENAME, params![id.as_bytes(), name.as_str()])?;
    }
    if let Some(description) = &plan.description {
        let description = description.as_ref().map(|description| description.as_str());
        run(connection, DESCRIBE, params![id.as_bytes(), description])?;
    }
    if let Some(read_receipts) = plan.read_receipts {
        run(connection, RECEIPTS, params![id.as_bytes(), read_receipts])?;
    }
    for (user, role) in &plan.roles {
        run(connection, ROLE, params![id.as_bytes(), user.as_bytes(), role.name()])?;
    }
    let (mut joined, mut left) = (Vec::new(), Vec::new());
    for user in &plan.joins {
        joined.push(come(connection, id, change.newcomer(*user, (before.last_seq, before.rev)))?);
    }
    if let Some(user) = plan.leaves {
        forget(connection, id, user)?;
        left.push((user, record(connection, user, UserTopic::Conversation(id))?));
    }
    Ok((joined, left))
}

/// Takes a member out. What he is told of the conversation from now on is that he is gone.
pub(crate) fn forget(connection: &Connection, id: ConversationId, user: UserId) -> StoreResult<()> {
    const FORGET: &str =
        "DELETE FROM user_stream WHERE user_id = ?1 AND topic IN ('settings', 'read') AND subject = ?2";
    const LEAVE: &str = "DELETE FROM members WHERE conversation_id = ?1 AND user_id = ?2";
    run(connection, LEAVE, [id.as_bytes(), user.as_bytes()])?;
    run(connection, FORGET, [user.as_bytes(), id.as_bytes()]).map(|_| ())
}

fn come(connection: &Connection, id: ConversationId, member: Member) -> StoreResult<Recorded> {
    let user = member.user_id;
    join(connection, id, member)?;
    Ok((user, record(connection, user, UserTopic::Conversation(id))?))
}

/// Adds the messages that tell of a change, with what follows from them.
pub(crate) fn note(connection: &Connection, messages: &[Message]) -> StoreResult<()> {
    for message in messages {
        insert(connection, message, Fingerprint::NONE)?;
        follow(connection, message)?;
    }
    Ok(())
}

fn group(connection: &Connection, id: ConversationId) -> StoreResult<Option<Conversation>> {
    let sql = format!("SELECT {CONVERSATION} FROM conversations WHERE id = ?1 AND kind = 'group'");
    first(connection, &sql, [id.as_bytes()], rows::conversation)
}
