//! Making and changing channels.

use parlor_domain::{
    Access, ChannelChange, ChannelPlan, CommunityRefusal, Conversation, ConversationId, ConversationName, Member,
    MemberRole, NewChannel, UserId,
    store::{CommunityOutcome, Move, StoreResult},
};
use rusqlite::{Connection, params};

use super::{
    super::{
        groups::note,
        rows::{self, CONVERSATION, first, run},
    },
    changed, channels, come, go, id, insert, mark_deleted, members, members_of, open, refused, rename, role_in,
};

/// A channel that is not deleted.
fn channel(connection: &Connection, id: ConversationId) -> StoreResult<Option<Conversation>> {
    let sql =
        format!("SELECT {CONVERSATION} FROM conversations WHERE id = ?1 AND kind = 'channel' AND deleted_at IS NULL");
    first(connection, &sql, [id.as_bytes()], rows::conversation)
}

/// Whether another channel of a community than this one has a name.
fn is_taken(
    connection: &Connection,
    (community, name): (ConversationId, &ConversationName),
    but: ConversationId,
) -> StoreResult<bool> {
    const SQL: &str = "SELECT id FROM conversations WHERE community_id = ?1 AND name_key = ?2";
    let found = first(connection, SQL, params![community.as_bytes(), name.key()], id)?;
    Ok(found.is_some_and(|found| found != but))
}

pub(super) fn create(connection: &Connection, new: &NewChannel) -> StoreResult<CommunityOutcome> {
    let community = new.traits.community;
    match role_in(connection, community, new.creator)? {
        None => return refused(CommunityRefusal::NotFound),
        Some(role) if !NewChannel::is_permitted(role) => return refused(CommunityRefusal::NotPermitted),
        Some(_) => {}
    }
    if channels(connection, community)?.len() >= new.at_most as usize {
        return refused(CommunityRefusal::TooManyChannels);
    }
    if is_taken(connection, (community, &new.name), new.id)? {
        return refused(CommunityRefusal::NameTaken);
    }
    insert(connection, &new.conversation(0))?;
    let mut moves = Vec::new();
    for Member { user_id, role, .. } in members(connection, community)? {
        if let Some(role) = role.filter(|role| new.traits.access.includes(*role)) {
            moves.push(come(connection, new.id, new.member(user_id, role))?);
        }
    }
    let member_count = u32::try_from(moves.len()).unwrap_or(u32::MAX);
    let messages = vec![new.note(member_count)];
    note(connection, &messages)?;
    let conversation = channel(connection, new.id)?.unwrap_or_else(|| new.conversation(member_count));
    Ok(changed(conversation, messages, moves))
}

pub(super) fn change(connection: &Connection, change: &ChannelChange) -> StoreResult<CommunityOutcome> {
    let id = change.channel;
    let Some(before) = channel(connection, id)? else { return refused(CommunityRefusal::NotFound) };
    let Some(traits) = before.traits.channel().copied() else { return refused(CommunityRefusal::NotFound) };
    let concerned = members_of(connection, id, &change.concerns())?;
    let plan = match change.plan(&before, &concerned) {
        Ok(plan) => plan,
        Err(refusal) => return refused(refusal),
    };
    if let Some(name) = &plan.name
        && is_taken(connection, (traits.community, name), id)?
    {
        return refused(CommunityRefusal::NameTaken);
    }
    let joins = members_of(connection, traits.community, &plan.joins)?;
    if joins.len() < plan.joins.len() {
        let is_in = |user: &UserId| joins.iter().any(|member| member.user_id == *user);
        let outsiders = plan.joins.into_iter().filter(|user| !is_in(user)).collect();
        return refused(CommunityRefusal::Outsiders(outsiders));
    }
    write(connection, change, &plan)?;
    let moves = move_members(connection, change, &before, (&plan, joins))?;
    let Some(after) = channel(connection, id)? else { return Ok(changed(before, Vec::new(), moves)) };
    let messages = change.notes(plan.events, after.member_count, (before.last_seq, before.rev));
    note(connection, &messages)?;
    let conversation = channel(connection, id)?.unwrap_or(after);
    Ok(changed(conversation, messages, moves))
}

/// Writes what is planned, but for who comes and goes, and the messages.
fn write(connection: &Connection, change: &ChannelChange, plan: &ChannelPlan) -> StoreResult<()> {
    const PLACE: &str = "UPDATE conversations SET position = ?2 WHERE id = ?1";
    let id = change.channel;
    rename(connection, id, plan.name.as_ref(), plan.description.as_ref())?;
    if let Some(position) = plan.position {
        run(connection, PLACE, params![id.as_bytes(), position])?;
    }
    open(connection, id, plan.access)?;
    if plan.deleted {
        mark_deleted(connection, &[id], change.now)?;
    }
    Ok(())
}

/// Lets those in and out of a channel who come or go by name, or because it opens or closes.
fn move_members(
    connection: &Connection,
    change: &ChannelChange,
    before: &Conversation,
    (plan, mut joins): (&ChannelPlan, Vec<Member>),
) -> StoreResult<Vec<Move>> {
    let id = change.channel;
    let mut departures: Vec<UserId> = plan.leaves.into_iter().collect();
    if let (Some(access), Some(traits)) = (plan.access, before.traits.channel()) {
        let here = members(connection, id)?;
        let includes = |member: &&Member| member.role.is_some_and(|role| access.includes(role));
        departures.extend(here.iter().filter(|member| !includes(member)).map(|member| member.user_id));
        if access == Access::Public {
            let here: std::collections::HashSet<_> = here.iter().map(|member| member.user_id).collect();
            joins = members(connection, traits.community)?;
            joins.retain(|member| !here.contains(&member.user_id));
        }
    }
    let mut moves = Vec::new();
    for Member { user_id, role, .. } in joins {
        let role = role.unwrap_or(MemberRole::Member);
        moves.push(come(connection, id, change.newcomer(user_id, role, (before.last_seq, before.rev)))?);
    }
    for user in departures {
        moves.push(go(connection, id, user)?);
    }
    Ok(moves)
}
