//! Searching in messages: what a message is found by, and whether a search finds it.
//!
//! An index of terms tells which messages may be meant; [`SearchQuery::find_in`] tells of the text of each whether it is.
//! Both stand here, so that every store finds the same. What users write is compared and never run: neither a query nor
//! a text can hold anything but words.

mod words;

use std::{collections::HashSet, ops::Range};

use self::words::{Token, tokens};
use crate::{InvalidValue, UserId, value::no_nul};

/// How many characters of a word's beginning stand in the index as a term of their own, to find the word by its beginning.
const BEGINNINGS: [usize; 2] = [3, 5];
/// By how many terms a text is found at most.
const MAX_TERMS: usize = 4096;
/// By how many terms a query looks at most; what more it asks for is seen in the texts.
const QUERY_TERMS: usize = 8;
/// How many places of a text are shown as found at most.
const MAX_PLACES: usize = 100;
/// How many characters of a text a snippet shows, and how many of them stand before the first place at most.
const SNIPPET: (usize, usize) = (200, 40);

/// The terms that a message of this sender with this text is found by, each once: its words, their beginnings, in scripts
/// without spaces each character and each two that are joined, and its sender. Only letters, digits, marks and `_`.
pub fn index_terms(sender: UserId, text: &str) -> Vec<String> {
    let mut terms = Terms::default();
    terms.add(sender_term(sender));
    let mut before: Option<Token> = None;
    for token in tokens(text) {
        if let Some(before) = before.filter(|_| token.joined) {
            terms.add(before.text + &token.text);
        }
        if !token.single {
            BEGINNINGS.iter().filter_map(|chars| beginning(&token.text, *chars)).for_each(|term| terms.add(term));
        }
        terms.add(token.text.clone());
        if terms.list.len() >= MAX_TERMS {
            break;
        }
        before = Some(token);
    }
    terms.list
}

/// The term that all messages of a sender are found by.
pub fn sender_term(sender: UserId) -> String {
    format!("_s{sender}")
}

/// The term of words that begin so; none if the word is shorter. No word begins with a `_`.
fn beginning(word: &str, chars: usize) -> Option<String> {
    let (last, c) = word.char_indices().nth(chars - 1)?;
    Some(format!("_{}", &word[..last + c.len_utf8()]))
}

/// Terms in the order in which they came, each once.
#[derive(Default)]
struct Terms {
    list: Vec<String>,
    known: HashSet<String>,
}

impl Terms {
    fn add(&mut self, term: String) {
        if self.known.insert(term.clone()) {
            self.list.push(term);
        }
    }
}

/// What somebody looks for: words that all have to be in a text.
///
/// The last word may go on in the text, if it has at least three characters. What stands in quotation marks has to be in
/// the text in this order, with no other word between.
#[derive(Clone, PartialEq, Eq)]
pub struct SearchQuery {
    parts: Vec<Vec<Wanted>>,
}

/// A word of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    text: String,
    /// Whether it is a character of a script without spaces.
    single: bool,
    /// Whether it has to follow the one before it directly.
    joined: bool,
    /// Whether it may go on.
    open: bool,
}

impl Wanted {
    fn is(&self, token: &Token) -> bool {
        let same = if self.open { token.text.starts_with(&self.text) } else { token.text == self.text };
        same && self.single == token.single && (token.joined || !self.joined)
    }
}

impl From<Token> for Wanted {
    fn from(Token { text, range: _, single, joined }: Token) -> Self {
        Self { text, single, joined, open: false }
    }
}

impl SearchQuery {
    /// The most characters (code points) of a query.
    pub const MAX_CHARS: usize = 200;
    /// The most words and phrases of a query.
    pub const MAX_PARTS: usize = 16;

    /// Reads a query. One without a letter or digit finds nothing.
    ///
    /// # Errors
    /// `too_long`, `too_many_words` or `nul_character`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        no_nul(text)?;
        if text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidValue::new("too_long", "must have at most 200 characters"));
        }
        let mut parts: Vec<Vec<Wanted>> = Vec::new();
        let pieces: Vec<&str> = text.split(['"', '“', '”', '„']).collect();
        for (place, piece) in pieces.iter().enumerate() {
            let words = tokens(piece).into_iter().map(Wanted::from);
            // A quotation mark without its second one opens nothing.
            if place % 2 == 1 && place + 1 < pieces.len() {
                parts.push(words.collect());
                continue;
            }
            let mut apart: Vec<Vec<Wanted>> = Vec::new();
            for word in words {
                match apart.last_mut().filter(|_| word.joined) {
                    Some(part) => part.push(word),
                    None => apart.push(vec![word]),
                }
            }
            parts.extend(apart);
            if place + 1 == pieces.len() {
                open_last(&mut parts, piece);
            }
        }
        parts.retain(|part| !part.is_empty());
        if parts.len() > Self::MAX_PARTS {
            return Err(InvalidValue::new("too_many_words", "must have at most 16 words and phrases"));
        }
        Ok(Self { parts })
    }

    /// Whether there is no word in it, so that it finds nothing.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Terms that the [terms](index_terms) of every text have that it finds, those first that tell most.
    pub fn terms(&self) -> Vec<String> {
        let mut terms = Terms::default();
        for part in &self.parts {
            for (place, word) in part.iter().enumerate() {
                let next_is_joined = part.get(place + 1).is_some_and(|next| next.joined);
                match part.get(place.wrapping_sub(1)).filter(|_| word.joined) {
                    Some(before) => terms.add(format!("{}{}", before.text, word.text)),
                    None if next_is_joined => {}
                    None if word.open => {
                        let term = BEGINNINGS.iter().rev().find_map(|chars| beginning(&word.text, *chars));
                        term.into_iter().for_each(|term| terms.add(term));
                    }
                    None => terms.add(word.text.clone()),
                }
            }
        }
        let mut terms = terms.list;
        terms.sort_by_key(|term| std::cmp::Reverse(term.len()));
        terms.truncate(QUERY_TERMS);
        terms
    }

    /// The places in a text where it finds what it looks for, in their order, none within another; `None` if anything of
    /// it is missing.
    pub fn find_in(&self, text: &str) -> Option<Vec<Range<usize>>> {
        let tokens = tokens(text);
        let mut places: Vec<Range<usize>> = Vec::new();
        for part in &self.parts {
            let here = tokens
                .windows(part.len())
                .filter(|tokens| part.iter().zip(*tokens).all(|(word, token)| word.is(token)));
            let before = places.len();
            places.extend(here.take(MAX_PLACES).map(span));
            if places.len() == before {
                return None;
            }
        }
        places.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
        places.dedup_by(|next, last| {
            let overlap = next.start < last.end;
            if overlap {
                last.end = last.end.max(next.end);
            }
            overlap
        });
        places.truncate(MAX_PLACES);
        Some(places)
    }
}

/// What people look for belongs in no log.
impl std::fmt::Debug for SearchQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SearchQuery({} parts)", self.parts.len())
    }
}

/// Lets the last word go on in the text, if it is one of this piece and not too short.
fn open_last(parts: &mut [Vec<Wanted>], piece: &str) {
    let is_word = |word: &&mut Wanted| !word.single && beginning(&word.text, BEGINNINGS[0]).is_some();
    if piece.chars().any(char::is_alphanumeric)
        && let Some(last) = parts.last_mut().and_then(|part| part.last_mut()).filter(is_word)
    {
        last.open = true;
    }
}

fn span(tokens: &[Token]) -> Range<usize> {
    let start = tokens.first().map_or(0, |first| first.range.start);
    start..tokens.last().map_or(start, |last| last.range.end)
}

/// A part of the beginning of what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnippetPart {
    /// The text, as it was sent.
    pub text: String,
    /// Whether it is what was looked for.
    pub found: bool,
}

impl SnippetPart {
    /// What stands around the first of these places of a text, in parts that make the text again.
    pub fn around(text: &str, places: &[Range<usize>]) -> Vec<Self> {
        let first = places.first().map_or(0, |place| place.start);
        let start = text[..first].char_indices().rev().take(SNIPPET.1).last().map_or(first, |(at, _)| at);
        let end = text[start..].char_indices().nth(SNIPPET.0).map_or(text.len(), |(at, _)| start + at);
        let mut parts = Vec::new();
        let mut at = start;
        let mut add = |range: Range<usize>, found| {
            if !range.is_empty() {
                parts.push(Self { text: text[range].to_owned(), found });
            }
        };
        for place in places.iter().filter(|place| place.start < end) {
            let found = place.start..place.end.min(end);
            add(at..found.start, false);
            at = found.end;
            add(found, true);
        }
        add(at..end, false);
        parts
    }
}

#[cfg(test)]
mod tests;
