//! What a stock client gives back when it returns: `pid`, and the `offset` of the last event that it received.
//!
//! Together they say to which revision of each stream the client has come, with nothing kept on the server, so any
//! server on the same store can go on from there. The `pid` holds all streams as they were when the client connected
//! first; the `offset` holds those that have come further since. Neither is a secret or a proof: a client that forges
//! them gets its own user's streams from another revision.
//!
//! Both are Base64 of bytes; numbers are LEB128. `pid`: version, tag, user, revision of the own stream, and each
//! conversation in the order of ids with its revision. `offset`: tag, and for each stream its revision and before that
//! its number in the `pid` (0 is the own stream), or the number after the last one and the conversation's id. The tag
//! ties an offset to its `pid`: a client keeps an old offset until the first event after a new `pid`.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use parlor_domain::{ConnectionId, ConversationId, Rev, StreamId, UserId};

const VERSION: u8 = 1;

/// How many bytes of a connection's id tie offsets to their `pid`: enough that no client meets two alike.
const TAG: usize = 6;

/// The most characters of a `pid` and an `offset` together, so that a client can say them with what else it has to say
/// before it is known. Enough for about 2,500 conversations; whoever is in more is not recovered.
pub(super) const MAX_LENGTH: usize = 64 * 1024;

/// Where a client is in its streams, relative to where it began.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Positions {
    tag: [u8; TAG],
    user: UserId,
    own: Point,
    /// Those that the `pid` holds.
    listed: BTreeMap<ConversationId, Point>,
    /// Those that came later.
    later: BTreeMap<ConversationId, Point>,
    /// How many characters an offset may have.
    room: usize,
}

/// Where the client is in one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    /// Its number in the `pid`.
    number: usize,
    rev: Rev,
    /// Whether it differs from what the `pid` says.
    moved: bool,
}

impl Positions {
    /// Where a client begins that is connected now, and the `pid` for it, of at most so many characters together with
    /// any offset; `None` for one with too many conversations.
    pub(super) fn begin(
        connection: ConnectionId,
        user: UserId,
        streams: &[(StreamId, Rev)],
        max_length: usize,
    ) -> Option<(Self, String)> {
        let mut tag = [0; TAG];
        // The end of the id is random, its beginning is the time.
        tag.copy_from_slice(&connection.as_bytes()[12 - TAG..]);
        let mut positions = Self::empty(tag, user);
        for (stream, rev) in streams {
            match stream {
                StreamId::User(_) => positions.own.rev = *rev,
                StreamId::Conversation(id) => {
                    positions.listed.insert(*id, Point { number: 0, rev: *rev, moved: false });
                }
            }
        }
        for (index, point) in positions.listed.values_mut().enumerate() {
            point.number = index + 1;
        }
        let pid = positions.pid();
        positions.room = max_length.checked_sub(pid.len())?;
        Some((positions, pid))
    }

    fn empty(tag: [u8; TAG], user: UserId) -> Self {
        let own = Point { number: 0, rev: Rev::ZERO, moved: false };
        Self { tag, user, own, listed: BTreeMap::new(), later: BTreeMap::new(), room: 0 }
    }

    /// Reads what a client gave back. An offset that belongs to an earlier `pid` counts as none. `None` for what was
    /// not made for this user, or is longer than it may be.
    pub(super) fn parse(user: UserId, pid: &str, offset: Option<&str>, max_length: usize) -> Option<Self> {
        let room = max_length.checked_sub(pid.len())?;
        let mut positions = Self::parse_pid(pid).filter(|positions| positions.user == user)?;
        positions.room = room;
        match offset {
            Some(offset) => positions.apply(offset).map(|()| positions),
            None => Some(positions),
        }
    }

    fn parse_pid(pid: &str) -> Option<Self> {
        let bytes = BASE64.decode(pid).ok()?;
        let mut reader = Reader(&bytes);
        if reader.take()? != [VERSION] {
            return None;
        }
        let mut positions = Self::empty(reader.take()?, UserId::from_bytes(reader.take()?));
        positions.own.rev = reader.rev()?;
        let mut last = None;
        while !reader.is_at_end() {
            let id = ConversationId::from_bytes(reader.take()?);
            let number = positions.listed.len() + 1;
            if last.replace(id).is_some_and(|last| last >= id) {
                return None;
            }
            positions.listed.insert(id, Point { number, rev: reader.rev()?, moved: false });
        }
        Some(positions)
    }

    fn apply(&mut self, offset: &str) -> Option<()> {
        let bytes =
            Some(offset).filter(|offset| offset.len() <= self.room).and_then(|text| BASE64.decode(text).ok())?;
        let mut reader = Reader(&bytes);
        if reader.take()? != self.tag {
            return Some(());
        }
        let ids: Vec<ConversationId> = self.listed.keys().copied().collect();
        while !reader.is_at_end() {
            let stream = match usize::try_from(reader.number()?).ok()? {
                0 => StreamId::User(self.user),
                number if number <= ids.len() => StreamId::Conversation(ids[number - 1]),
                number if number == ids.len() + 1 => StreamId::Conversation(ConversationId::from_bytes(reader.take()?)),
                _ => return None,
            };
            self.set(stream, reader.rev()?);
        }
        Some(())
    }

    /// The name under which a client comes back that begins here.
    fn pid(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.tag);
        bytes.extend(self.user.as_bytes());
        write_number(&mut bytes, self.own.rev.get());
        for (id, point) in &self.listed {
            bytes.extend(id.as_bytes());
            write_number(&mut bytes, point.rev.get());
        }
        BASE64.encode(bytes)
    }

    /// What an event carries after which the client is here. It is empty, and the client is not recovered, once it
    /// would be too long.
    pub(super) fn offset(&self) -> String {
        let mut bytes = self.tag.to_vec();
        for point in [&self.own].into_iter().chain(self.listed.values()).filter(|point| point.moved) {
            write_number(&mut bytes, point.number as u64);
            write_number(&mut bytes, point.rev.get());
        }
        for (id, point) in &self.later {
            write_number(&mut bytes, point.number as u64);
            bytes.extend(id.as_bytes());
            write_number(&mut bytes, point.rev.get());
        }
        let offset = BASE64.encode(bytes);
        if offset.len() <= self.room { offset } else { String::new() }
    }

    /// Every stream with its revision.
    pub(super) fn streams(&self) -> Vec<(StreamId, Rev)> {
        let conversations = self.listed.iter().chain(&self.later);
        let conversations = conversations.map(|(id, point)| (StreamId::Conversation(*id), point.rev));
        [(StreamId::User(self.user), self.own.rev)].into_iter().chain(conversations).collect()
    }

    /// The client comes further in a stream. What is no change of it may repeat an earlier revision.
    pub(super) fn advance(&mut self, stream: StreamId, rev: Rev) {
        let before = match stream {
            StreamId::User(_) => Some(&self.own),
            StreamId::Conversation(id) => self.listed.get(&id).or_else(|| self.later.get(&id)),
        };
        if before.is_none_or(|point| point.rev < rev) {
            self.set(stream, rev);
        }
    }

    /// The client is at this revision of a stream.
    fn set(&mut self, stream: StreamId, rev: Rev) {
        let later = self.listed.len() + 1;
        let point = match stream {
            StreamId::User(_) => &mut self.own,
            StreamId::Conversation(id) => match self.listed.get_mut(&id) {
                Some(point) => point,
                None => self.later.entry(id).or_insert(Point { number: later, rev: Rev::ZERO, moved: true }),
            },
        };
        point.moved |= point.rev != rev;
        point.rev = rev;
    }

    /// The client is at these revisions.
    pub(super) fn set_all(&mut self, streams: &[(StreamId, Rev)]) {
        for (stream, rev) in streams {
            self.set(*stream, *rev);
        }
    }
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads bytes from the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..63).step_by(7) {
            let [byte] = self.take()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn rev(&mut self) -> Option<Rev> {
        self.number().map(Rev::new)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_map, prelude::*};

    use super::*;

    fn user(number: u8) -> UserId {
        UserId::from_bytes([number; 12])
    }

    fn conversation(number: u8) -> StreamId {
        StreamId::Conversation(ConversationId::from_bytes([number; 12]))
    }

    fn connection(number: u8) -> ConnectionId {
        ConnectionId::from_bytes([number; 12])
    }

    fn begin(connection_number: u8, streams: &[(StreamId, Rev)]) -> (Positions, String) {
        Positions::begin(connection(connection_number), user(1), streams, MAX_LENGTH).unwrap()
    }

    fn parse(pid: &str, offset: Option<&str>) -> Option<Positions> {
        Positions::parse(user(1), pid, offset, MAX_LENGTH)
    }

    fn rev(rev: u64) -> Rev {
        Rev::new(rev)
    }

    fn sorted(mut streams: Vec<(StreamId, Rev)>) -> Vec<String> {
        streams.sort_by_key(|(stream, _)| stream.to_string());
        streams.into_iter().map(|(stream, rev)| format!("{stream} {}", rev.get())).collect()
    }

    #[test]
    fn without_an_offset_a_client_is_where_it_began() {
        let streams = [(StreamId::User(user(1)), rev(7)), (conversation(9), rev(300)), (conversation(8), Rev::ZERO)];
        let (positions, pid) = begin(5, &streams);
        let back = parse(&pid, None).unwrap();
        assert_eq!(sorted(back.streams()), sorted(streams.to_vec()));
        assert_eq!(back, positions);
    }

    #[test]
    fn an_offset_tells_what_has_moved_and_what_is_new() {
        let (mut positions, pid) = begin(5, &[(StreamId::User(user(1)), rev(7)), (conversation(9), rev(300))]);
        let still = positions.offset();
        positions.set(conversation(9), rev(301));
        positions.set(conversation(4), rev(2));
        positions.set(StreamId::User(user(1)), rev(8));
        let back = parse(&pid, Some(&positions.offset())).unwrap();
        let expected = vec![(StreamId::User(user(1)), rev(8)), (conversation(9), rev(301)), (conversation(4), rev(2))];
        assert_eq!(sorted(back.streams()), sorted(expected));
        assert!(still.len() <= 8, "{still}: small for a client to which nothing has happened");
    }

    #[test]
    fn a_point_can_move_back() {
        let (mut positions, pid) = begin(5, &[(conversation(9), rev(300))]);
        positions.set(conversation(9), rev(310));
        positions.set(conversation(9), rev(300));
        let back = parse(&pid, Some(&positions.offset())).unwrap();
        assert_eq!(sorted(back.streams()), sorted(positions.streams()));
    }

    #[test]
    fn an_event_that_repeats_an_earlier_revision_moves_nothing_back() {
        let (mut positions, _) = begin(5, &[(conversation(9), rev(300))]);
        positions.advance(conversation(9), rev(310));
        positions.advance(conversation(4), rev(2));
        let before = positions.offset();
        positions.advance(conversation(9), rev(305));
        positions.advance(conversation(4), rev(1));
        assert_eq!(positions.offset(), before);
    }

    #[test]
    fn an_offset_of_an_earlier_pid_counts_as_none() {
        let (mut earlier, _) = begin(5, &[(conversation(9), rev(300))]);
        earlier.set(conversation(9), rev(301));
        let (now, pid) = begin(6, &[(conversation(7), rev(1)), (conversation(9), rev(305))]);
        assert_eq!(parse(&pid, Some(&earlier.offset())).unwrap(), now);
    }

    #[test]
    fn what_was_made_for_another_user_is_refused() {
        assert_eq!(Positions::parse(user(2), &begin(5, &[]).1, None, MAX_LENGTH), None);
    }

    #[test]
    fn whoever_is_in_too_many_conversations_is_not_recovered() {
        let many = |count: u32| {
            let id = |index: u32| {
                let mut bytes = [0; 12];
                bytes[..4].copy_from_slice(&index.to_be_bytes());
                (StreamId::Conversation(ConversationId::from_bytes(bytes)), rev(u64::from(index) * 40))
            };
            let streams: Vec<_> = (0..count).map(id).collect();
            Positions::begin(connection(5), user(1), &streams, MAX_LENGTH)
        };
        let (positions, pid) = many(2500).unwrap();
        assert_eq!(parse(&pid, None), Some(positions));
        assert_eq!(many(5000), None);
    }

    #[test]
    fn an_offset_that_would_be_too_long_is_empty_and_recovers_nobody() {
        let (mut positions, pid) = Positions::begin(connection(5), user(1), &[], 100).unwrap();
        positions.set(conversation(1), rev(1));
        assert!(Positions::parse(user(1), &pid, Some(&positions.offset()), 100).is_some());
        positions.set_all(&[2, 3, 4, 5].map(|number| (conversation(number), rev(1))));
        assert_eq!(positions.offset(), "");
        assert_eq!(Positions::parse(user(1), &pid, Some(""), 100), None);
    }

    #[test]
    fn malformed_pids_and_offsets_are_refused() {
        let (positions, pid) = begin(5, &[(conversation(3), rev(1)), (conversation(4), rev(1))]);
        let bytes = BASE64.decode(&pid).unwrap();
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = bytes.clone();
            change(&mut bytes);
            BASE64.encode(bytes)
        };
        for pid in [
            String::new(),
            "é".to_owned(),
            "A".repeat(MAX_LENGTH + 4),
            with(&|bytes| bytes[0] = 2),
            with(&|bytes| bytes.truncate(bytes.len() - 1)),
            with(&|bytes| bytes.push(0)),
            with(&|bytes| bytes[20] = 5),
        ] {
            assert_eq!(parse(&pid, None), None, "{pid}");
        }
        let offset = |rest: &[u8]| BASE64.encode([&positions.tag, rest].concat());
        for offset in
            [String::new(), offset(&[0]), offset(&[1, 0x80]), offset(&[4, 1]), offset(&[3, 1]), offset(&[0xff; 12])]
        {
            assert_eq!(parse(&pid, Some(&offset)), None, "{offset}");
        }
    }

    proptest! {
        #[test]
        fn any_way_through_the_streams_comes_back(
            begun in btree_map(0_u8..20, 0_u64..1 << 53, 0..20),
            own in 0_u64..1 << 53,
            moves in proptest::collection::vec((0_u8..30, 0_u64..1 << 53), 0..40),
        ) {
            let mut streams: Vec<_> = begun.iter().map(|(id, at)| (conversation(*id), rev(*at))).collect();
            streams.push((StreamId::User(user(1)), rev(own)));
            let (mut positions, pid) = begin(5, &streams);
            for (stream, at) in moves {
                let stream = if stream == 29 { StreamId::User(user(1)) } else { conversation(stream) };
                positions.set(stream, rev(at));
            }
            let back = parse(&pid, Some(&positions.offset())).unwrap();
            prop_assert_eq!(sorted(back.streams()), sorted(positions.streams()));
        }

        #[test]
        fn whatever_a_client_sends_nothing_breaks(pid in ".{0,80}", offset in "[A-Za-z0-9_-]{0,80}", tail: Vec<u8>) {
            let _ = parse(&pid, Some(&offset));
            let mut bytes = BASE64.decode(begin(5, &[(conversation(3), rev(1))]).1).unwrap();
            bytes.extend(tail);
            let _ = parse(&BASE64.encode(bytes), Some(&offset));
        }
    }
}
