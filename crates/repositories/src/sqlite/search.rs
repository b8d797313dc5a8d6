//! The index of messages: a full-text table that is fed with terms which the domain makes, so that nothing here knows what a
//! word is.
//!
//! A message's place there is made of the time at which it was sent, so the newest come first by themselves. To look is
//! bounded: a few places tell how far back so many messages reach, and the terms are compared no further.

use std::collections::HashMap;

use async_trait::async_trait;
use parlor_domain::{
    ConversationId, MessageId, Rev, Timestamp,
    store::{IndexEntry, IndexProgress, Look, Looked, ResultKey, SearchStore, StoreResult},
};
use rusqlite::{Connection, params};

use super::{
    Database,
    rows::{self, all, all_while, first, get, run},
};

/// How many bits of a place tell the messages of a millisecond apart.
const SHARED_MILLISECOND: u32 = 21;
/// The greatest place.
const LAST: i64 = i64::MAX;
/// How many messages are compared at a time.
const COMPARED: usize = 20_000;

#[async_trait]
impl SearchStore for Database {
    async fn indexed(&self, conversations: &[ConversationId]) -> StoreResult<HashMap<ConversationId, Rev>> {
        const SQL: &str = "SELECT rev FROM search_positions WHERE conversation_id = ?1";
        let conversations = conversations.to_vec();
        self.readers
            .read(move |connection| {
                let position = |id: ConversationId| {
                    let rev = first(connection, SQL, [id.as_bytes()], |row| rows::rev(row, "rev"))?;
                    Ok(rev.map(|rev| (id, rev)))
                };
                conversations.into_iter().filter_map(|id| position(id).transpose()).collect()
            })
            .await
    }

    async fn progress(&self, after: Option<ConversationId>, limit: usize) -> StoreResult<Vec<IndexProgress>> {
        const SQL: &str = "SELECT conversations.id, conversations.rev, coalesce(search_positions.rev, 0) AS indexed \
             FROM conversations LEFT JOIN search_positions ON conversation_id = conversations.id \
             WHERE conversations.id > ?1 ORDER BY conversations.id LIMIT ?2";
        self.readers
            .read(move |connection| {
                let after = after.map_or(Vec::new(), |id| id.as_bytes().to_vec());
                all(connection, SQL, params![after, limit], |row| {
                    Ok(IndexProgress {
                        conversation: ConversationId::from_bytes(get(row, "id")?),
                        rev: rows::rev(row, "rev")?,
                        indexed: rows::rev(row, "indexed")?,
                    })
                })
            })
            .await
    }

    async fn enter(
        &self,
        conversation: ConversationId,
        entries: &[IndexEntry],
        indexed: Option<Rev>,
    ) -> StoreResult<()> {
        // Of a deleted message the deletion has left nothing here.
        let with_terms = entries.iter().filter(|entry| !entry.terms.is_empty());
        let entries: Vec<_> = with_terms.map(|entry| (entry.clone(), text(conversation, entry))).collect();
        self.writer
            .write(move |connection| {
                entries.iter().try_for_each(|(entry, terms)| enter(connection, conversation, entry, terms))?;
                indexed.map_or(Ok(()), |rev| advance(connection, conversation, rev))
            })
            .await
    }

    async fn look(&self, look: &Look) -> StoreResult<Looked> {
        let look = look.clone();
        self.readers.read(move |connection| self::look(connection, &look)).await
    }
}

/// What the full-text table gets of an entry.
fn text(conversation: ConversationId, entry: &IndexEntry) -> String {
    let mut text = conversation_term(conversation);
    for term in &entry.terms {
        text.push(' ');
        text.push_str(term);
    }
    text
}

/// The term of all messages of a conversation. No other term is like it.
fn conversation_term(conversation: ConversationId) -> String {
    format!("_c{conversation}")
}

/// The least place of a time.
fn place_of(time: Timestamp) -> i64 {
    // As much as there is room for: until the year 2109.
    time.as_millis().min((1 << 42) - 1) << SHARED_MILLISECOND
}

const fn time_of(place: i64) -> Timestamp {
    Timestamp::from_millis(place >> SHARED_MILLISECOND)
}

/// Enters a message, unless it is there or has changed since. What an edit or a deletion takes away, it takes out of here
/// itself, so what is there is up to date.
fn enter(connection: &Connection, conversation: ConversationId, entry: &IndexEntry, terms: &str) -> StoreResult<()> {
    const WANTED: &str = "SELECT 1 FROM messages WHERE id = ?1 AND rev = ?2 \
         AND NOT EXISTS (SELECT 1 FROM searches WHERE message_id = ?1)";
    const GREATEST: &str = "SELECT place FROM searches WHERE place BETWEEN ?1 AND ?2 ORDER BY place DESC LIMIT 1";
    const PLACE: &str = "INSERT INTO searches (place, message_id, conversation_id) VALUES (?1, ?2, ?3)";
    const TERMS: &str = "INSERT INTO search_terms (rowid, terms) VALUES (?1, ?2)";
    let id = entry.message.as_bytes();
    if first(connection, WANTED, params![id, entry.rev.get()], |_| Ok(()))?.is_none() {
        return Ok(());
    }
    let least = place_of(entry.created_at);
    let greatest = least | ((1 << SHARED_MILLISECOND) - 1);
    let taken: Option<i64> = first(connection, GREATEST, [least, greatest], |row| get(row, "place"))?;
    let place = taken.map_or(least, |taken| taken + 1);
    run(connection, PLACE, params![place, id, conversation.as_bytes()])?;
    run(connection, TERMS, params![place, terms]).map(|_| ())
}

fn advance(connection: &Connection, conversation: ConversationId, rev: Rev) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO search_positions (conversation_id, rev) \
         SELECT id, ?2 FROM conversations WHERE id = ?1 \
         ON CONFLICT (conversation_id) DO UPDATE SET rev = max(rev, excluded.rev)";
    run(connection, SQL, params![conversation.as_bytes(), rev.get()]).map(|_| ())
}

/// Takes a message out, which does not say any more what it is found by.
pub(crate) fn take_out(connection: &Connection, message: MessageId) -> StoreResult<()> {
    const SQL: &str = "DELETE FROM searches WHERE message_id = ?1";
    run(connection, SQL, [message.as_bytes()]).map(|_| ())
}

fn look(connection: &Connection, look: &Look) -> StoreResult<Looked> {
    const SQL: &str = "SELECT place, message_id FROM search_terms CROSS JOIN searches \
         WHERE place = search_terms.rowid AND search_terms MATCH ?1 AND search_terms.rowid BETWEEN ?2 AND ?3 ORDER BY search_terms.rowid DESC";
    if look.limit == 0 || look.terms.is_empty() || look.conversations.is_empty() {
        return Ok(Looked::default());
    }
    // The whole millisecond, as within it the order is that of ids.
    let greatest = look.below.map_or(LAST, |(time, _)| place_of(time) | ((1 << SHARED_MILLISECOND) - 1));
    let from = look.from.map_or(0, place_of);
    let end = end(connection, look, greatest)?;
    let least = end.map_or(from, |end| from.max(end));
    let mut results = Results { limit: look.limit, ..Results::default() };
    all_while(connection, SQL, params![expression(look), least, greatest], |row| {
        let key = (time_of(get(row, "place")?), MessageId::from_bytes(get(row, "message_id")?));
        let is_below = look.below.is_none_or(|below| key < below);
        Ok((!is_below || results.add(key)).then_some(()))
    })?;
    let (full, found) = results.in_order();
    let next = if full {
        found.last().copied()
    } else {
        // Whatever is of the time at the end has been looked at, or is newer.
        end.filter(|end| *end > from).map(|end| (time_of(end), MessageId::from_bytes([0; 12])))
    };
    Ok(Looked { found, next })
}

/// The place down to which about [`COMPARED`] messages of these conversations are, at the beginning of a millisecond;
/// none if there are fewer.
fn end(connection: &Connection, look: &Look, greatest: i64) -> StoreResult<Option<i64>> {
    const SQL: &str = "SELECT place FROM searches WHERE conversation_id = ?1 AND place <= ?2 \
         ORDER BY place DESC LIMIT 1 OFFSET ?3";
    let each = (COMPARED / look.conversations.len()).max(1);
    let mut end: Option<i64> = None;
    for conversation in &look.conversations {
        let place: Option<i64> =
            first(connection, SQL, params![conversation.as_bytes(), greatest, each], |row| get(row, "place"))?;
        end = end.max(place.map(|place| place_of(time_of(place))));
    }
    Ok(end)
}

/// The expression that finds messages which have all the terms and are in one of the conversations. Terms are letters,
/// digits, marks and `_`; whatever else somebody may put into one is left out, so that it stays one term.
fn expression(look: &Look) -> String {
    let plain = |c: &char| !c.is_ascii() || c.is_ascii_alphanumeric() || *c == '_';
    let quoted = |term: &str| format!("\"{}\"", term.chars().filter(plain).collect::<String>());
    let terms: Vec<String> = look.terms.iter().map(|term| quoted(term)).collect();
    let within: Vec<String> = look.conversations.iter().map(|id| quoted(&conversation_term(*id))).collect();
    format!("{} AND ({})", terms.join(" AND "), within.join(" OR "))
}

/// What is found, millisecond by millisecond.
#[derive(Default)]
struct Results {
    limit: usize,
    found: Vec<ResultKey>,
    /// Those of the same time, which may come in any order.
    same_time: Vec<ResultKey>,
}

impl Results {
    /// Adds one. `false` if there are enough without it.
    fn add(&mut self, key: ResultKey) -> bool {
        if self.same_time.first().is_some_and(|(time, _)| *time != key.0) {
            self.settle();
            if self.found.len() >= self.limit {
                return false;
            }
        }
        self.same_time.push(key);
        true
    }

    fn settle(&mut self) {
        self.same_time.sort_by(|a, b| b.cmp(a));
        self.found.append(&mut self.same_time);
    }

    /// Whether there are enough, and the first ones in their order.
    fn in_order(mut self) -> (bool, Vec<ResultKey>) {
        self.settle();
        let full = self.found.len() >= self.limit;
        self.found.truncate(self.limit);
        (full, self.found)
    }
}
