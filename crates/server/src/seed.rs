//! Made-up users, conversations, messages and friendships: the same for the same seed, whatever the machine or the day.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use parlor_domain::{
    Access, Category, ChannelTraits, Clock, CommunityAction, CommunityChange, CommunityTraits, ConversationId,
    ConversationName, Description, DisplayName, Email, Emoji, Entropy, FriendRequestId, GroupAction, InvalidValue,
    Login, Mentions, MessageAction, MessageChange, MessageId, MessageText, Metadata, NewChannel, NewCommunity,
    NewGroup, NewMessage, PasswordHash, RequestText, SeededEntropy, Seq, Timestamp, User, UserId, Username,
    store::{
        Answer, AppendOutcome, ChangeOutcome, CommunityOutcome, GroupOutcome, NewDirect, NewFriendRequest, NewUser,
        RequestAnswer, StoreError, Stores, Window,
    },
};
use tokio::sync::Semaphore;

/// How many changes wait for the store at a time: enough for it to write them in large groups.
const CONCURRENCY: usize = 256;
/// How many conversations are opened at a time. Neighbours share a user, so on MongoDB they come across each other.
const OPENING: usize = 8;
/// How many members a group has at most.
pub const GROUP_MEMBERS: usize = 8;
/// How many messages are in a group, beside the one that tells of it.
pub const GROUP_MESSAGES: u64 = 20;
/// How many channels a community has: all but the last one are public.
pub const CHANNELS: u64 = 3;
/// How many messages are in a channel, beside the one that tells of it.
pub const CHANNEL_MESSAGES: u64 = 20;
/// When the first user signs up: 2025-01-01T00:00:00Z. Everything else happens within the days after it.
const BEGINNING: Timestamp = Timestamp::from_millis(1_735_689_600_000);

const FIRST_NAMES: [&str; 16] = [
    "Ada",
    "Alan",
    "Barbara",
    "Claude",
    "Donald",
    "Edsger",
    "Frances",
    "Grace",
    "Hedy",
    "John",
    "Katherine",
    "Leslie",
    "Margaret",
    "Niklaus",
    "Radia",
    "Tim",
];
const LAST_NAMES: [&str; 16] = [
    "Allen", "Dijkstra", "Hamilton", "Hopper", "Johnson", "Knuth", "Lamarr", "Lamport", "Liskov", "Lovelace",
    "McCarthy", "Perlman", "Shannon", "Turing", "Wirth", "Wilson",
];
const WORDS: [&str; 32] = [
    "the", "a", "we", "you", "it", "is", "was", "can", "see", "meet", "at", "noon", "today", "tomorrow", "please",
    "thanks", "great", "sure", "maybe", "later", "idea", "lunch", "train", "coffee", "station", "report", "draft",
    "number", "works", "again", "here", "there",
];

/// How much of what.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many users, named `user1`, `user2` …
    pub users: u32,
    /// How many direct conversations, each of another pair of them.
    pub conversations: u32,
    /// How many messages in all, spread evenly over the conversations.
    pub messages: u64,
    /// How many groups, each of up to [`GROUP_MEMBERS`] users, with [`GROUP_MESSAGES`] messages.
    pub groups: u32,
    /// How many communities, each of all users, with [`CHANNELS`] channels of [`CHANNEL_MESSAGES`] messages.
    pub communities: u32,
    /// How many characters each message has: 1 to 8,000.
    pub message_chars: usize,
    /// What all ids, names and texts follow from.
    pub seed: u64,
}

/// Why nothing, or not everything, was made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The plan can't be followed.
    #[error("{0}")]
    Plan(String),
    /// A made-up value is none: the lists above are wrong.
    #[error("a made-up value is not valid")]
    Value(#[from] InvalidValue),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Plan {
    /// How many things are made in all: what a progress bar counts to.
    pub fn steps(&self) -> u64 {
        let groups = u64::from(self.groups) * (1 + GROUP_MESSAGES);
        let communities = u64::from(self.communities) * (1 + CHANNELS * (1 + CHANNEL_MESSAGES));
        u64::from(self.users) + u64::from(self.conversations) + self.messages + groups + communities
    }

    fn check(&self) -> Result<(), SeedError> {
        let users = u64::from(self.users);
        let pairs = users * users.saturating_sub(1) / 2;
        if u64::from(self.conversations) > pairs {
            let reason = format!("{users} users have at most {pairs} direct conversations");
            return Err(SeedError::Plan(reason));
        }
        if self.messages > 0 && self.conversations == 0 {
            return Err(SeedError::Plan("messages need at least one conversation".to_owned()));
        }
        if (self.groups > 0 || self.communities > 0) && users == 0 {
            return Err(SeedError::Plan("groups and communities need at least one user".to_owned()));
        }
        if !(1..=MessageText::MAX_CHARS).contains(&self.message_chars) {
            return Err(SeedError::Plan(format!("a message has 1 to {} characters", MessageText::MAX_CHARS)));
        }
        Ok(())
    }
}

/// Makes what the plan says. All users have this password. `done` is called after each thing that was made.
///
/// # Errors
/// A plan that can't be followed, users of these names that are there already (nothing is made then), and what the
/// store says.
pub async fn seed(stores: &Stores, plan: &Plan, password: &PasswordHash, done: &impl Fn()) -> Result<(), SeedError> {
    plan.check()?;
    if plan.users > 0 && stores.users.credentials(&Login::new("user1")).await?.is_some() {
        let reason = "there is a user1 already; `parlor clear --yes` deletes everything";
        return Err(SeedError::Plan(reason.to_owned()));
    }
    let users = users(plan, password)?;
    stream::iter(&users)
        .map(|user| async { stores.users.insert(user).await.map(|()| done()) })
        .buffer_unordered(CONCURRENCY)
        .try_collect::<()>()
        .await?;
    let opening = Semaphore::new(OPENING);
    stream::iter(pairs(plan.users).take(plan.conversations as usize).enumerate())
        .map(|(index, (opener, other))| {
            let members = [users[opener].user.id, users[other].user.id];
            conversation(stores, plan, &opening, (index as u64, members), done)
        })
        .buffer_unordered(CONCURRENCY)
        .try_collect::<()>()
        .await?;
    for index in 0..u64::from(plan.groups) {
        group(stores, plan, index, &users, done).await?;
    }
    for index in 0..u64::from(plan.communities) {
        community(stores, plan, index, &users, done).await?;
    }
    Ok(())
}

/// A clock that shows one time.
struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Every pair of so many users once, neighbours first.
fn pairs(users: u32) -> impl Iterator<Item = (usize, usize)> {
    let users = users as usize;
    (1..users).flat_map(move |distance| (0..users - distance).map(move |first| (first, first + distance)))
}

fn users(plan: &Plan, password: &PasswordHash) -> Result<Vec<NewUser>, InvalidValue> {
    let entropy = SeededEntropy::new(plan.seed);
    (1..=plan.users).map(|number| user(number, &entropy, password)).collect()
}

fn user(number: u32, entropy: &SeededEntropy, password: &PasswordHash) -> Result<NewUser, InvalidValue> {
    let created_at = BEGINNING + Duration::from_secs(u64::from(number));
    let name = format!("{} {}", choose(&FIRST_NAMES, entropy), choose(&LAST_NAMES, entropy));
    let id = UserId::generate(&At(created_at), entropy);
    let email = Email::parse(&format!("user{number}@example.com"))?;
    let user = User::new(id, Username::parse(&format!("user{number}"))?, Some(email), created_at);
    let user = User { display_name: DisplayName::parse(&name)?, ..user };
    Ok(NewUser { user, password: password.clone() })
}

/// Opens a conversation and fills it. Its messages follow each other; other conversations go on meanwhile.
async fn conversation(
    stores: &Stores,
    plan: &Plan,
    opening: &Semaphore,
    (index, members): (u64, [UserId; 2]),
    done: &impl Fn(),
) -> Result<(), SeedError> {
    // A source of its own, so that what it makes does not depend on how the conversations take turns.
    let entropy = SeededEntropy::new(plan.seed ^ ((index + 1) << 32));
    let now = BEGINNING + Duration::from_secs(86_400 + index);
    let id = ConversationId::generate(&At(now), &entropy);
    let new = NewDirect { id, opener: members[0], other: members[1], now };
    let opened = {
        let _turn = opening.acquire().await;
        befriend(stores, plan, index, members, now).await?;
        stores.conversations.open_direct(&new).await?
    };
    done();
    let conversations = u64::from(plan.conversations);
    let messages = plan.messages / conversations + u64::from(index < plan.messages % conversations);
    write(stores, plan, (opened.id, now, messages), &members, &entropy, done).await
}

/// Makes a group of neighbours and fills it.
async fn group(stores: &Stores, plan: &Plan, index: u64, users: &[NewUser], done: &impl Fn()) -> Result<(), SeedError> {
    // Behind the sources of the direct conversations.
    let entropy = SeededEntropy::new(plan.seed ^ ((index + 1) << 32) ^ (1 << 63));
    let now = BEGINNING + Duration::from_secs(2 * 86_400 + index);
    let first = usize::try_from(index).unwrap_or(0) % users.len();
    let all = users.iter().cycle().skip(first).take(GROUP_MEMBERS.min(users.len()));
    let all: Vec<UserId> = all.map(|user| user.user.id).collect();
    let Some((creator, others)) = all.split_first() else { return Ok(()) };
    let id = ConversationId::generate(&At(now), &entropy);
    let new = NewGroup {
        id,
        creator: *creator,
        name: ConversationName::parse(&format!("Group {}", index + 1))?,
        description: Description::parse("Made-up people talk about made-up things.")?,
        members: others.to_vec(),
        message: MessageId::unnamed(id, &entropy),
        now,
    };
    if let refused @ GroupOutcome::Refused(_) = stores.groups.create(&new).await? {
        return Err(SeedError::Plan(format!("a group was not made: {refused:?}")));
    }
    done();
    write(stores, plan, (new.id, now, GROUP_MESSAGES), &all, &entropy, done).await?;
    change_some(stores, id, &all).await
}

/// Makes a community of all users and fills its channels.
async fn community(
    stores: &Stores,
    plan: &Plan,
    index: u64,
    users: &[NewUser],
    done: &impl Fn(),
) -> Result<(), SeedError> {
    // Behind the sources of the groups.
    let entropy = SeededEntropy::new(plan.seed ^ ((index + 1) << 32) ^ (3 << 62));
    let now = BEGINNING + Duration::from_secs(3 * 86_400 + index);
    let all: Vec<UserId> = users.iter().map(|user| user.user.id).collect();
    let first = usize::try_from(index).unwrap_or(0) % users.len();
    let id = ConversationId::generate(&At(now), &entropy);
    let new = NewCommunity {
        id,
        creator: all[first],
        name: ConversationName::parse(&format!("Community {}", index + 1))?,
        description: Description::parse("Made-up people meet here.")?,
        traits: CommunityTraits { category: Some(Category::parse("Made up")?), access: Access::Public },
        at_most: u32::MAX,
        message: MessageId::unnamed(id, &entropy),
        now,
    };
    made(stores.communities.create(&new).await?)?;
    let add = GroupAction::Add {
        users: all.iter().copied().filter(|user| *user != new.creator).collect(),
        at_most: u32::MAX,
    };
    let messages = [(); 4].map(|()| MessageId::unnamed(id, &entropy));
    let action = CommunityAction::Group(add);
    let change = CommunityChange { community: id, actor: new.creator, action, communities: u32::MAX, messages, now };
    made(stores.communities.change(&change).await?)?;
    done();
    for position in 0..CHANNELS {
        let now = now + Duration::from_secs(3600 * (position + 1));
        let channel = ConversationId::generate(&At(now), &entropy);
        let access = if position + 1 == CHANNELS { Access::Private } else { Access::Public };
        let position = u32::try_from(position).unwrap_or_default();
        let new = NewChannel {
            id: channel,
            creator: new.creator,
            name: ConversationName::parse(["general", "random", "council"][position as usize % 3])?,
            description: None,
            traits: ChannelTraits { community: id, position, access },
            at_most: u32::MAX,
            message: MessageId::unnamed(channel, &entropy),
            now,
        };
        made(stores.communities.create_channel(&new).await?)?;
        done();
        let members = if access == Access::Public { &*all } else { std::slice::from_ref(&new.creator) };
        write(stores, plan, (channel, now, CHANNEL_MESSAGES), members, &entropy, done).await?;
    }
    Ok(())
}

fn made(outcome: CommunityOutcome) -> Result<(), SeedError> {
    match outcome {
        CommunityOutcome::Changed(_) => Ok(()),
        refused @ CommunityOutcome::Refused(_) => {
            Err(SeedError::Plan(format!("a community was not made: {refused:?}")))
        }
    }
}

/// Lets some messages of a group be liked, pinned and edited; its owner is the first of its members.
async fn change_some(stores: &Stores, id: ConversationId, members: &[UserId]) -> Result<(), SeedError> {
    let first = stores.messages.page(id, Window::After(Seq::ZERO.next()), 3).await?;
    for (n, message) in first.into_iter().enumerate() {
        let likes = members.iter().take(n + 1).map(|user| Ok((*user, MessageAction::React(Emoji::parse("👍")?))));
        let likes = likes.collect::<Result<Vec<_>, InvalidValue>>()?;
        let pin = members.first().filter(|_| n == 0).map(|owner| (*owner, MessageAction::Pin));
        let text = MessageText::parse(&message.text().chars().rev().collect::<String>())?;
        let edit = (n == 1).then_some((message.sender_id, MessageAction::Edit { text, metadata: None }));
        for (by, action) in likes.into_iter().chain(pin).chain(edit) {
            let now = message.created_at + Duration::from_secs(60);
            let change =
                MessageChange { conversation: id, message: message.id, by, action, mentions: Mentions::default(), now };
            if let refused @ ChangeOutcome::Refused(_) = stores.messages.change(&change).await? {
                return Err(SeedError::Plan(format!("a message was not changed: {refused:?}")));
            }
        }
    }
    Ok(())
}

/// Writes so many messages into a conversation from a time on.
async fn write(
    stores: &Stores,
    plan: &Plan,
    (conversation, since, messages): (ConversationId, Timestamp, u64),
    members: &[UserId],
    entropy: &SeededEntropy,
    done: &impl Fn(),
) -> Result<(), SeedError> {
    let mut now = since;
    for _ in 0..messages {
        now = now + Duration::from_secs(1);
        let sender = choose(members, entropy);
        let message = NewMessage {
            id: MessageId::for_send(conversation, sender, None, entropy),
            conversation_id: conversation,
            sender_id: sender,
            text: MessageText::parse(&text(plan.message_chars, entropy))?,
            metadata: Metadata::default(),
            client_message_id: None,
            reply_to: None,
            forward: None,
            mentions: Mentions::default(),
            created_at: now,
        };
        match stores.messages.append(&message).await? {
            AppendOutcome::Appended { .. } => done(),
            refused @ (AppendOutcome::Repeated(_)
            | AppendOutcome::ClientIdReused
            | AppendOutcome::NotAMember
            | AppendOutcome::RecipientDeleted) => {
                return Err(SeedError::Plan(format!("a message was not taken: {refused:?}")));
            }
        }
    }
    Ok(())
}

/// Makes friends of those of every other conversation; in half of the rest the one has yet to answer.
async fn befriend(
    stores: &Stores,
    plan: &Plan,
    index: u64,
    [from, to]: [UserId; 2],
    now: Timestamp,
) -> Result<(), SeedError> {
    if index % 4 == 3 {
        return Ok(());
    }
    // A source of its own, as for each conversation.
    let entropy = SeededEntropy::new(!plan.seed ^ ((index + 1) << 32));
    let id = FriendRequestId::generate(&At(now), &entropy);
    let text = Some(RequestText::parse(&text(40, &entropy))?);
    let (cooldown, friends) = (Duration::ZERO, u32::MAX);
    stores.relations.request(&NewFriendRequest { id, from, to, text, now, cooldown, friends }).await?;
    if index % 4 != 1 {
        let accept = RequestAnswer { id, by: to, answer: Answer::Accept, now, friends };
        stores.relations.answer(&accept).await?;
    }
    Ok(())
}

fn choose<T: Copy>(list: &[T], entropy: &SeededEntropy) -> T {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    list[u32::from_be_bytes(bytes) as usize % list.len()]
}

/// Words, of exactly that many characters in all.
fn text(chars: usize, entropy: &SeededEntropy) -> String {
    let mut text = String::with_capacity(chars + 16);
    while text.len() <= chars {
        text.push_str(choose(&WORDS, entropy));
        text.push(' ');
    }
    text.truncate(chars);
    // The words are ASCII, so a byte is a character; the last one must not be a space that looks cut off.
    if text.ends_with(' ') {
        text.pop();
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_comes_once() {
        let all: std::collections::HashSet<_> = pairs(5).collect();
        assert_eq!((all.len(), pairs(5).count()), (10, 10));
        assert!(all.iter().all(|(a, b)| a < b && *b < 5));
        assert_eq!((pairs(0).count(), pairs(1).count()), (0, 0));
    }

    #[test]
    fn a_text_has_the_asked_number_of_characters() {
        let entropy = SeededEntropy::new(1);
        for chars in [1, 2, 80, 8000] {
            assert_eq!(text(chars, &entropy).chars().count(), chars);
            assert!(MessageText::parse(&text(chars, &entropy)).is_ok());
        }
    }

    #[test]
    fn a_plan_that_cannot_be_followed_is_refused() {
        let plan =
            Plan { users: 3, conversations: 3, messages: 9, groups: 1, communities: 1, message_chars: 10, seed: 1 };
        assert!(plan.check().is_ok());
        assert!(Plan { conversations: 4, ..plan }.check().is_err());
        assert!(Plan { conversations: 0, ..plan }.check().is_err());
        assert!(Plan { message_chars: 8001, ..plan }.check().is_err());
        assert!(Plan { users: 0, conversations: 0, messages: 0, groups: 0, ..plan }.check().is_err());
    }
}
