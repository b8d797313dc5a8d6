//! Conversations, and who is in them.

use mongodb::bson::{DateTime, RawDocument, oid::ObjectId};
use parlor_domain::{
    Access, Category, ChannelTraits, CommunityTraits, Conversation, ConversationId, ConversationKind, ConversationName,
    Description, Member, MemberRole, MemberSettings, Rev, Seq, Shape, Timestamp, Traits, UserId,
    store::{StoreError, StoreResult},
};
use serde::{Deserialize, Serialize};

use super::{Stored, counter, date, fields, known, long, oid, parse, parse_optional, there, time};

/// A conversation. How far its log goes stands in the log alone.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConversationDocument {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    pub(crate) kind: String,
    /// Who is in it: what the inbox is found by, together with `updated_at`.
    pub(crate) members: Vec<ObjectId>,
    /// The two of a direct conversation, the lesser id first: one conversation for each pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) direct_key: Option<String>,
    /// What a group is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// What a group is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// That members of a group are not told how far others have read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) no_receipts: Option<bool>,
    /// Of a channel: the community that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) community: Option<ObjectId>,
    /// What two spellings of a community's or channel's name have in common. Absent if it is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) category_key: Option<String>,
    /// Of a community or a channel: `public` or `private`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access: Option<String>,
    /// Where a channel stands among the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) position: Option<i64>,
    /// How many members a community or a channel has, which are not named here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) member_count: Option<i64>,
    /// Of a community or a channel that is deleted and not erased yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deleted_at: Option<DateTime>,
    pub(crate) created_at: DateTime,
    pub(crate) updated_at: DateTime,
}

impl ConversationDocument {
    /// The document of a conversation, without the members that are named in it.
    pub(crate) fn new(conversation: &Conversation) -> Self {
        let Conversation { id, kind, name, description, read_receipts, traits, .. } = conversation;
        let Conversation { member_count, created_at, updated_at, .. } = conversation;
        let mut document = Self {
            id: oid(id.as_bytes()),
            kind: kind.name().to_owned(),
            members: Vec::new(),
            direct_key: None,
            name: name.as_ref().map(ToString::to_string),
            description: description.as_ref().map(ToString::to_string),
            no_receipts: (!read_receipts).then_some(true),
            community: None,
            name_key: None,
            category: None,
            category_key: None,
            access: None,
            position: None,
            member_count: None,
            deleted_at: None,
            created_at: date(*created_at),
            updated_at: date(*updated_at),
        };
        match traits {
            Traits::None => return document,
            Traits::Community(CommunityTraits { category, access }) => {
                document.category = category.as_ref().map(ToString::to_string);
                document.category_key = category.as_ref().map(Category::key);
                document.access = Some(access.name().to_owned());
            }
            Traits::Channel(ChannelTraits { community, position, access }) => {
                document.community = Some(oid(community.as_bytes()));
                document.position = Some((*position).into());
                document.access = Some(access.name().to_owned());
            }
        }
        document.name_key = name.as_ref().map(ConversationName::key);
        document.member_count = Some((*member_count).into());
        document
    }

    fn traits(&self, kind: ConversationKind) -> Result<Traits, String> {
        let access = || parse("access", there("access", self.access.as_deref())?, known(Access::from_name));
        Ok(match kind {
            ConversationKind::Direct | ConversationKind::Group => Traits::None,
            ConversationKind::Community => Traits::Community(CommunityTraits {
                category: parse_optional("category", self.category.as_deref(), Category::parse)?,
                access: access()?,
            }),
            ConversationKind::Channel => Traits::Channel(ChannelTraits {
                community: ConversationId::from_bytes(there("community", self.community)?.bytes()),
                position: u32::try_from(there("position", self.position)?)
                    .map_err(|_| "position is no place".to_owned())?,
                access: access()?,
            }),
        })
    }
}

/// What a conversation's document says.
pub(crate) struct StoredConversation {
    /// The conversation at the beginning of its log.
    pub(crate) conversation: Conversation,
    /// Those who are named in it: in a direct conversation or a group, all.
    pub(crate) members: Vec<UserId>,
    /// When it was deleted.
    pub(crate) deleted_at: Option<Timestamp>,
}

impl StoredConversation {
    /// Whether all who are in it are named in it.
    pub(crate) const fn names_its_members(&self) -> bool {
        matches!(self.conversation.kind, ConversationKind::Direct | ConversationKind::Group)
    }

    /// What it is for ever.
    pub(crate) fn shape(&self) -> StoreResult<Shape> {
        let Conversation { id, kind, traits, .. } = &self.conversation;
        let wrong = |what| StoreError::corrupt(format!("conversation {id}: {what}"));
        Ok(match kind {
            ConversationKind::Direct => Shape::Direct(self.pair()?),
            ConversationKind::Group => Shape::Group,
            ConversationKind::Community => Shape::Community,
            ConversationKind::Channel => {
                Shape::Channel(traits.channel().ok_or_else(|| wrong("has no community"))?.community)
            }
        })
    }

    /// The two of a direct conversation, the lesser id first.
    pub(crate) fn pair(&self) -> StoreResult<[UserId; 2]> {
        let wrong = || StoreError::corrupt(format!("conversation {}: has not two members", self.conversation.id));
        let [a, b] = *self.members.as_slice() else { return Err(wrong()) };
        Ok([a.min(b), a.max(b)])
    }
}

impl Stored for ConversationDocument {
    const WHAT: &'static str = "conversation";
    type Value = StoredConversation;

    fn read(raw: &RawDocument) -> Result<StoredConversation, String> {
        let document: Self = fields(raw)?;
        let kind = parse("kind", &document.kind, known(ConversationKind::from_name))?;
        let count = document.member_count.map_or(document.members.len() as u64, |count| count.try_into().unwrap_or(0));
        let users = |ids: &[ObjectId]| ids.iter().map(|id| UserId::from_bytes(id.bytes())).collect();
        Ok(StoredConversation {
            conversation: Conversation {
                id: ConversationId::from_bytes(document.id.bytes()),
                kind,
                traits: document.traits(kind)?,
                read_receipts: document.no_receipts != Some(true),
                name: parse_optional("name", document.name.as_deref(), ConversationName::stored)?,
                description: parse_optional("description", document.description.as_deref(), Description::parse)?
                    .flatten(),
                member_count: u32::try_from(count).unwrap_or(u32::MAX),
                last_seq: Seq::ZERO,
                rev: Rev::ZERO,
                created_at: time(document.created_at),
                updated_at: time(document.updated_at),
            },
            members: users(&document.members),
            deleted_at: document.deleted_at.map(time),
        })
    }
}

/// A user in a conversation.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemberDocument {
    conversation: ObjectId,
    user: ObjectId,
    /// The conversation's kind, if that does not name its members: `community` or `channel`.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Not in direct conversations.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    joined_at: DateTime,
    /// The revision before the change by which the member came; absent for zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_rev: Option<i64>,
    read_seq: i64,
    read_receipt_seq: i64,
    delivered_seq: i64,
    /// Negative until it is settled which revision is the present one: see [`holds`](super::super::holds).
    #[serde(skip_serializing_if = "Option::is_none")]
    held_from: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<DateTime>,
    /// Absent for `false`, like `archived`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<bool>,
    /// Out of the list until something comes after this message.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_up_to: Option<i64>,
}

impl MemberDocument {
    pub(crate) fn new(conversation: ConversationId, member: &Member) -> Self {
        Self {
            conversation: oid(conversation.as_bytes()),
            user: oid(member.user_id.as_bytes()),
            kind: None,
            role: member.role.map(|role| role.name().to_owned()),
            joined_at: date(member.joined_at),
            joined_rev: Some(long(member.joined_rev.get())).filter(|rev| *rev > 0),
            read_seq: long(member.read_seq.get()),
            read_receipt_seq: long(member.read_receipt_seq.get()),
            delivered_seq: long(member.delivered_seq.get()),
            held_from: member.held_from.map(|rev| long(rev.get())),
            muted_until: member.settings.muted_until.map(date),
            pinned: member.settings.pinned.then_some(true),
            archived: member.settings.archived.then_some(true),
            hidden_up_to: member.settings.hidden_up_to.map(|seq| long(seq.get())),
        }
    }

    /// The same of a conversation of this kind.
    pub(crate) fn of_kind(self, kind: ConversationKind) -> Self {
        let named = matches!(kind, ConversationKind::Direct | ConversationKind::Group);
        Self { kind: (!named).then(|| kind.name().to_owned()), ..self }
    }
}

/// What a member's document says.
#[derive(Clone)]
pub(crate) struct StoredMember {
    pub(crate) conversation: ConversationId,
    pub(crate) member: Member,
    /// The mark that stands there as long as it is not settled from which revision on changes are held back.
    pub(crate) unsettled: Option<i64>,
}

impl Stored for MemberDocument {
    const WHAT: &'static str = "member of conversation";
    const ID: &'static str = "conversation";
    type Value = StoredMember;

    fn read(raw: &RawDocument) -> Result<StoredMember, String> {
        let document: Self = fields(raw)?;
        let held_from = document.held_from.filter(|from| *from >= 0);
        Ok(StoredMember {
            conversation: ConversationId::from_bytes(document.conversation.bytes()),
            unsettled: document.held_from.filter(|mark| *mark < 0),
            member: Member {
                user_id: UserId::from_bytes(document.user.bytes()),
                role: parse_optional("role", document.role.as_deref(), known(MemberRole::from_name))?,
                joined_at: time(document.joined_at),
                joined_rev: Rev::new(counter("joinedRev", document.joined_rev.unwrap_or(0))?),
                read_seq: Seq::new(counter("readSeq", document.read_seq)?),
                read_receipt_seq: Seq::new(counter("readReceiptSeq", document.read_receipt_seq)?),
                delivered_seq: Seq::new(counter("deliveredSeq", document.delivered_seq)?),
                held_from: held_from.map(|from| counter("heldFrom", from)).transpose()?.map(Rev::new),
                settings: MemberSettings {
                    muted_until: document.muted_until.map(time),
                    pinned: document.pinned.unwrap_or(false),
                    archived: document.archived.unwrap_or(false),
                    hidden_up_to: {
                        let seq = document.hidden_up_to.map(|seq| counter("hiddenUpTo", seq)).transpose()?;
                        seq.map(Seq::new)
                    },
                },
            },
        })
    }
}
