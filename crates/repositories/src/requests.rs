//! What becomes of friend requests: the same on every store.

use parlor_domain::{
    FriendRequest, RequestState, TieKind, Timestamp, UserId,
    store::{Answer, Between, NewFriendRequest, RequestOutcome},
};

/// What a store has to do.
pub(crate) enum Step {
    /// Nothing.
    Done(RequestOutcome),
    /// Keep the request like this.
    Keep(Kept),
}

/// A request to keep, and what goes with it.
pub(crate) struct Kept {
    pub(crate) request: FriendRequest,
    /// Whose streams record it.
    pub(crate) told: Vec<UserId>,
    /// Whether the two become friends.
    pub(crate) befriends: bool,
    /// Whether to the one who asked it is a new request.
    pub(crate) new: bool,
}

impl Kept {
    fn step(request: FriendRequest, told: &[UserId]) -> Step {
        Step::Keep(Self { request, told: told.to_vec(), befriends: false, new: false })
    }

    fn made(request: FriendRequest, told: &[UserId]) -> Step {
        Step::Keep(Self { request, told: told.to_vec(), befriends: false, new: true })
    }

    fn friends(request: FriendRequest, now: Timestamp) -> Step {
        let (from, to) = (request.from, request.to);
        let request = FriendRequest { state: RequestState::Accepted, updated_at: now, rejected_at: None, ..request };
        Step::Keep(Self { request, told: vec![from, to], befriends: true, new: false })
    }
}

/// What a wish to become friends does, between two of whom the first asks.
pub(crate) fn ask(between: Between, new: &NewFriendRequest) -> Step {
    if between.tie == Some(TieKind::Block) {
        return Step::Done(RequestOutcome::Blocking);
    }
    if between.back == Some(TieKind::Block) {
        return Step::Done(RequestOutcome::Unknown);
    }
    if between.tie == Some(TieKind::Friend) {
        return Step::Done(RequestOutcome::Friends);
    }
    if let Some(received) = between.received.filter(|request| request.state.is_open()) {
        return Kept::friends(received, new.now);
    }
    let NewFriendRequest { id, from, to, text, now, cooldown } = new.clone();
    let refused = |request: &FriendRequest| request.rejected_at.filter(|at| now < *at + cooldown);
    let anew = |id, state, rejected_at| FriendRequest {
        id,
        from,
        to,
        text,
        state,
        created_at: now,
        updated_at: now,
        rejected_at,
    };
    match between.sent {
        None => Kept::made(anew(id, RequestState::Pending, None), &[from, to]),
        Some(sent) => match (sent.state, refused(&sent)) {
            (RequestState::Pending, _) | (RequestState::Rejected, Some(_)) => {
                Step::Done(RequestOutcome::Unchanged(sent))
            }
            (RequestState::Rejected, None) => {
                let updated_at = sent.created_at;
                let waits = FriendRequest { state: RequestState::Pending, updated_at, rejected_at: None, ..sent };
                Kept::step(waits, &[to])
            }
            (RequestState::Cancelled, Some(at)) => Kept::made(anew(sent.id, RequestState::Rejected, Some(at)), &[from]),
            (RequestState::Cancelled, None) | (RequestState::Accepted, _) => {
                Kept::made(anew(sent.id, RequestState::Pending, None), &[from, to])
            }
        },
    }
}

/// What an answer does to a request.
pub(crate) fn answer(request: FriendRequest, by: UserId, answer: Answer, now: Timestamp) -> Step {
    let (from, to) = (request.from, request.to);
    let answers = match answer {
        Answer::Accept | Answer::Reject => to,
        Answer::Cancel => from,
    };
    if by != answers {
        return Step::Done(RequestOutcome::Unknown);
    }
    let at = |state, rejected_at| FriendRequest { state, updated_at: now, rejected_at, ..request.clone() };
    match (answer, request.clone().as_seen_by(by).state) {
        (Answer::Accept, RequestState::Pending) => Kept::friends(request, now),
        (Answer::Reject, RequestState::Pending) => Kept::step(at(RequestState::Rejected, Some(now)), &[to]),
        (Answer::Cancel, RequestState::Pending) => {
            let told: &[UserId] = if request.rejected_at.is_some() { &[from] } else { &[from, to] };
            Kept::step(at(RequestState::Cancelled, request.rejected_at), told)
        }
        (Answer::Accept, RequestState::Accepted)
        | (Answer::Reject, RequestState::Rejected)
        | (Answer::Cancel, RequestState::Cancelled) => Step::Done(RequestOutcome::Unchanged(request)),
        (Answer::Accept | Answer::Reject | Answer::Cancel, _) => Step::Done(RequestOutcome::NotPending),
    }
}
