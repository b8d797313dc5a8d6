//! Everything in the database, record by record.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    Collection, Cursor,
    bson::{Bson, Document, RawDocument, RawDocumentBuf, doc},
};
use parlor_domain::{
    Conversation, ConversationId, ConversationKind, PasswordHash, Rev, Seq, User,
    store::{Key, Part, Position, Record, StoreError, StoreResult, Transfer},
};

use super::{
    conversations::direct_key,
    database::{Collections, Database, all, durable_document},
    documents::{
        AuditDocument, ConversationDocument, DayDocument, FriendRequestDocument, MemberDocument, MessageDocument,
        ReactionDocument, RefreshTokenDocument, SessionDocument, Stored, StoredConversation, StoredMember,
        TicketDocument, TieDocument, UserChangeDocument, UserDocument, VersionDocument, binary, date, encode, long,
        oid,
    },
    error::{Attempt, conflict, duplicate},
    messages,
};

/// What must be unique beside the keys.
const UNIQUE: [(&str, &str); 10] = [
    ("byName", "name"),
    ("byCommunity", "name"),
    ("byUsername", "username"),
    ("byEmail", "email"),
    ("byTopic", "topic"),
    ("byDirectKey", "pair of users"),
    ("_id_", "message id"),
    ("byRev", "revision"),
    ("byUser", "reaction"),
    ("byPair", "pair of users"),
];

#[async_trait]
impl Transfer for Database {
    async fn count(&self, part: Part) -> StoreResult<u64> {
        self.read(part, |c, part| count(c, *part).boxed()).await
    }

    async fn export(&self, from: Position, limit: usize) -> StoreResult<Vec<Record>> {
        self.read((from, limit), |c, (from, limit)| export(c, *from, *limit).boxed()).await
    }

    async fn import(&self, records: &[Record]) -> StoreResult<()> {
        self.write(records.to_vec(), |c, records| import(c, records).boxed()).await
    }
}

async fn count(c: &Collections, part: Part) -> Attempt<u64> {
    if part == Part::Messages {
        return count_messages(c).await;
    }
    Ok(collection(c, part).estimated_document_count().await?)
}

/// How many messages there are, as nearly as the database knows.
pub(crate) async fn count_messages(c: &Collections) -> Attempt<u64> {
    let count = c.messages.estimated_document_count().await?;
    // The places that changed messages have left lately.
    let left = c.messages.count_documents(doc! { "left": { "$exists": true } }).await?;
    Ok(count.saturating_sub(left))
}

const fn collection(c: &Collections, part: Part) -> &Collection<RawDocumentBuf> {
    match part {
        Part::Users => &c.users,
        Part::UserStreams => &c.user_stream,
        Part::Sessions => &c.sessions,
        Part::RefreshTokens => &c.refresh_tokens,
        Part::Tickets => &c.tickets,
        Part::Conversations => &c.conversations,
        Part::Members => &c.members,
        Part::Messages => &c.messages,
        Part::Versions => &c.versions,
        Part::Reactions => &c.reactions,
        Part::FriendRequests => &c.friend_requests,
        Part::Ties => &c.ties,
        Part::Audit => &c.audit,
        Part::Days => &c.days,
    }
}

/// The fields that make the key of a part's documents; an index has them in this order.
const fn key_fields(part: Part) -> &'static [&'static str] {
    match part {
        Part::Users
        | Part::Sessions
        | Part::RefreshTokens
        | Part::Tickets
        | Part::Conversations
        | Part::FriendRequests
        | Part::Audit
        | Part::Days => &["_id"],
        Part::UserStreams => &["user", "rev"],
        Part::Members => &["conversation", "user"],
        Part::Messages => &["conversation", "seq"],
        Part::Versions | Part::Reactions => &["message", "rev"],
        Part::Ties => &["user", "other"],
    }
}

/// The values of these fields.
fn key_values(key: Key) -> Vec<Bson> {
    match key {
        Key::User(id) => vec![oid(id.as_bytes()).into()],
        Key::UserChange(user, rev) => vec![oid(user.as_bytes()).into(), long(rev.get()).into()],
        Key::Session(id) => vec![oid(id.as_bytes()).into()],
        Key::RefreshToken(hash) | Key::Ticket(hash) => vec![binary(hash.as_bytes()).into()],
        Key::Conversation(id) => vec![oid(id.as_bytes()).into()],
        Key::Member(conversation, user) => vec![oid(conversation.as_bytes()).into(), oid(user.as_bytes()).into()],
        Key::Message(conversation, seq) => vec![oid(conversation.as_bytes()).into(), long(seq.get()).into()],
        Key::Version(message, rev) | Key::Reaction(message, rev) => {
            vec![oid(message.as_bytes()).into(), long(rev.get()).into()]
        }
        Key::FriendRequest(id) => vec![oid(id.as_bytes()).into()],
        Key::Tie(user, other) => vec![oid(user.as_bytes()).into(), oid(other.as_bytes()).into()],
        Key::Audit(id) => vec![oid(id.as_bytes()).into()],
        Key::Day(day) => vec![i64::from(day.number()).into()],
    }
}

/// The one document with a key.
fn at(key: Key) -> Document {
    key_fields(key.part()).iter().map(|field| (*field).to_owned()).zip(key_values(key)).collect()
}

/// The documents behind a key: greater in its first field, or the same there and greater in the second.
fn after(key: Key) -> Document {
    let mut fields = at(key).into_iter();
    let Some((first, value)) = fields.next() else { return Document::new() };
    let behind = doc! { &first: { "$gt": &value } };
    match fields.next() {
        None => behind,
        Some((second, least)) => doc! { "$or": [{ first: value, second: { "$gt": least } }, behind] },
    }
}

async fn export(c: &Collections, from: Position, limit: usize) -> Attempt<Vec<Record>> {
    // No limit is what the database takes zero for.
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut filter = match from {
        Position::Beginning(_) => Document::new(),
        Position::After(key) => after(key),
    };
    if from.part() == Part::Messages {
        // The places that changed messages have left.
        filter.insert("left", doc! { "$exists": false });
    }
    records(c, from.part(), filter, limit).await
}

async fn records(c: &Collections, part: Part, filter: Document, limit: usize) -> Attempt<Vec<Record>> {
    let order: Document = key_fields(part).iter().map(|field| ((*field).to_owned(), 1.into())).collect();
    let found = collection(c, part).find(filter).sort(order).limit(long(limit as u64)).await?;
    match part {
        Part::Users => each::<AccountDocument>(found, |(user, password)| Record::User { user, password }).await,
        Part::UserStreams => {
            each::<UserChangeDocument>(found, |(user, change)| Record::UserChange { user, change }).await
        }
        Part::Sessions => {
            each::<SessionDocument>(found, |(session, revoked_at)| Record::Session { session, revoked_at }).await
        }
        Part::RefreshTokens => {
            let token = |(hash, session, replaced_at)| Record::RefreshToken { hash, session, replaced_at };
            each::<RefreshTokenDocument>(found, token).await
        }
        Part::Tickets => {
            let ticket = |(hash, session, expires_at)| Record::Ticket { hash, session, expires_at };
            each::<TicketDocument>(found, ticket).await
        }
        Part::Conversations => conversations(c, all::<ConversationDocument>(found).await?).await,
        Part::Members => members(c, all::<MemberDocument>(found).await?).await,
        Part::Messages => {
            each::<MessageDocument>(found, |(message, fingerprint)| Record::Message { message, fingerprint }).await
        }
        Part::Versions => each::<VersionDocument>(found, Record::Version).await,
        Part::Reactions => each::<ReactionDocument>(found, Record::Reaction).await,
        Part::FriendRequests => each::<FriendRequestDocument>(found, Record::FriendRequest).await,
        Part::Ties => each::<TieDocument>(found, Record::Tie).await,
        Part::Audit => each::<AuditDocument>(found, Record::Audit).await,
        Part::Days => each::<DayDocument>(found, Record::Day).await,
    }
}

async fn each<D: Stored>(found: Cursor<RawDocumentBuf>, record: fn(D::Value) -> Record) -> Attempt<Vec<Record>> {
    Ok(all::<D>(found).await?.into_iter().map(record).collect())
}

/// An account with its password.
struct AccountDocument;

impl Stored for AccountDocument {
    const WHAT: &'static str = UserDocument::WHAT;
    type Value = (User, Option<PasswordHash>);

    fn read(raw: &RawDocument) -> Result<Self::Value, String> {
        let password = raw.get("passwordHash").map_err(|error| error.to_string())?;
        let password = password.and_then(|value| value.as_str()).map(|hash| PasswordHash::new(hash.to_owned()));
        Ok((UserDocument::read(raw)?, password))
    }
}

/// The conversations as their members see them: their documents may be behind the log.
async fn conversations(c: &Collections, found: Vec<StoredConversation>) -> Attempt<Vec<Record>> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<ConversationId> = found.iter().map(|found| found.conversation.id).collect();
    let tails = messages::tails(c, &ids).await?;
    let record = |found: StoredConversation| {
        let pair = match found.conversation.kind {
            ConversationKind::Direct => Some(found.pair()?),
            ConversationKind::Group | ConversationKind::Community | ConversationKind::Channel => None,
        };
        let StoredConversation { conversation, deleted_at, .. } = found;
        let Conversation { id, kind, name, description, read_receipts, traits, created_at, updated_at, .. } =
            conversation;
        let last = tails.get(&id).and_then(|tail| tail.last.as_ref());
        let updated_at = last.map_or(updated_at, |last| updated_at.max(last.created_at));
        Ok(Record::Conversation {
            id,
            kind,
            pair,
            name,
            description,
            read_receipts,
            traits,
            deleted_at,
            created_at,
            updated_at,
        })
    };
    found.into_iter().map(record).collect()
}

/// The members as they see themselves: their documents may be behind the log as well.
async fn members(c: &Collections, found: Vec<StoredMember>) -> Attempt<Vec<Record>> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let ids: HashSet<ConversationId> = found.iter().map(|member| member.conversation).collect();
    let tails = messages::tails(c, &ids.into_iter().collect::<Vec<_>>()).await?;
    let record = |StoredMember { conversation, mut member, unsettled }| {
        let tail = tails.get(&conversation).cloned().unwrap_or_default();
        if unsettled.is_some() {
            member.held_from = Some(tail.rev);
        }
        if let Some(last) = tail.last.filter(|last| last.sender_id == member.user_id) {
            member.read_seq = member.read_seq.max(last.seq);
        }
        Record::Member { conversation, member }
    };
    Ok(found.into_iter().map(record).collect())
}

async fn import(c: &Collections, records: &[Record]) -> Attempt<()> {
    for records in records.chunk_by(|a, b| a.key().part() == b.key().part()) {
        let Some(part) = records.first().map(|record| record.key().part()) else { continue };
        let kinds = kinds(c, records).await?;
        let document = |record| document(record, &kinds);
        let documents = records.iter().map(document).collect::<StoreResult<Vec<_>>>()?;
        match collection(c, part).insert_many(&documents).ordered(true).await {
            // Something of it is there already, or something else stands in its way: one by one it is plain which.
            Err(error) if duplicate(&error).is_some() => {
                for (record, document) in records.iter().zip(&documents) {
                    insert(c, record, document).await?;
                }
            }
            inserted => drop(inserted?),
        }
        add_to_groups(c, records, &kinds).await?;
        count_members(c, &kinds).await?;
    }
    Ok(())
}

/// Of which kind those conversations are, among those with members in these records, that don't name their members.
async fn kinds(c: &Collections, records: &[Record]) -> Attempt<HashMap<ConversationId, ConversationKind>> {
    let mut ids: HashSet<ConversationId> = HashSet::new();
    for record in records {
        if let Record::Member { conversation, .. } = record {
            ids.insert(*conversation);
        }
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
    let found = all::<ConversationDocument>(c.conversations.find(doc! { "_id": { "$in": ids } }).await?).await?;
    let open = found.into_iter().filter(|found| !found.names_its_members());
    Ok(open.map(|found| (found.conversation.id, found.conversation.kind)).collect())
}

/// Says in the documents of these conversations how many members they have by now.
async fn count_members(c: &Collections, kinds: &HashMap<ConversationId, ConversationKind>) -> Attempt<()> {
    for id in kinds.keys() {
        let count = c.members.count_documents(doc! { "conversation": oid(id.as_bytes()) }).await?;
        let update = doc! { "$set": { "memberCount": long(count) } };
        c.conversations.update_one(doc! { "_id": oid(id.as_bytes()) }, update).await?;
    }
    Ok(())
}

/// Adds the members among these records to the documents of their groups.
async fn add_to_groups(
    c: &Collections,
    records: &[Record],
    kinds: &HashMap<ConversationId, ConversationKind>,
) -> Attempt<()> {
    let mut joins: HashMap<ConversationId, Vec<Bson>> = HashMap::new();
    for record in records {
        if let Record::Member { conversation, member } = record
            && member.role.is_some()
            && !kinds.contains_key(conversation)
        {
            joins.entry(*conversation).or_default().push(oid(member.user_id.as_bytes()).into());
        }
    }
    let update = |(id, users): (ConversationId, Vec<Bson>)| {
        doc! { "q": { "_id": oid(id.as_bytes()) }, "u": { "$addToSet": { "members": { "$each": users } } } }
    };
    c.update_many("conversations", joins.into_iter().map(update).collect(), durable_document()).await
}

/// Adds a document, unless it is there.
async fn insert(c: &Collections, record: &Record, document: &RawDocumentBuf) -> Attempt<()> {
    let key = record.key();
    let Err(error) = collection(c, key.part()).insert_one(document).await else { return Ok(()) };
    if duplicate(&error).is_none() {
        return Err(error.into());
    }
    match records(c, key.part(), at(key), 1).await?.pop() {
        None => Err(conflict(error, &UNIQUE)),
        Some(stored) if stored == *record => Ok(()),
        Some(_) => Err(StoreError::Conflict("key").into()),
    }
}

fn document(record: &Record, kinds: &HashMap<ConversationId, ConversationKind>) -> StoreResult<RawDocumentBuf> {
    match record {
        Record::User { user, password } => encode(&UserDocument::new(user, password.as_ref())),
        Record::UserChange { user, change } => encode(&UserChangeDocument::new(*user, &change.topic, change.rev)),
        Record::Session { session, revoked_at } => encode(&SessionDocument::new(session, *revoked_at)),
        Record::RefreshToken { hash, session, replaced_at } => encode(&RefreshTokenDocument {
            hash: binary(hash.as_bytes()),
            session: oid(session.as_bytes()),
            replaced_at: replaced_at.map(date),
        }),
        Record::Ticket { hash, session, expires_at } => encode(&TicketDocument {
            hash: binary(hash.as_bytes()),
            session: oid(session.as_bytes()),
            expires_at: date(*expires_at),
        }),
        Record::Conversation {
            id,
            kind,
            pair,
            name,
            description,
            read_receipts,
            traits,
            deleted_at,
            created_at,
            updated_at,
        } => {
            let document = ConversationDocument::new(&Conversation {
                id: *id,
                kind: *kind,
                name: name.clone(),
                description: description.clone(),
                read_receipts: *read_receipts,
                traits: traits.clone(),
                // They are counted with their own records.
                member_count: 0,
                last_seq: Seq::ZERO,
                rev: Rev::ZERO,
                created_at: *created_at,
                updated_at: *updated_at,
            });
            encode(&ConversationDocument {
                // Those of a group are added with their own records.
                members: pair.iter().flatten().map(|user| oid(user.as_bytes())).collect(),
                direct_key: pair.map(|[a, b]| direct_key(a, b)),
                name_key: document.name_key.filter(|_| deleted_at.is_none()),
                deleted_at: deleted_at.map(date),
                ..document
            })
        }
        Record::Member { conversation, member } => {
            let document = MemberDocument::new(*conversation, member);
            let kind = kinds.get(conversation).copied().unwrap_or(ConversationKind::Group);
            encode(&document.of_kind(kind))
        }
        Record::Message { message, fingerprint } => encode(&MessageDocument::new(message, *fingerprint)),
        Record::Version(version) => encode(&VersionDocument::new(version)),
        Record::Reaction(reaction) => encode(&ReactionDocument::new(reaction)),
        Record::FriendRequest(request) => encode(&FriendRequestDocument::new(request)),
        Record::Tie(tie) => encode(&TieDocument::new(tie)),
        Record::Audit(entry) => encode(&AuditDocument::from(entry)),
        Record::Day(sum) => encode(&DayDocument::from(sum)),
    }
}
