//! A session over HTTP long-polling (specification: "HTTP long-polling").

use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use super::{EndReason, Phase, PollId, PostId, Session, Transport};
use crate::engine::payload;
use crate::engine::request::Refusal;

/// The poll that has no answer yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Poll {
    id: PollId,
    since: Duration,
    verdict: Option<Verdict>,
}

/// What a poll is answered with when it isn't answered with what is buffered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Noop,
    Close,
    Refused,
}

impl Poll {
    pub(super) fn new(id: PollId, since: Duration) -> Self {
        Self { id, since, verdict: None }
    }
}

impl Session {
    /// A poll has come in.
    ///
    /// # Errors
    /// The refusal to answer with. A second poll at once also ends the session ("Receiving data").
    pub fn poll_started(&mut self, now: Duration) -> Result<PollId, Refusal> {
        self.enter_polling(now)?;
        if self.poll.is_some() {
            self.end(EndReason::Overlap);
            return Err(Refusal::BadRequest);
        }
        let id = PollId(self.next_id());
        self.poll = Some(Poll::new(id, now));
        Ok(id)
    }

    /// The answer to a poll: a body of type `text/plain; charset=UTF-8`, or a refusal. `None` as long as the poll is
    /// to wait.
    pub fn poll_answer(&mut self, poll: PollId) -> Option<Result<ByteString, Refusal>> {
        let Some(waiting) = self.poll.filter(|waiting| waiting.id == poll) else {
            return Some(Err(Refusal::BadRequest));
        };
        let answer = match waiting.verdict {
            Some(Verdict::Refused) => Err(Refusal::BadRequest),
            Some(Verdict::Close) => Ok(ByteString::from_static("1")),
            Some(Verdict::Noop) => Ok(self.take_payload().unwrap_or(ByteString::from_static("6"))),
            None => Ok(self.take_payload()?),
        };
        self.poll = None;
        Some(answer)
    }

    /// What is buffered; then the close packet if the server closes the session, or a noop if the client does.
    ///
    /// The close packet has a payload of its own: stock clients read a whole payload before they handle its messages,
    /// and put aside for their next connection what came together with the end.
    fn take_payload(&mut self) -> Option<ByteString> {
        if !self.is_polling() {
            return None;
        }
        let body = self.outbox.take_payload(self.config.max_packets_out, self.config.max_payload);
        match self.phase {
            Phase::Closing { reason, .. } if body.is_none() => {
                self.poll = None;
                self.end(reason);
                Some(ByteString::from_static(if reason == EndReason::ClientClosed { "6" } else { "1" }))
            }
            Phase::Open | Phase::Closing { .. } | Phase::Ended(_) => body.map(ByteString::from),
        }
    }

    /// A poll was broken off before [`poll_answer`](Self::poll_answer) gave its answer. The client is gone, and the
    /// session ends. Harmless for a poll that has been answered.
    pub fn poll_aborted(&mut self, poll: PollId, now: Duration) {
        self.tick(now);
        // A poll that the upgrade has made superfluous is no loss.
        if self.poll.take_if(|waiting| waiting.id == poll).is_some() && self.is_polling() {
            self.end(EndReason::TransportClosed);
        }
    }

    /// A POST request has come in; its body is still to be read.
    ///
    /// # Errors
    /// The refusal to answer with. A second POST at once also ends the session ("Sending data").
    pub fn post_started(&mut self, now: Duration) -> Result<PostId, Refusal> {
        self.enter_polling(now)?;
        if self.post.is_some() {
            self.end(EndReason::Overlap);
            return Err(Refusal::BadRequest);
        }
        let id = PostId(self.next_id());
        self.post = Some(id);
        Ok(id)
    }

    /// The whole body of a POST request was read. The answer is 200 with the body `ok`.
    ///
    /// # Errors
    /// The refusal to answer with instead. A body that is no payload also ends the session, and none of it is taken.
    pub fn post_finished(&mut self, post: PostId, body: Bytes, now: Duration) -> Result<(), Refusal> {
        self.enter_polling(now)?;
        self.post.take_if(|open| *open == post).ok_or(Refusal::BadRequest)?;
        if body.len() > self.config.max_payload {
            return Err(Refusal::PayloadTooLarge);
        }
        let Ok(packets) = payload::decode(body, self.config.max_packets) else {
            self.end(EndReason::ParseError);
            return Err(Refusal::BadRequest);
        };
        for packet in packets {
            self.receive(packet, now);
        }
        match self.phase {
            Phase::Ended(EndReason::ParseError) => Err(Refusal::BadRequest),
            Phase::Open | Phase::Closing { .. } | Phase::Ended(_) => Ok(()),
        }
    }

    /// The body of a POST request was larger than [`Config::max_payload`](crate::engine::Config::max_payload) and not
    /// read to its end. The session goes on.
    pub fn post_too_large(&mut self, post: PostId) -> Refusal {
        self.post.take_if(|open| *open == post);
        Refusal::PayloadTooLarge
    }

    /// A POST request was broken off while its body was read. What was in it is lost, so the session ends.
    pub fn post_aborted(&mut self, post: PostId, now: Duration) {
        self.tick(now);
        if self.post.take_if(|open| *open == post).is_some() {
            self.end(EndReason::TransportClosed);
        }
    }

    fn enter_polling(&mut self, now: Duration) -> Result<(), Refusal> {
        self.enter(now)?;
        if self.is_polling() { Ok(()) } else { Err(Refusal::BadRequest) }
    }

    fn is_polling(&self) -> bool {
        matches!(self.transport, Transport::Polling)
    }

    /// When the upgrade is to end the hanging poll: by a noop while it is under way, by a refusal when it is done.
    pub(super) fn release_at(&self) -> Option<Duration> {
        let poll = self.poll.filter(|poll| poll.verdict.is_none())?;
        let since = match self.transport {
            Transport::Polling => poll.since.max(self.probe.as_ref()?.answered_at()?),
            Transport::WebSocket(_) => poll.since,
        };
        Some(since.saturating_add(self.config.noop_delay))
    }

    /// Lets the hanging poll come back without anything.
    pub(super) fn release_poll(&mut self) {
        self.decide_poll(Verdict::Noop);
    }

    /// Lets a poll come back without anything that has hung since before the client's probe: one that was sent later
    /// is another transport's.
    pub(super) fn release_poll_before(&mut self, probed: Option<Duration>) {
        if self.poll.zip(probed).is_some_and(|(poll, probed)| poll.since < probed) {
            self.release_poll();
        }
    }

    /// Tells the hanging poll that the session is over.
    pub(super) fn close_poll(&mut self) {
        self.decide_poll(Verdict::Close);
    }

    /// The session has left this transport: the hanging poll will be refused. Not at once, since a client may rely on
    /// the answer to its probe, which goes another way, being there before.
    pub(super) fn overtake_poll(&mut self, now: Duration) {
        if let Some(poll) = &mut self.poll {
            poll.since = now;
        }
    }

    fn decide_poll(&mut self, verdict: Verdict) {
        let verdict = if self.is_polling() { verdict } else { Verdict::Refused };
        if let Some(poll) = &mut self.poll {
            poll.verdict.get_or_insert(verdict);
        }
    }
}
