//! Communities, their channels, and who is in them.

use async_trait::async_trait;
use parlor_domain::{
    Access, Category, ChannelChange, CommunityChange, CommunityPlan, CommunityRefusal, Conversation, ConversationId,
    ConversationName, Description, GroupPlan, Member, MemberRole, Message, NewChannel, NewCommunity, Rev, Seq,
    Timestamp, Traits, UserId, UserTopic,
    store::{CommunityChanged, CommunityDirectory, CommunityOutcome, CommunityStore, Move, StoreError, StoreResult},
};
use rusqlite::{Connection, params};

mod channels;

use super::{
    Database,
    conversations::join,
    groups::{forget, note, unknown},
    rows::{self, CONVERSATION, MEMBER, all, first, get, run},
    users::record,
};

#[async_trait]
impl CommunityStore for Database {
    async fn create(&self, new: &NewCommunity) -> StoreResult<CommunityOutcome> {
        let new = new.clone();
        self.writer.write(move |connection| create(connection, &new)).await
    }

    async fn change(&self, change: &CommunityChange) -> StoreResult<CommunityOutcome> {
        let change = change.clone();
        self.writer.write(move |connection| self::change(connection, &change)).await
    }

    async fn create_channel(&self, new: &NewChannel) -> StoreResult<CommunityOutcome> {
        let new = new.clone();
        self.writer.write(move |connection| channels::create(connection, &new)).await
    }

    async fn change_channel(&self, change: &ChannelChange) -> StoreResult<CommunityOutcome> {
        let change = change.clone();
        self.writer.write(move |connection| channels::change(connection, &change)).await
    }

    async fn delete(
        &self,
        community: ConversationId,
        actor: UserId,
        now: Timestamp,
    ) -> StoreResult<Result<Vec<ConversationId>, CommunityRefusal>> {
        self.writer.write(move |connection| delete(connection, community, actor, now)).await
    }

    async fn expel(&self, id: ConversationId, limit: usize) -> StoreResult<Vec<Move>> {
        self.writer.write(move |connection| expel(connection, id, limit)).await
    }

    async fn deleted(&self, limit: usize) -> StoreResult<Vec<ConversationId>> {
        const SQL: &str = "SELECT id FROM conversations WHERE deleted_at IS NOT NULL ORDER BY deleted_at LIMIT ?1";
        self.readers.read(move |connection| all(connection, SQL, [limit], id)).await
    }

    async fn erase(&self, id: ConversationId, deleted_before: Timestamp, limit: usize) -> StoreResult<usize> {
        self.writer.write(move |connection| erase(connection, id, deleted_before, limit)).await
    }

    async fn find(&self, id: ConversationId) -> StoreResult<Option<Conversation>> {
        self.readers.read(move |connection| community(connection, id)).await
    }

    async fn channels(&self, community: ConversationId) -> StoreResult<Vec<ConversationId>> {
        self.readers
            .read(move |connection| {
                let mut channels = channels(connection, community)?;
                channels.sort_by_key(|channel| (channel.position, channel.id));
                Ok(channels.into_iter().map(|channel| channel.id).collect())
            })
            .await
    }

    async fn directory(&self, page: &CommunityDirectory) -> StoreResult<Vec<Conversation>> {
        let page = page.clone();
        self.readers.read(move |connection| directory(connection, &page)).await
    }

    async fn of(&self, user: UserId, after: Option<ConversationId>, limit: usize) -> StoreResult<Vec<ConversationId>> {
        self.readers.read(move |connection| of(connection, user, after, limit)).await
    }
}

fn id(row: &rusqlite::Row<'_>) -> StoreResult<ConversationId> {
    Ok(ConversationId::from_bytes(get(row, "id")?))
}

fn refused(refusal: CommunityRefusal) -> StoreResult<CommunityOutcome> {
    Ok(CommunityOutcome::Refused(refusal))
}

fn changed(conversation: Conversation, messages: Vec<Message>, moves: Vec<Move>) -> CommunityOutcome {
    CommunityOutcome::Changed(Box::new(CommunityChanged { conversation, messages, moves }))
}

/// A community that is not deleted.
fn community(connection: &Connection, id: ConversationId) -> StoreResult<Option<Conversation>> {
    let sql =
        format!("SELECT {CONVERSATION} FROM conversations WHERE id = ?1 AND kind = 'community' AND deleted_at IS NULL");
    first(connection, &sql, [id.as_bytes()], rows::conversation)
}

/// What a community's channel is to who comes in.
struct Channel {
    id: ConversationId,
    position: u32,
    access: Access,
    end: (Seq, Rev),
}

/// The channels of a community that are not deleted.
fn channels(connection: &Connection, community: ConversationId) -> StoreResult<Vec<Channel>> {
    const SQL: &str = "SELECT id, position, access, last_seq, rev FROM conversations \
         WHERE community_id = ?1 AND name_key IS NOT NULL";
    all(connection, SQL, [community.as_bytes()], |row| {
        let access: String = get(row, "access")?;
        Ok(Channel {
            id: id(row)?,
            position: get(row, "position")?,
            access: Access::from_name(&access).ok_or_else(|| StoreError::corrupt("access is not one that is known"))?,
            end: (rows::seq(row, "last_seq")?, rows::rev(row, "rev")?),
        })
    })
}

pub(super) fn member(connection: &Connection, id: ConversationId, user: UserId) -> StoreResult<Option<Member>> {
    let sql = format!("SELECT {MEMBER} FROM members WHERE conversation_id = ?1 AND user_id = ?2");
    first(connection, &sql, [id.as_bytes(), user.as_bytes()], rows::member)
}

pub(super) fn members(connection: &Connection, id: ConversationId) -> StoreResult<Vec<Member>> {
    let sql = format!("SELECT {MEMBER} FROM members WHERE conversation_id = ?1");
    all(connection, &sql, [id.as_bytes()], rows::member)
}

/// Those of these users who are in a conversation.
pub(super) fn members_of(connection: &Connection, id: ConversationId, users: &[UserId]) -> StoreResult<Vec<Member>> {
    users.iter().filter_map(|user| member(connection, id, *user).transpose()).collect()
}

/// What somebody may do in a community that is not deleted; nothing if he is not in it.
pub(super) fn role_in(connection: &Connection, id: ConversationId, user: UserId) -> StoreResult<Option<MemberRole>> {
    match community(connection, id)? {
        Some(_) => Ok(member(connection, id, user)?.and_then(|member| member.role)),
        None => Ok(None),
    }
}

/// Adds a member to a conversation.
pub(super) fn come(connection: &Connection, id: ConversationId, member: Member) -> StoreResult<Move> {
    let member = join(connection, id, member)?;
    let rev = record(connection, member.user_id, UserTopic::Conversation(id))?;
    Ok(Move { conversation: id, user: member.user_id, member: Some(member), rev })
}

/// Takes a member out of a conversation.
pub(super) fn go(connection: &Connection, id: ConversationId, user: UserId) -> StoreResult<Move> {
    forget(connection, id, user)?;
    let rev = record(connection, user, UserTopic::Conversation(id))?;
    Ok(Move { conversation: id, user, member: None, rev })
}

/// Whether another community than this one has a name.
fn is_taken(connection: &Connection, name: &ConversationName, but: ConversationId) -> StoreResult<bool> {
    const SQL: &str = "SELECT id FROM conversations WHERE kind = 'community' AND name_key = ?1";
    Ok(first(connection, SQL, [name.key()], id)?.is_some_and(|found| found != but))
}

/// Whether somebody is in as many communities as he may be.
fn has_enough(connection: &Connection, user: UserId, at_most: u32) -> StoreResult<bool> {
    const SQL: &str = "SELECT count(*) AS count FROM members JOIN conversations ON id = conversation_id \
         WHERE user_id = ?1 AND kind = 'community'";
    let count: Option<u32> = first(connection, SQL, [user.as_bytes()], |row| get(row, "count"))?;
    Ok(count.unwrap_or_default() >= at_most)
}

/// Adds a conversation without members.
fn insert(connection: &Connection, conversation: &Conversation) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO conversations (id, kind, name, description, community_id, name_key, category, \
         category_key, access, position, last_seq, rev, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, ?11, ?12)";
    let name = conversation.name.as_ref();
    let columns = TraitColumns::of(&conversation.traits);
    let params = params![
        conversation.id.as_bytes(),
        conversation.kind.name(),
        name.map(ConversationName::as_str),
        conversation.description.as_ref().map(Description::as_str),
        columns.community,
        name.map(ConversationName::key),
        columns.category,
        columns.category_key,
        columns.access,
        columns.position,
        conversation.created_at.as_millis(),
        conversation.updated_at.as_millis(),
    ];
    run(connection, SQL, params).map(|_| ())
}

/// What communities and channels have, as the columns hold it.
#[derive(Default)]
pub(crate) struct TraitColumns {
    pub(crate) community: Option<[u8; 12]>,
    pub(crate) category: Option<String>,
    pub(crate) category_key: Option<String>,
    pub(crate) access: Option<&'static str>,
    pub(crate) position: Option<u32>,
}

impl TraitColumns {
    pub(crate) fn of(traits: &Traits) -> Self {
        match traits {
            Traits::None => Self::default(),
            Traits::Community(traits) => Self {
                category: traits.category.as_ref().map(ToString::to_string),
                category_key: traits.category.as_ref().map(Category::key),
                access: Some(traits.access.name()),
                ..Self::default()
            },
            Traits::Channel(traits) => Self {
                community: Some(*traits.community.as_bytes()),
                access: Some(traits.access.name()),
                position: Some(traits.position),
                ..Self::default()
            },
        }
    }
}

fn create(connection: &Connection, new: &NewCommunity) -> StoreResult<CommunityOutcome> {
    let unknown = unknown(connection, [new.creator])?;
    if !unknown.is_empty() {
        return refused(CommunityRefusal::UnknownUsers(unknown));
    }
    if has_enough(connection, new.creator, new.at_most)? {
        return refused(CommunityRefusal::TooManyCommunities);
    }
    if is_taken(connection, &new.name, new.id)? {
        return refused(CommunityRefusal::NameTaken);
    }
    insert(connection, &new.conversation())?;
    let moves = vec![come(connection, new.id, new.owner())?];
    let messages = vec![new.note()];
    note(connection, &messages)?;
    let conversation = community(connection, new.id)?.unwrap_or_else(|| new.conversation());
    Ok(changed(conversation, messages, moves))
}

fn change(connection: &Connection, change: &CommunityChange) -> StoreResult<CommunityOutcome> {
    let id = change.community;
    let Some(before) = community(connection, id)? else { return refused(CommunityRefusal::NotFound) };
    let mut concerned = members_of(connection, id, &change.concerns())?;
    if change.wants_heir() && concerned.iter().any(|member| member.role == Some(MemberRole::Owner)) {
        concerned = members(connection, id)?;
    }
    let plan = match change.plan(&before, &concerned) {
        Ok(plan) => plan,
        Err(refusal) => return refused(refusal),
    };
    let unknown = unknown(connection, plan.group.joins.iter().copied())?;
    if !unknown.is_empty() {
        return refused(CommunityRefusal::UnknownUsers(unknown));
    }
    for user in &plan.group.joins {
        if has_enough(connection, *user, change.communities)? {
            return refused(CommunityRefusal::TooManyCommunities);
        }
    }
    if let Some(name) = &plan.group.name
        && is_taken(connection, name, id)?
    {
        return refused(CommunityRefusal::NameTaken);
    }
    describe(connection, id, &plan)?;
    let moves = move_members(connection, change, &before, &plan.group)?;
    let messages = change.notes(plan.group.events, (before.last_seq, before.rev));
    note(connection, &messages)?;
    let conversation = community(connection, id)?.unwrap_or(before);
    Ok(changed(conversation, messages, moves))
}

fn describe(connection: &Connection, id: ConversationId, plan: &CommunityPlan) -> StoreResult<()> {
    const CATEGORISE: &str = "UPDATE conversations SET category = ?2, category_key = ?3 WHERE id = ?1";
    rename(connection, id, plan.group.name.as_ref(), plan.group.description.as_ref())?;
    if let Some(category) = &plan.category {
        let text = category.as_ref().map(|category| category.as_str());
        let key = category.as_ref().map(Category::key);
        run(connection, CATEGORISE, params![id.as_bytes(), text, key])?;
    }
    open(connection, id, plan.access)
}

/// Gives a community or a channel another name and description, if there are others.
fn rename(
    connection: &Connection,
    id: ConversationId,
    name: Option<&ConversationName>,
    description: Option<&Option<Description>>,
) -> StoreResult<()> {
    const RENAME: &str = "UPDATE conversations SET name = ?2, name_key = ?3 WHERE id = ?1";
    const DESCRIBE: &str = "UPDATE conversations SET description = ?2 WHERE id = ?1";
    if let Some(name) = name {
        run(connection, RENAME, params![id.as_bytes(), name.as_str(), name.key()])?;
    }
    if let Some(description) = description {
        run(connection, DESCRIBE, params![id.as_bytes(), description.as_ref().map(Description::as_str)])?;
    }
    Ok(())
}

/// Opens or closes a community or a channel, if it is to be.
fn open(connection: &Connection, id: ConversationId, access: Option<Access>) -> StoreResult<()> {
    const OPEN: &str = "UPDATE conversations SET access = ?2 WHERE id = ?1";
    if let Some(access) = access {
        run(connection, OPEN, params![id.as_bytes(), access.name()])?;
    }
    Ok(())
}

/// Lets those in and out of a community and its channels who come, go, or have another role.
fn move_members(
    connection: &Connection,
    change: &CommunityChange,
    before: &Conversation,
    plan: &GroupPlan,
) -> StoreResult<Vec<Move>> {
    const ROLE: &str = "UPDATE members SET role = ?3 WHERE conversation_id = ?1 AND user_id = ?2";
    let id = change.community;
    let mut moves = Vec::new();
    if plan.joins.is_empty() && plan.leaves.is_none() && plan.roles.is_empty() {
        return Ok(moves);
    }
    let channels = channels(connection, id)?;
    for user in &plan.joins {
        let newcomer = |end| change.newcomer(*user, MemberRole::Member, end);
        moves.push(come(connection, id, newcomer((before.last_seq, before.rev)))?);
        for channel in channels.iter().filter(|channel| channel.access.includes(MemberRole::Member)) {
            moves.push(come(connection, channel.id, newcomer(channel.end))?);
        }
    }
    for (user, role) in &plan.roles {
        run(connection, ROLE, params![id.as_bytes(), user.as_bytes(), role.name()])?;
        for channel in &channels {
            let is_in = run(connection, ROLE, params![channel.id.as_bytes(), user.as_bytes(), role.name()])? > 0;
            match (is_in, channel.access.includes(*role)) {
                (true, false) => moves.push(go(connection, channel.id, *user)?),
                (false, true) => {
                    moves.push(come(connection, channel.id, change.newcomer(*user, *role, channel.end))?);
                }
                (true, true) | (false, false) => {}
            }
        }
    }
    if let Some(user) = plan.leaves {
        moves.push(go(connection, id, user)?);
        for channel in &channels {
            if member(connection, channel.id, user)?.is_some() {
                moves.push(go(connection, channel.id, user)?);
            }
        }
    }
    Ok(moves)
}

/// Deletes these communities and channels: from now on they are in no list.
fn mark_deleted(connection: &Connection, ids: &[ConversationId], now: Timestamp) -> StoreResult<()> {
    const SQL: &str = "UPDATE conversations SET deleted_at = ?2, name_key = NULL WHERE id = ?1";
    for id in ids {
        run(connection, SQL, params![id.as_bytes(), now.as_millis()])?;
    }
    Ok(())
}

fn delete(
    connection: &Connection,
    id: ConversationId,
    actor: UserId,
    now: Timestamp,
) -> StoreResult<Result<Vec<ConversationId>, CommunityRefusal>> {
    match role_in(connection, id, actor)? {
        None => return Ok(Err(CommunityRefusal::NotFound)),
        Some(MemberRole::Owner) => {}
        Some(MemberRole::Admin | MemberRole::Member) => return Ok(Err(CommunityRefusal::NotPermitted)),
    }
    let mut all = vec![id];
    all.extend(channels(connection, id)?.into_iter().map(|channel| channel.id));
    mark_deleted(connection, &all, now)?;
    Ok(Ok(all))
}

fn expel(connection: &Connection, id: ConversationId, limit: usize) -> StoreResult<Vec<Move>> {
    const SQL: &str = "SELECT user_id FROM members JOIN conversations ON id = conversation_id \
         WHERE conversation_id = ?1 AND deleted_at IS NOT NULL LIMIT ?2";
    let user = |row: &rusqlite::Row<'_>| Ok(UserId::from_bytes(get(row, "user_id")?));
    let users = all(connection, SQL, params![id.as_bytes(), limit], user)?;
    users.into_iter().map(|user| go(connection, id, user)).collect()
}

fn erase(connection: &Connection, id: ConversationId, deleted_before: Timestamp, limit: usize) -> StoreResult<usize> {
    const FIND: &str = "SELECT messages.id FROM messages JOIN conversations ON conversations.id = conversation_id \
         WHERE conversation_id = ?1 AND deleted_at IS NOT NULL AND member_count = 0 LIMIT ?2";
    const VERSIONS: &str = "DELETE FROM message_versions WHERE message_id = ?1";
    const REACTIONS: &str = "DELETE FROM reactions WHERE message_id = ?1";
    const MESSAGE: &str = "DELETE FROM messages WHERE id = ?1";
    const CONVERSATION: &str = "DELETE FROM conversations WHERE id = ?1 AND deleted_at < ?2 AND member_count = 0";
    let found = all(connection, FIND, params![id.as_bytes(), limit], |row| get::<[u8; 12]>(row, "id"))?;
    for message in &found {
        for sql in [VERSIONS, REACTIONS, MESSAGE] {
            run(connection, sql, [message])?;
        }
    }
    if found.is_empty() && limit > 0 {
        run(connection, CONVERSATION, params![id.as_bytes(), deleted_before.as_millis()])?;
    }
    Ok(found.len())
}

fn directory(connection: &Connection, page: &CommunityDirectory) -> StoreResult<Vec<Conversation>> {
    let of_all = format!(
        "SELECT {CONVERSATION} FROM conversations INDEXED BY communities_public WHERE kind = 'community' \
         AND access = 'public' AND name_key IS NOT NULL AND name_key > ?1 AND name_key >= ?2 AND name_key < ?3 \
         ORDER BY name_key LIMIT ?4"
    );
    let of_category = format!(
        "SELECT {CONVERSATION} FROM conversations INDEXED BY communities_by_category WHERE kind = 'community' \
         AND access = 'public' AND name_key IS NOT NULL AND category_key = ?5 AND name_key > ?1 AND name_key >= ?2 \
         AND name_key < ?3 ORDER BY name_key LIMIT ?4"
    );
    let CommunityDirectory { prefix, category, after, limit } = page;
    let (after, end) = (after.as_deref().unwrap_or(""), end_of(prefix));
    match category {
        None => all(connection, &of_all, params![after, prefix, end, limit], rows::conversation),
        Some(category) => {
            all(connection, &of_category, params![after, prefix, end, limit, category.key()], rows::conversation)
        }
    }
}

/// What is greater than every text that begins with this one.
fn end_of(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

fn of(
    connection: &Connection,
    user: UserId,
    after: Option<ConversationId>,
    limit: usize,
) -> StoreResult<Vec<ConversationId>> {
    const SQL: &str = "SELECT id FROM members JOIN conversations ON conversations.id = members.conversation_id \
         WHERE members.user_id = ?1 AND members.conversation_id > ?2 AND kind = 'community' \
         ORDER BY members.conversation_id LIMIT ?3";
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.as_bytes());
    all(connection, SQL, params![user.as_bytes(), after, limit], id)
}
