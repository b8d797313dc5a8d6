//! Making and changing channels.

use mongodb::{
    ClientSession,
    bson::{Document, doc},
};
use parlor_domain::{
    Access, ChannelChange, ChannelPlan, CommunityRefusal, Conversation, ConversationId, ConversationKind,
    ConversationName, Member, MemberRole, NewChannel, Traits,
    store::{CommunityOutcome, Move},
};

use super::{
    super::{
        database::{Collections, one},
        documents::{ConversationDocument, date, encode, oid},
        error::Attempt,
        groups::{after, end, note, read},
    },
    changed, channels_of, find, members, members_of,
    moving::{self, Arrival},
    refused, role_of, update,
};

/// Whether another channel of a community than this one has a name.
async fn is_taken(
    c: &Collections,
    session: &mut ClientSession,
    (community, name): (ConversationId, &ConversationName),
    but: ConversationId,
) -> Attempt<bool> {
    let taken = doc! { "community": oid(community.as_bytes()), "nameKey": name.key() };
    let found = c.conversations.find_one(taken).session(session).await?;
    Ok(one::<ConversationDocument>(found)?.is_some_and(|found| found.conversation.id != but))
}

pub(super) async fn create(
    c: &Collections,
    session: &mut ClientSession,
    new: &NewChannel,
) -> Attempt<CommunityOutcome> {
    let community = new.traits.community;
    let role = match find(c, session, community, ConversationKind::Community).await? {
        Some(_) => role_of(c, session, community, new.creator).await?,
        None => None,
    };
    match role {
        None => return refused(CommunityRefusal::NotFound),
        Some(role) if !NewChannel::is_permitted(role) => return refused(CommunityRefusal::NotPermitted),
        Some(_) => {}
    }
    let present = c.conversations.count_documents(channels_of(community)).session(&mut *session).await?;
    if present >= u64::from(new.at_most) {
        return refused(CommunityRefusal::TooManyChannels);
    }
    if is_taken(c, session, (community, &new.name), new.id).await? {
        return refused(CommunityRefusal::NameTaken);
    }
    let mut arrivals = Vec::new();
    for Member { user_id, role, .. } in members(c, session, community).await? {
        if let Some(role) = role.filter(|role| new.traits.access.includes(*role)) {
            arrivals.push(Arrival { at: new.id, kind: ConversationKind::Channel, member: new.member(user_id, role) });
        }
    }
    let member_count = u32::try_from(arrivals.len()).unwrap_or(u32::MAX);
    let messages = vec![new.note(member_count)];
    note(c, session, &messages).await?;
    // Whoever comes is counted then.
    let document = ConversationDocument::new(&new.conversation(0));
    c.conversations.insert_one(encode(&document)?).session(&mut *session).await?;
    let accounts = moving::accounts_of(c, session, &arrivals).await?;
    let moves = moving::come(c, session, arrivals, &accounts, new.now).await?;
    read(c, session, &messages).await?;
    Ok(changed(after(new.conversation(member_count), &messages), messages, moves))
}

pub(super) async fn change(
    c: &Collections,
    session: &mut ClientSession,
    change: &ChannelChange,
) -> Attempt<CommunityOutcome> {
    let id = change.channel;
    let Some(mut before) = find(c, session, id, ConversationKind::Channel).await? else {
        return refused(CommunityRefusal::NotFound);
    };
    let Some(traits) = before.traits.channel().copied() else { return refused(CommunityRefusal::NotFound) };
    let concerned = members_of(c, session, id, &change.concerns()).await?;
    let plan = match change.plan(&before, &concerned) {
        Ok(plan) => plan,
        Err(refusal) => return refused(refusal),
    };
    if let Some(name) = &plan.name
        && is_taken(c, session, (traits.community, name), id).await?
    {
        return refused(CommunityRefusal::NameTaken);
    }
    let joins = members_of(c, session, traits.community, &plan.joins).await?;
    if joins.len() < plan.joins.len() {
        let is_in = |user| joins.iter().any(|member| member.user_id == user);
        let outsiders = plan.joins.iter().copied().filter(|user| !is_in(*user)).collect();
        return refused(CommunityRefusal::Outsiders(outsiders));
    }
    (before.last_seq, before.rev) = end(c, session, id).await?;
    if plan.events.is_empty() && !plan.deleted {
        return Ok(changed(before, Vec::new(), Vec::new()));
    }
    let moves = move_members(c, session, change, &before, (&plan, joins)).await?;
    let came = moves.iter().filter(|moved| moved.member.is_some()).count();
    let gone = moves.len() - came;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let member_count = (before.member_count + count(came)).saturating_sub(count(gone));
    let messages = change.notes(plan.events.clone(), member_count, (before.last_seq, before.rev));
    if !messages.is_empty() {
        note(c, session, &messages).await?;
    }
    let update = update_of(&plan, change);
    c.conversations.update_one(doc! { "_id": oid(id.as_bytes()) }, update).session(&mut *session).await?;
    read(c, session, &messages).await?;
    Ok(changed(after(Conversation { member_count, ..planned(before, plan) }, &messages), messages, moves))
}

/// Lets those in and out of a channel who come or go by name, or because it opens or closes.
async fn move_members(
    c: &Collections,
    session: &mut ClientSession,
    change: &ChannelChange,
    before: &Conversation,
    (plan, mut joins): (&ChannelPlan, Vec<Member>),
) -> Attempt<Vec<Move>> {
    let id = change.channel;
    let mut departures: Vec<_> = plan.leaves.iter().map(|user| (id, *user)).collect();
    if let (Some(access), Some(traits)) = (plan.access, before.traits.channel()) {
        let here = members(c, session, id).await?;
        let includes = |member: &&Member| member.role.is_some_and(|role| access.includes(role));
        departures.extend(here.iter().filter(|member| !includes(member)).map(|member| (id, member.user_id)));
        if access == Access::Public {
            let here: std::collections::HashSet<_> = here.iter().map(|member| member.user_id).collect();
            joins = members(c, session, traits.community).await?;
            joins.retain(|member| !here.contains(&member.user_id));
        }
    }
    let arrival = |Member { user_id, role, .. }: Member| {
        let role = role.unwrap_or(MemberRole::Member);
        let member = change.newcomer(user_id, role, (before.last_seq, before.rev));
        Arrival { at: id, kind: ConversationKind::Channel, member }
    };
    let arrivals: Vec<Arrival> = joins.into_iter().map(arrival).collect();
    let accounts = moving::accounts_of(c, session, &arrivals).await?;
    let mut moves = moving::come(c, session, arrivals, &accounts, change.now).await?;
    moves.extend(moving::go(c, session, &departures).await?);
    Ok(moves)
}

/// What a plan makes of a channel's document, but for the number of its members.
fn update_of(plan: &ChannelPlan, change: &ChannelChange) -> Document {
    let (mut set, mut unset) = (Document::new(), Document::new());
    if let Some(name) = &plan.name {
        set.extend(doc! { "name": name.as_str(), "nameKey": name.key() });
    }
    match &plan.description {
        Some(Some(description)) => drop(set.insert("description", description.as_str())),
        Some(None) => drop(unset.insert("description", "")),
        None => {}
    }
    if let Some(position) = plan.position {
        set.insert("position", i64::from(position));
    }
    if let Some(access) = plan.access {
        set.insert("access", access.name());
    }
    if plan.deleted {
        set.insert("deletedAt", date(change.now));
        unset.insert("nameKey", "");
    }
    update(set, unset, change.now)
}

/// The channel as a plan leaves it.
fn planned(before: Conversation, plan: ChannelPlan) -> Conversation {
    let traits = match before.traits {
        Traits::Channel(mut traits) => {
            traits.position = plan.position.unwrap_or(traits.position);
            traits.access = plan.access.unwrap_or(traits.access);
            Traits::Channel(traits)
        }
        other @ (Traits::None | Traits::Community(_)) => other,
    };
    Conversation {
        name: plan.name.or(before.name),
        description: plan.description.unwrap_or(before.description),
        traits,
        ..before
    }
}
