//! Marks in messages, by which they are found again wherever and however a server sends them, and the book of what was
//! sent and what arrived.

use std::{
    cell::{Cell, RefCell},
    fmt::Write as _,
    time::Duration,
};

use anyhow::Result;
use memchr::memmem::Finder;
use tokio::time::Instant;

use crate::stats::{Latencies, Window};

/// What stands before each number. No server makes it up by itself, and JSON leaves it as it is.
const MARK: &str = "~mark";
const DIGITS: usize = 8;

/// A text with this number's mark, filled up to a length.
pub(crate) fn text(number: u32, length: usize) -> String {
    let mut text = String::new();
    write_text(number, length, &mut text);
    text
}

/// The same into a buffer, in place of what is there.
pub(crate) fn write_text(number: u32, length: usize, into: &mut String) {
    into.clear();
    // Writing to a `String` can't fail.
    let _ = write!(into, "{MARK}{number:08x}");
    while into.len() < length {
        into.push_str(" and so on");
    }
    into.truncate(length.max(MARK.len() + DIGITS));
}

/// Finds the numbers of all marks.
#[derive(Debug)]
pub(crate) struct Reader(Finder<'static>);

impl Reader {
    /// Prepares the search.
    pub(crate) fn new() -> Self {
        Self(Finder::new(MARK))
    }

    /// The numbers in a frame or body, in order.
    pub(crate) fn numbers<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = u32> + 'a {
        let digits = |at: usize| str::from_utf8(bytes.get(at + MARK.len()..at + MARK.len() + DIGITS)?).ok();
        self.0.find_iter(bytes).filter_map(move |at| u32::from_str_radix(digits(at)?, 16).ok())
    }
}

/// What was sent, and what arrived where.
#[derive(Debug)]
pub(crate) struct Book {
    entries: RefCell<Vec<Entry>>,
    arrivals: RefCell<Arrivals>,
    /// `None` as long as nothing counts.
    window: Cell<Option<Window>>,
}

/// A message.
#[derive(Clone, Copy, Debug)]
struct Entry {
    intended: Instant,
    answered: bool,
    /// How many listeners have it.
    arrived: u32,
}

#[derive(Debug)]
struct Arrivals {
    /// By listener, a bit for each number.
    seen: Vec<Vec<u64>>,
    total: u64,
    within: u64,
    twice: u64,
    unknown: u64,
    latencies: Latencies,
}

impl Arrivals {
    /// Notes that a listener has a message, and says whether it had not before.
    fn is_first(&mut self, listener: u32, index: usize) -> bool {
        let listener = usize::try_from(listener).unwrap_or(usize::MAX);
        if self.seen.len() <= listener {
            self.seen.resize(listener + 1, Vec::new());
        }
        let (words, word, bit) = (&mut self.seen[listener], index / 64, 1 << (index % 64));
        if words.len() <= word {
            words.resize(word + 1, 0);
        }
        let first = words[word] & bit == 0;
        words[word] |= bit;
        first
    }
}

/// Whether what was sent has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    /// Messages whose sending was confirmed.
    pub(crate) answered: u64,
    /// Deliveries of whatever was sent.
    pub(crate) delivered: u64,
    /// Deliveries of confirmed messages that did not come.
    pub(crate) missing: u64,
    /// Deliveries that came again.
    pub(crate) twice: u64,
    /// Deliveries of what was never sent.
    pub(crate) unknown: u64,
}

impl Book {
    /// Nothing has been sent, and nothing counts as yet.
    pub(crate) fn new() -> Result<Self> {
        let arrivals =
            Arrivals { seen: Vec::new(), total: 0, within: 0, twice: 0, unknown: 0, latencies: Latencies::new()? };
        Ok(Self { entries: RefCell::default(), arrivals: RefCell::new(arrivals), window: Cell::new(None) })
    }

    /// Deliveries count of what should be sent within this window.
    pub(crate) fn set_window(&self, window: Window) {
        self.window.set(Some(window));
    }

    /// Takes the next number, for a message that should be sent at this moment.
    pub(crate) fn next(&self, intended: Instant) -> u32 {
        let mut entries = self.entries.borrow_mut();
        let number = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        entries.push(Entry { intended, answered: false, arrived: 0 });
        number
    }

    /// The server has confirmed a message.
    pub(crate) fn answered(&self, number: u32) {
        if let Some(entry) = self.entry(number) {
            self.entries.borrow_mut()[entry].answered = true;
        }
    }

    /// A listener has got a message.
    pub(crate) fn arrived(&self, listener: u32, number: u32, at: Instant) {
        let mut arrivals = self.arrivals.borrow_mut();
        let Some(index) = self.entry(number) else {
            arrivals.unknown += 1;
            return;
        };
        if !arrivals.is_first(listener, index) {
            arrivals.twice += 1;
            return;
        }
        let entry = &mut self.entries.borrow_mut()[index];
        entry.arrived += 1;
        arrivals.total += 1;
        if self.window.get().is_some_and(|window| window.contains(entry.intended)) {
            arrivals.within += 1;
            arrivals.latencies.record(at.checked_duration_since(entry.intended).unwrap_or(Duration::ZERO));
        }
    }

    /// Whether so many listeners have all of it.
    pub(crate) fn balance(&self, listeners: u32) -> Balance {
        let entries = self.entries.borrow();
        let confirmed = || entries.iter().filter(|entry| entry.answered);
        let missing = confirmed().map(|entry| u64::from(listeners.saturating_sub(entry.arrived))).sum();
        let arrivals = self.arrivals.borrow();
        Balance {
            answered: u64::try_from(confirmed().count()).unwrap_or(u64::MAX),
            delivered: arrivals.total,
            missing,
            twice: arrivals.twice,
            unknown: arrivals.unknown,
        }
    }

    /// How many deliveries there were of what should have been sent within the window.
    pub(crate) fn delivered_within(&self) -> u64 {
        self.arrivals.borrow().within
    }

    /// From when a message should have been sent until each listener had it.
    pub(crate) fn latencies(&self) -> crate::stats::Summary {
        self.arrivals.borrow().latencies.summary()
    }

    /// How many listeners have this message.
    pub(crate) fn listeners_of(&self, number: u32) -> u32 {
        self.entry(number).map_or(0, |index| self.entries.borrow()[index].arrived)
    }

    fn entry(&self, number: u32) -> Option<usize> {
        usize::try_from(number).ok().filter(|index| *index < self.entries.borrow().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Book {
        let book = Book::new().unwrap();
        book.set_window(Window::after(Duration::ZERO, Duration::from_secs(60)));
        book
    }

    #[test]
    fn a_text_has_its_length_and_its_mark_is_found_in_any_frame() {
        assert_eq!(text(7, 100).len(), 100);
        assert_eq!(text(7, 0), "~mark00000007");
        let frame = format!(r#"42["m",{{"text":"{}"}},{{"text":"{}"}}]"#, text(0xdead_beef, 40), text(1, 0));
        assert_eq!(Reader::new().numbers(frame.as_bytes()).collect::<Vec<_>>(), [0xdead_beef, 1]);
        assert_eq!(Reader::new().numbers("~mark ~mark0000 ~markzzzzzzzz ~mark000000ü~mark".as_bytes()).count(), 0);
    }

    #[test]
    fn the_book_balances_when_every_listener_has_everything_once() {
        let book = book();
        for _ in 0..3 {
            let number = book.next(Instant::now());
            book.answered(number);
            for listener in 0..2 {
                book.arrived(listener, number, Instant::now());
            }
        }
        assert_eq!(book.balance(2), Balance { answered: 3, delivered: 6, missing: 0, twice: 0, unknown: 0 });
        assert_eq!((book.latencies().count, book.delivered_within(), book.listeners_of(2)), (6, 6, 2));
    }

    #[test]
    fn what_is_lost_what_comes_twice_and_what_was_never_sent_is_found() {
        let book = book();
        let (lost, twice) = (book.next(Instant::now()), book.next(Instant::now()));
        book.answered(lost);
        book.answered(twice);
        book.arrived(0, twice, Instant::now());
        book.arrived(0, twice, Instant::now());
        book.arrived(0, 77, Instant::now());
        assert_eq!(book.balance(1), Balance { answered: 2, delivered: 1, missing: 1, twice: 1, unknown: 1 });
    }

    #[test]
    fn one_listener_too_many_does_not_make_up_for_one_too_few() {
        let book = book();
        for (number, listeners) in [(book.next(Instant::now()), 3), (book.next(Instant::now()), 1)] {
            book.answered(number);
            (0..listeners).for_each(|listener| book.arrived(listener, number, Instant::now()));
        }
        assert_eq!(book.balance(2).missing, 1);
    }

    #[test]
    fn what_was_sent_outside_the_window_is_balanced_and_not_counted() {
        let book = Book::new().unwrap();
        let before = book.next(Instant::now());
        book.set_window(Window::after(Duration::from_secs(5), Duration::from_secs(5)));
        book.answered(before);
        book.arrived(0, before, Instant::now());
        assert_eq!((book.balance(1).delivered, book.delivered_within()), (1, 0));
    }

    #[test]
    fn a_message_without_an_answer_may_arrive_or_not() {
        let book = book();
        let number = book.next(Instant::now());
        assert_eq!(book.balance(1).missing, 0);
        book.arrived(0, number, Instant::now());
        assert_eq!(book.balance(1), Balance { answered: 0, delivered: 1, missing: 0, twice: 0, unknown: 0 });
    }
}
