//! Communities, their channels, and who is in them.
//!
//! The documents of these don't name their members, as there may be very many: that stands in the members' documents
//! alone, which say of what kind the conversation is, and the conversation says how many there are.

mod channels;
mod deletion;
mod moving;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    ClientSession,
    bson::{Document, doc},
};
use parlor_domain::{
    ChannelChange, CommunityChange, CommunityPlan, CommunityRefusal, Conversation, ConversationId, ConversationKind,
    ConversationName, Member, MemberRole, Message, NewChannel, NewCommunity, Timestamp, Traits, UserId,
    store::{CommunityChanged, CommunityDirectory, CommunityOutcome, CommunityStore, Move, StoreError, StoreResult},
};

use self::moving::Arrival;
use super::{
    database::{Collections, Database, all, one},
    documents::{ConversationDocument, MemberDocument, date, encode, long, oid},
    error::Attempt,
    groups::{accounts, after, all_in, end, note, read},
};

#[async_trait]
impl CommunityStore for Database {
    async fn create(&self, new: &NewCommunity) -> StoreResult<CommunityOutcome> {
        self.change(new.clone(), |c, new, session| create(c, session, new).boxed()).await
    }

    async fn change(&self, change: &CommunityChange) -> StoreResult<CommunityOutcome> {
        let users = change.concerns();
        let at = (change.community, &*users);
        let outcome =
            self.change_in(at, change.clone(), |c, change, session| self::change(c, session, change).boxed()).await;
        self.forget_moved(change.community, &outcome);
        outcome
    }

    async fn create_channel(&self, new: &NewChannel) -> StoreResult<CommunityOutcome> {
        self.change(new.clone(), |c, new, session| channels::create(c, session, new).boxed()).await
    }

    async fn change_channel(&self, change: &ChannelChange) -> StoreResult<CommunityOutcome> {
        let at = (change.channel, &[][..]);
        let outcome =
            self.change_in(at, change.clone(), |c, change, session| channels::change(c, session, change).boxed()).await;
        self.forget_moved(change.channel, &outcome);
        outcome
    }

    async fn delete(
        &self,
        community: ConversationId,
        actor: UserId,
        now: Timestamp,
    ) -> StoreResult<Result<Vec<ConversationId>, CommunityRefusal>> {
        self.change((community, actor, now), |c, (community, actor, now), session| {
            deletion::delete(c, session, *community, *actor, *now).boxed()
        })
        .await
    }

    async fn expel(&self, id: ConversationId, limit: usize) -> StoreResult<Vec<Move>> {
        let moves =
            self.change((id, limit), |c, (id, limit), session| deletion::expel(c, session, *id, *limit).boxed()).await;
        self.appender.forget_conversation(id);
        moves
    }

    async fn deleted(&self, limit: usize) -> StoreResult<Vec<ConversationId>> {
        self.read(limit, |c, limit| deletion::deleted(c, *limit).boxed()).await
    }

    async fn erase(&self, id: ConversationId, deleted_before: Timestamp, limit: usize) -> StoreResult<usize> {
        self.write((id, deleted_before, limit), |c, (id, deleted_before, limit)| {
            deletion::erase(c, *id, *deleted_before, *limit).boxed()
        })
        .await
    }

    async fn find(&self, id: ConversationId) -> StoreResult<Option<Conversation>> {
        self.read(id, |c, id| {
            async move {
                let found = c.conversations.find_one(living(*id, ConversationKind::Community)).await?;
                Ok(one::<ConversationDocument>(found)?.map(|found| found.conversation))
            }
            .boxed()
        })
        .await
    }

    async fn channels(&self, community: ConversationId) -> StoreResult<Vec<ConversationId>> {
        self.read(community, |c, community| {
            async move {
                let found = all::<ConversationDocument>(c.conversations.find(channels_of(*community)).await?).await?;
                let mut channels: Vec<Conversation> = found.into_iter().map(|found| found.conversation).collect();
                channels.sort_by_key(|channel| (channel.traits.channel().map(|traits| traits.position), channel.id));
                Ok(channels.into_iter().map(|channel| channel.id).collect())
            }
            .boxed()
        })
        .await
    }

    async fn directory(&self, page: &CommunityDirectory) -> StoreResult<Vec<Conversation>> {
        self.read(page.clone(), |c, page| directory(c, page).boxed()).await
    }

    async fn of(&self, user: UserId, after: Option<ConversationId>, limit: usize) -> StoreResult<Vec<ConversationId>> {
        self.read((user, after, limit), |c, (user, after, limit)| of(c, *user, *after, *limit).boxed()).await
    }
}

impl Database {
    /// Forgets what the appender remembers of conversations that have changed, or may have.
    fn forget_moved(&self, id: ConversationId, outcome: &StoreResult<CommunityOutcome>) {
        match outcome {
            Ok(CommunityOutcome::Refused(_)) => {}
            Ok(CommunityOutcome::Changed(changed)) => {
                self.appender.forget_conversation(id);
                changed.moves.iter().for_each(|moved| self.appender.forget_conversation(moved.conversation));
            }
            // Nobody knows what became of it, nor where.
            Err(_) => self.appender.forget(),
        }
    }
}

fn refused(refusal: CommunityRefusal) -> Attempt<CommunityOutcome> {
    Ok(CommunityOutcome::Refused(refusal))
}

fn changed(conversation: Conversation, messages: Vec<Message>, moves: Vec<Move>) -> CommunityOutcome {
    CommunityOutcome::Changed(Box::new(CommunityChanged { conversation, messages, moves }))
}

/// A conversation of a kind that is not deleted.
fn living(id: ConversationId, kind: ConversationKind) -> Document {
    doc! { "_id": oid(id.as_bytes()), "kind": kind.name(), "deletedAt": { "$exists": false } }
}

/// The channels of a community that are not deleted.
fn channels_of(community: ConversationId) -> Document {
    doc! { "community": oid(community.as_bytes()), "nameKey": { "$exists": true } }
}

/// A conversation of a kind that is not deleted, as it is at the beginning of its log.
async fn find(
    c: &Collections,
    session: &mut ClientSession,
    id: ConversationId,
    kind: ConversationKind,
) -> Attempt<Option<Conversation>> {
    let found = c.conversations.find_one(living(id, kind)).session(session).await?;
    Ok(one::<ConversationDocument>(found)?.map(|found| found.conversation))
}

/// Those of these users who are in a conversation.
async fn members_of(
    c: &Collections,
    session: &mut ClientSession,
    id: ConversationId,
    users: &[UserId],
) -> Attempt<Vec<Member>> {
    let users: Vec<_> = users.iter().map(|user| oid(user.as_bytes())).collect();
    let filter = doc! { "conversation": oid(id.as_bytes()), "user": { "$in": users } };
    let found = all_in::<MemberDocument>(&c.members, session, filter).await?;
    Ok(found.into_iter().map(|found| found.member).collect())
}

/// Everyone who is in a conversation.
async fn members(c: &Collections, session: &mut ClientSession, id: ConversationId) -> Attempt<Vec<Member>> {
    let filter = doc! { "conversation": oid(id.as_bytes()) };
    let found = all_in::<MemberDocument>(&c.members, session, filter).await?;
    Ok(found.into_iter().map(|found| found.member).collect())
}

/// What somebody may do in a conversation; nothing if he is not in it.
async fn role_of(
    c: &Collections,
    session: &mut ClientSession,
    id: ConversationId,
    user: UserId,
) -> Attempt<Option<MemberRole>> {
    Ok(members_of(c, session, id, &[user]).await?.pop().and_then(|member| member.role))
}

/// Whether one of these users is in as many communities as he may be.
async fn has_enough(c: &Collections, session: &mut ClientSession, users: &[UserId], at_most: u32) -> Attempt<bool> {
    for user in users {
        let in_communities = doc! { "user": oid(user.as_bytes()), "kind": ConversationKind::Community.name() };
        let count = c.members.count_documents(in_communities).session(&mut *session).await?;
        if count >= u64::from(at_most) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether another community than this one has a name.
async fn is_taken(
    c: &Collections,
    session: &mut ClientSession,
    name: &ConversationName,
    but: ConversationId,
) -> Attempt<bool> {
    let taken = doc! { "kind": ConversationKind::Community.name(), "nameKey": name.key() };
    let found = c.conversations.find_one(taken).session(session).await?;
    Ok(one::<ConversationDocument>(found)?.is_some_and(|found| found.conversation.id != but))
}

async fn create(c: &Collections, session: &mut ClientSession, new: &NewCommunity) -> Attempt<CommunityOutcome> {
    let (accounts, unknown) = accounts(c, session, &[new.creator]).await?;
    if !unknown.is_empty() {
        return refused(CommunityRefusal::UnknownUsers(unknown));
    }
    if has_enough(c, session, &[new.creator], new.at_most).await? {
        return refused(CommunityRefusal::TooManyCommunities);
    }
    if is_taken(c, session, &new.name, new.id).await? {
        return refused(CommunityRefusal::NameTaken);
    }
    let messages = vec![new.note()];
    note(c, session, &messages).await?;
    let conversation = new.conversation();
    // Whoever comes is counted then.
    let document = ConversationDocument::new(&Conversation { member_count: 0, ..conversation.clone() });
    c.conversations.insert_one(encode(&document)?).session(&mut *session).await?;
    let owner = Arrival { at: new.id, kind: ConversationKind::Community, member: new.owner() };
    let moves = moving::come(c, session, vec![owner], &accounts, new.now).await?;
    read(c, session, &messages).await?;
    Ok(changed(after(conversation, &messages), messages, moves))
}

async fn change(c: &Collections, session: &mut ClientSession, change: &CommunityChange) -> Attempt<CommunityOutcome> {
    let id = change.community;
    let Some(mut before) = find(c, session, id, ConversationKind::Community).await? else {
        return refused(CommunityRefusal::NotFound);
    };
    let mut concerned = members_of(c, session, id, &change.concerns()).await?;
    if change.wants_heir() && concerned.iter().any(|member| member.role == Some(MemberRole::Owner)) {
        concerned = members(c, session, id).await?;
    }
    let plan = match change.plan(&before, &concerned) {
        Ok(plan) => plan,
        Err(refusal) => return refused(refusal),
    };
    let (_, unknown) = accounts(c, session, &plan.group.joins).await?;
    if !unknown.is_empty() {
        return refused(CommunityRefusal::UnknownUsers(unknown));
    }
    if has_enough(c, session, &plan.group.joins, change.communities).await? {
        return refused(CommunityRefusal::TooManyCommunities);
    }
    if let Some(name) = &plan.group.name
        && is_taken(c, session, name, id).await?
    {
        return refused(CommunityRefusal::NameTaken);
    }
    (before.last_seq, before.rev) = end(c, session, id).await?;
    let messages = change.notes(plan.group.events.clone(), (before.last_seq, before.rev));
    if messages.is_empty() {
        return Ok(changed(before, messages, Vec::new()));
    }
    // First, as that is what may be refused.
    note(c, session, &messages).await?;
    let moves = moving::follow(c, session, change, &before, &plan.group).await?;
    let update = update_of(&plan, change.now);
    c.conversations.update_one(doc! { "_id": oid(id.as_bytes()) }, update).session(&mut *session).await?;
    read(c, session, &messages).await?;
    Ok(changed(after(planned(before, plan), &messages), messages, moves))
}

/// What a plan makes of a community's document, but for the number of its members.
fn update_of(plan: &CommunityPlan, now: Timestamp) -> Document {
    let (mut set, mut unset) = (Document::new(), Document::new());
    if let Some(name) = &plan.group.name {
        set.insert("name", name.as_str());
        set.insert("nameKey", name.key());
    }
    match &plan.group.description {
        Some(Some(description)) => drop(set.insert("description", description.as_str())),
        Some(None) => drop(unset.insert("description", "")),
        None => {}
    }
    match &plan.category {
        Some(Some(category)) => {
            set.insert("category", category.as_str());
            set.insert("categoryKey", category.key());
        }
        Some(None) => unset.extend(doc! { "category": "", "categoryKey": "" }),
        None => {}
    }
    if let Some(access) = plan.access {
        set.insert("access", access.name());
    }
    update(set, unset, now)
}

/// An update of a conversation in which something has happened.
fn update(set: Document, unset: Document, now: Timestamp) -> Document {
    let mut update = doc! { "$max": { "updatedAt": date(now) } };
    for (operator, fields) in [("$set", set), ("$unset", unset)] {
        if !fields.is_empty() {
            update.insert(operator, fields);
        }
    }
    update
}

/// The community as a plan leaves it.
fn planned(before: Conversation, CommunityPlan { group, category, access }: CommunityPlan) -> Conversation {
    let joined = u32::try_from(group.joins.len()).unwrap_or(u32::MAX);
    let traits = match before.traits {
        Traits::Community(mut traits) => {
            traits.category = category.unwrap_or(traits.category);
            traits.access = access.unwrap_or(traits.access);
            Traits::Community(traits)
        }
        other @ (Traits::None | Traits::Channel(_)) => other,
    };
    Conversation {
        name: group.name.or(before.name),
        description: group.description.unwrap_or(before.description),
        traits,
        member_count: (before.member_count + joined).saturating_sub(group.leaves.is_some().into()),
        ..before
    }
}

async fn directory(c: &Collections, page: &CommunityDirectory) -> Attempt<Vec<Conversation>> {
    // No limit is what the database takes zero for.
    if page.limit == 0 {
        return Ok(Vec::new());
    }
    let mut filter = doc! { "kind": ConversationKind::Community.name(), "access": "public" };
    let mut names = doc! { "$gte": &page.prefix, "$lt": format!("{}\u{10ffff}", page.prefix) };
    if let Some(after) = &page.after {
        names.insert("$gt", after);
    }
    let mut order = doc! { "access": 1 };
    if let Some(category) = &page.category {
        filter.insert("categoryKey", category.key());
        order.insert("categoryKey", 1);
    }
    filter.insert("nameKey", names);
    order.insert("nameKey", 1);
    let found = c.conversations.find(filter).sort(order).limit(long(page.limit as u64)).await?;
    Ok(all::<ConversationDocument>(found).await?.into_iter().map(|found| found.conversation).collect())
}

async fn of(
    c: &Collections,
    user: UserId,
    after: Option<ConversationId>,
    limit: usize,
) -> Attempt<Vec<ConversationId>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut filter = doc! { "user": oid(user.as_bytes()), "kind": ConversationKind::Community.name() };
    if let Some(after) = after {
        filter.insert("conversation", doc! { "$gt": oid(after.as_bytes()) });
    }
    let order = doc! { "user": 1, "kind": 1, "conversation": 1 };
    let mut found = c.members.find(filter).sort(order).limit(long(limit as u64)).await?;
    let mut ids = Vec::new();
    while found.advance().await? {
        let id = found.current().get_object_id("conversation").map_err(StoreError::corrupt)?;
        ids.push(ConversationId::from_bytes(id.bytes()));
    }
    Ok(ids)
}
