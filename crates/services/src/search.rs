//! Searching in messages.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use futures_util::future::try_join_all;
use parlor_domain::{
    Content, ConversationId, Member, Message, MessageId, MessageView, Rev, SearchQuery, SnippetPart, Timestamp, UserId,
    sender_term,
    store::{Look, PAGE_BYTES, ResultKey, StoreResult},
};

use crate::{Caller, Deps, ServiceError, ServiceResult, views::message_view};

/// How many times the index is asked for one page at most, where many messages have the words and not what is looked for.
const LOOKS: usize = 40;
/// How many messages are read at a time.
const READ: usize = 50;

/// Searches in messages.
pub struct SearchService {
    deps: Arc<Deps>,
}

/// Which messages to look for.
#[derive(Clone, Debug)]
pub struct MessageSearch {
    /// The words that they have.
    pub query: Option<SearchQuery>,
    /// In which conversation; in all of the caller's, if it is not said.
    pub conversation: Option<ConversationId>,
    /// Who has sent them.
    pub sender: Option<UserId>,
    /// Only those that were sent then or later.
    pub from: Option<Timestamp>,
    /// Only those that were sent earlier.
    pub before: Option<Timestamp>,
    /// Where the page begins: behind this message of the page before.
    pub cursor: Option<ResultKey>,
    /// At most this many.
    pub limit: usize,
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundMessage {
    /// The message as it is now.
    pub view: MessageView,
    /// Its text around the first place that was looked for.
    pub snippet: Vec<SnippetPart>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct SearchPage {
    /// The messages, the newest first.
    pub items: Vec<FoundMessage>,
    /// Where to look on; absent if there are no more. There may be more also if the page has room left.
    pub next: Option<ResultKey>,
    /// Whether older messages are still being entered into the index, so that some may be missing.
    pub indexing: bool,
}

/// A message with the places of what was looked for.
type Hit = (Message, Vec<Range<usize>>);

impl SearchService {
    pub(crate) fn new(deps: Arc<Deps>) -> Self {
        Self { deps }
    }

    /// A page of the messages that the caller can read and that are as he says. Whoever has got the answer to a send
    /// or a change finds it so.
    ///
    /// # Errors
    /// `NotFound` if he is not in the conversation, `RateLimited`, `Store`.
    pub async fn messages(&self, caller: Caller, search: MessageSearch) -> ServiceResult<SearchPage> {
        self.deps.limits.search(caller.user)?;
        let heads = self.heads(caller.user, search.conversation).await?;
        let terms = terms(&search);
        if terms.is_empty() || heads.is_empty() {
            return Ok(SearchPage { items: Vec::new(), next: None, indexing: false });
        }
        let indexing = !self.deps.catch_up(&heads).await?;
        let within: Vec<ConversationId> = heads.into_iter().map(|(id, _)| id).collect();
        let (hits, next) = self.find(&search, &terms, &within).await?;
        Ok(SearchPage { items: self.views(caller.user, hits).await?, next, indexing })
    }

    /// The conversations to look in, each with its newest revision.
    async fn heads(&self, user: UserId, only: Option<ConversationId>) -> ServiceResult<Vec<(ConversationId, Rev)>> {
        let store = &self.deps.stores.conversations;
        let Some(id) = only else {
            return Ok(store.heads(user).await?.into_iter().map(|head| (head.conversation, head.rev)).collect());
        };
        let entry = store.find(id, user).await?.ok_or(ServiceError::NotFound("conversation"))?;
        Ok(vec![(id, entry.conversation.rev)])
    }

    /// Messages that are as wanted, until the page is full or enough work is done, and where to go on.
    async fn find(
        &self,
        search: &MessageSearch,
        terms: &[String],
        within: &[ConversationId],
    ) -> ServiceResult<(Vec<Hit>, Option<ResultKey>)> {
        let known: HashSet<ConversationId> = within.iter().copied().collect();
        let mut below = start(search);
        let (mut hits, mut bytes, mut looks) = (Vec::new(), 0, 0);
        loop {
            let (candidates, next) = self.look(search, (terms, within), below).await?;
            looks += within.len().div_ceil(Look::CONVERSATIONS);
            for keys in candidates.chunks(READ) {
                let mut found = self.read(keys).await?;
                for key in keys {
                    let message = found.remove(&key.1).filter(|message| known.contains(&message.conversation_id));
                    if hits.len() == search.limit || bytes > PAGE_BYTES {
                        return Ok((hits, below));
                    }
                    below = Some(*key);
                    if let Some(hit) = message.and_then(|message| hit(search, message)) {
                        bytes += hit.0.size();
                        hits.push(hit);
                    }
                }
            }
            below = next;
            if next.is_none() || hits.len() == search.limit || looks >= LOOKS {
                return Ok((hits, next));
            }
        }
    }

    /// The messages that have the terms, as far down as all conversations have been looked through, and where to go on.
    async fn look(
        &self,
        search: &MessageSearch,
        (terms, within): (&[String], &[ConversationId]),
        below: Option<ResultKey>,
    ) -> StoreResult<(Vec<ResultKey>, Option<ResultKey>)> {
        let looks = within.chunks(Look::CONVERSATIONS).map(|conversations| async {
            let (conversations, terms) = (conversations.to_vec(), terms.to_vec());
            let look = Look { conversations, terms, below, from: search.from, limit: search.limit + 1 };
            self.deps.stores.search.look(&look).await
        });
        let looked = try_join_all(looks).await?;
        let next = looked.iter().filter_map(|looked| looked.next).max();
        let found = looked.into_iter().flat_map(|looked| looked.found);
        let mut found: Vec<ResultKey> = found.filter(|key| next.is_none_or(|next| *key >= next)).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok((found, next))
    }

    async fn read(&self, keys: &[ResultKey]) -> StoreResult<HashMap<MessageId, Message>> {
        let ids: Vec<MessageId> = keys.iter().map(|(_, id)| *id).collect();
        let found = self.deps.stores.messages.find_many(&ids).await?;
        Ok(found.into_iter().map(|message| (message.id, message)).collect())
    }

    async fn views(&self, viewer: UserId, hits: Vec<Hit>) -> StoreResult<Vec<FoundMessage>> {
        let mut others: HashMap<ConversationId, Option<Member>> = HashMap::new();
        for (Message { conversation_id: id, .. }, _) in &hits {
            if !others.contains_key(id) {
                others.insert(*id, self.deps.other_of(viewer, *id).await?);
            }
        }
        let found = |(message, places): Hit| {
            let snippet = SnippetPart::around(message.text(), &places);
            let other = others.get(&message.conversation_id).and_then(Option::as_ref);
            FoundMessage { view: message_view(message, viewer, other), snippet }
        };
        let mut found: Vec<FoundMessage> = hits.into_iter().map(found).collect();
        self.deps.quote(found.iter_mut().map(|found| &mut found.view)).await?;
        Ok(found)
    }
}

/// The terms of all that is looked for; none if nothing can be found.
fn terms(search: &MessageSearch) -> Vec<String> {
    let mut terms = match &search.query {
        Some(query) if query.is_empty() => return Vec::new(),
        Some(query) => query.terms(),
        None => Vec::new(),
    };
    terms.extend(search.sender.map(sender_term));
    terms
}

/// Behind what the first result is.
fn start(search: &MessageSearch) -> Option<ResultKey> {
    let before = search.before.map(|time| (time, MessageId::from_bytes([0; 12])));
    match (search.cursor, before) {
        (Some(cursor), Some(before)) => Some(cursor.min(before)),
        (cursor, before) => cursor.or(before),
    }
}

/// The message, if it is as wanted in its present state.
fn hit(search: &MessageSearch, message: Message) -> Option<Hit> {
    let Content::Text(text) = &message.content else { return None };
    if search.sender.is_some_and(|sender| message.sender_id != sender) {
        return None;
    }
    let places = match &search.query {
        Some(query) => query.find_in(text.as_str())?,
        None => Vec::new(),
    };
    Some((message, places))
}
