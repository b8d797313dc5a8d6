//! Coming into communities and channels, and going: of many users, or into many channels, by few commands.

use std::collections::{BTreeMap, HashMap};

use mongodb::{
    ClientSession,
    bson::{Bson, Document, doc},
};
use parlor_domain::{
    CommunityChange, Conversation, ConversationId, ConversationKind, GroupPlan, Member, MemberRole, Rev, Timestamp,
    User, UserId, UserTopic,
    store::{Move, StoreError, StoreResult},
};

use super::{
    super::{
        database::Collections,
        documents::{ConversationDocument, MemberDocument, UserChangeDocument, UserDocument, encode, long, oid},
        error::Attempt,
        groups::all_in,
        messages,
    },
    channels_of,
};

/// Who comes into what.
pub(super) struct Arrival {
    pub(super) at: ConversationId,
    pub(super) kind: ConversationKind,
    pub(super) member: Member,
}

/// Lets those in and out of a community and its channels who come, go, or have another role.
pub(super) async fn follow(
    c: &Collections,
    session: &mut ClientSession,
    change: &CommunityChange,
    before: &Conversation,
    plan: &GroupPlan,
) -> Attempt<Vec<Move>> {
    if plan.joins.is_empty() && plan.leaves.is_none() && plan.roles.is_empty() {
        return Ok(Vec::new());
    }
    let id = change.community;
    let channels = all_in::<ConversationDocument>(&c.conversations, session, channels_of(id)).await?;
    let channels: Vec<Conversation> = channels.into_iter().map(|found| found.conversation).collect();
    let ids: Vec<ConversationId> = channels.iter().map(|channel| channel.id).collect();
    let ends = if ids.is_empty() { HashMap::new() } else { messages::ends(c, &ids).await? };
    let end = |id: ConversationId| ends.get(&id).copied().unwrap_or_default();
    let is_open =
        |channel: &&Conversation, role| channel.traits.channel().is_some_and(|traits| traits.access.includes(role));
    let (mut arrivals, mut departures) = (Vec::new(), Vec::new());
    let into = |channel: &Conversation, user, role| Arrival {
        at: channel.id,
        kind: ConversationKind::Channel,
        member: change.newcomer(user, role, end(channel.id)),
    };
    for user in &plan.joins {
        let member = change.newcomer(*user, MemberRole::Member, (before.last_seq, before.rev));
        arrivals.push(Arrival { at: id, kind: ConversationKind::Community, member });
        let open = channels.iter().filter(|channel| is_open(channel, MemberRole::Member));
        arrivals.extend(open.map(|channel| into(channel, *user, MemberRole::Member)));
    }
    for (user, role) in &plan.roles {
        let here = present(c, session, &ids, *user).await?;
        set_role(c, session, (id, &ids), *user, *role).await?;
        for channel in &channels {
            match (here.contains(&channel.id), is_open(&channel, *role)) {
                (true, false) => departures.push((channel.id, *user)),
                (false, true) => arrivals.push(into(channel, *user, *role)),
                (true, true) | (false, false) => {}
            }
        }
    }
    if let Some(user) = plan.leaves {
        departures.push((id, user));
        departures.extend(present(c, session, &ids, user).await?.into_iter().map(|channel| (channel, user)));
    }
    let accounts = accounts_of(c, session, &arrivals).await?;
    let mut moves = come(c, session, arrivals, &accounts, change.now).await?;
    moves.extend(go(c, session, &departures).await?);
    Ok(moves)
}

/// In which of these channels somebody is.
async fn present(
    c: &Collections,
    session: &mut ClientSession,
    channels: &[ConversationId],
    user: UserId,
) -> Attempt<Vec<ConversationId>> {
    let filter = doc! { "user": oid(user.as_bytes()), "conversation": { "$in": oids(channels) } };
    let found = all_in::<MemberDocument>(&c.members, session, filter).await?;
    Ok(found.into_iter().map(|found| found.conversation).collect())
}

async fn set_role(
    c: &Collections,
    session: &mut ClientSession,
    (community, channels): (ConversationId, &[ConversationId]),
    user: UserId,
    role: MemberRole,
) -> Attempt<()> {
    let mut all = oids(channels);
    all.push(oid(community.as_bytes()).into());
    let filter = doc! { "user": oid(user.as_bytes()), "conversation": { "$in": all } };
    c.members.update_many(filter, doc! { "$set": { "role": role.name() } }).session(session).await?;
    Ok(())
}

fn oids(ids: &[ConversationId]) -> Vec<Bson> {
    ids.iter().map(|id| oid(id.as_bytes()).into()).collect()
}

/// The accounts of those who arrive.
pub(super) async fn accounts_of(
    c: &Collections,
    session: &mut ClientSession,
    arrivals: &[Arrival],
) -> Attempt<HashMap<UserId, User>> {
    if arrivals.is_empty() {
        return Ok(HashMap::new());
    }
    let mut users: Vec<UserId> = arrivals.iter().map(|arrival| arrival.member.user_id).collect();
    users.sort_unstable();
    users.dedup();
    let users: Vec<_> = users.iter().map(|user| oid(user.as_bytes())).collect();
    let found = all_in::<UserDocument>(&c.users, session, doc! { "_id": { "$in": users } }).await?;
    Ok(found.into_iter().map(|user| (user.id, user)).collect())
}

/// Adds members, with what follows. What comes to those who are busy is held back from then on.
pub(super) async fn come(
    c: &Collections,
    session: &mut ClientSession,
    arrivals: Vec<Arrival>,
    accounts: &HashMap<UserId, User>,
    now: Timestamp,
) -> Attempt<Vec<Move>> {
    if arrivals.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<_> = arrivals.iter().map(|arrival| (arrival.at, arrival.member.user_id)).collect();
    let mut members = Vec::with_capacity(arrivals.len());
    let mut documents = Vec::with_capacity(arrivals.len());
    for Arrival { at, kind, mut member } in arrivals {
        let holds = accounts.get(&member.user_id).is_some_and(|user| user.status.holds(now));
        member.held_from = holds.then_some(member.joined_rev);
        documents.push(encode(&MemberDocument::new(at, &member).of_kind(kind))?);
        members.push(member);
    }
    c.members.insert_many(documents).session(&mut *session).await?;
    count(c, session, &places, 1).await?;
    let revs = record_all(c, session, &places).await?;
    let moves = places.into_iter().zip(members).zip(revs);
    Ok(moves
        .map(|(((conversation, user), member), rev)| Move { conversation, user, member: Some(member), rev })
        .collect())
}

/// Takes members out. What they are told of it from now on is that they are gone.
pub(super) async fn go(
    c: &Collections,
    session: &mut ClientSession,
    places: &[(ConversationId, UserId)],
) -> Attempt<Vec<Move>> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    for (user, conversation) in by_either(places) {
        c.members.delete_many(doc! { "conversation": &conversation, "user": &user }).session(&mut *session).await?;
        let topics = doc! { "user": user, "topic": { "$in": ["settings", "read"] }, "subject": conversation };
        c.user_stream.delete_many(topics).session(&mut *session).await?;
    }
    count(c, session, places, -1).await?;
    let revs = record_all(c, session, places).await?;
    let moves = places.iter().zip(revs);
    Ok(moves
        .map(|((conversation, user), rev)| Move { conversation: *conversation, user: *user, member: None, rev })
        .collect())
}

/// Filters of users and conversations that find exactly these places: by conversation if there are fewer of these, else
/// by user.
fn by_either(places: &[(ConversationId, UserId)]) -> Vec<(Document, Document)> {
    let (mut users, mut conversations) = (BTreeMap::<UserId, Vec<Bson>>::new(), BTreeMap::<_, Vec<Bson>>::new());
    for (conversation, user) in places {
        users.entry(*user).or_default().push(oid(conversation.as_bytes()).into());
        conversations.entry(*conversation).or_default().push(oid(user.as_bytes()).into());
    }
    let one = |id: &[u8; 12]| doc! { "$eq": oid(id) };
    if users.len() < conversations.len() {
        users.into_iter().map(|(user, in_them)| (one(user.as_bytes()), doc! { "$in": in_them })).collect()
    } else {
        conversations.into_iter().map(|(id, users)| (doc! { "$in": users }, one(id.as_bytes()))).collect()
    }
}

/// Counts so many more in each conversation for each of these.
async fn count(
    c: &Collections,
    session: &mut ClientSession,
    places: &[(ConversationId, UserId)],
    each: i64,
) -> Attempt<()> {
    let mut changes: BTreeMap<ConversationId, i64> = BTreeMap::new();
    for (conversation, _) in places {
        *changes.entry(*conversation).or_default() += each;
    }
    let mut alike: BTreeMap<i64, Vec<Bson>> = BTreeMap::new();
    for (id, change) in changes {
        alike.entry(change).or_default().push(oid(id.as_bytes()).into());
    }
    for (change, ids) in alike {
        let more = doc! { "$inc": { "memberCount": change } };
        c.conversations.update_many(doc! { "_id": { "$in": ids } }, more).session(&mut *session).await?;
    }
    Ok(())
}

/// Takes the next revisions of the users' own streams for these conversations, in their order.
async fn record_all(
    c: &Collections,
    session: &mut ClientSession,
    places: &[(ConversationId, UserId)],
) -> Attempt<Vec<Rev>> {
    let mut counts: BTreeMap<UserId, u64> = BTreeMap::new();
    for (_, user) in places {
        *counts.entry(*user).or_default() += 1;
    }
    let mut alike: BTreeMap<u64, Vec<Bson>> = BTreeMap::new();
    for (user, count) in &counts {
        alike.entry(*count).or_default().push(oid(user.as_bytes()).into());
    }
    let mut next: HashMap<UserId, Rev> = HashMap::new();
    for (count, users) in alike {
        let these = doc! { "_id": { "$in": users } };
        let more = doc! { "$inc": { "rev": long(count) } };
        c.users.update_many(these.clone(), more).session(&mut *session).await?;
        let found = all_in::<UserDocument>(&c.users, session, these).await?;
        next.extend(found.into_iter().map(|user| (user.id, Rev::new(user.rev.get().saturating_sub(count)))));
    }
    let mut revs = Vec::with_capacity(places.len());
    for (_, user) in places {
        let rev = next.get_mut(user).ok_or_else(|| StoreError::unavailable(format!("user {user} is gone")))?;
        *rev = rev.next();
        revs.push(*rev);
    }
    for (user, conversation) in by_either(places) {
        let former = doc! { "user": user, "topic": "conversation", "subject": conversation };
        c.user_stream.delete_many(former).session(&mut *session).await?;
    }
    let document = |((conversation, user), rev): (&(ConversationId, UserId), &Rev)| {
        encode(&UserChangeDocument::new(*user, &UserTopic::Conversation(*conversation), *rev))
    };
    let documents = places.iter().zip(&revs).map(document).collect::<StoreResult<Vec<_>>>()?;
    c.user_stream.insert_many(documents).session(session).await?;
    Ok(revs)
}
