//! What becomes of friend requests: the same on every store.

use parlor_domain::{
    FriendRequest, RequestState, TieKind, Timestamp, UserId,
    store::{Answer, Between, NewFriendRequest, RequestAnswer, RequestOutcome},
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

    fn friends(request: FriendRequest, now: Timestamp) -> Step {
        let (from, to) = (request.from, request.to);
        let request = FriendRequest { state: RequestState::Accepted, updated_at: now, rejected_at: None, ..request };
        Step::Keep(Self { request, told: vec![from, to], befriends: true, new: false })
    }
}

/// What a wish to become friends does, between two of whom the first asks. Who is blocked, was rejected or took his
/// request back within the cooldown, waits without the other one hearing of it.
pub(crate) fn ask(between: Between, new: &NewFriendRequest) -> Step {
    if between.tie == Some(TieKind::Block) {
        return Step::Done(RequestOutcome::Blocking);
    }
    if between.tie == Some(TieKind::Friend) {
        return Step::Done(RequestOutcome::Friends);
    }
    let blocked = between.back == Some(TieKind::Block);
    if let Some(received) = between.received.filter(|request| request.state.is_open() && !blocked) {
        return Kept::friends(received, new.now);
    }
    let Some(sent) = between.sent else {
        return anew(asked(new), blocked);
    };
    // When the other one last said no, or was told that he is not asked any more.
    let refused_at = match sent.state {
        RequestState::Rejected => Some(sent.rejected_at.unwrap_or(sent.created_at)),
        RequestState::Cancelled => Some(sent.rejected_at.unwrap_or(sent.updated_at)),
        RequestState::Pending | RequestState::Accepted => None,
    };
    let silent = blocked || refused_at.is_some_and(|at| new.now < at + new.cooldown);
    match sent.state {
        RequestState::Pending => Step::Done(RequestOutcome::Unchanged(sent)),
        RequestState::Rejected if silent => Step::Done(RequestOutcome::Unchanged(sent)),
        RequestState::Rejected => {
            let updated_at = sent.created_at;
            let waits = FriendRequest { state: RequestState::Pending, updated_at, rejected_at: None, ..sent };
            Kept::step(waits, &[new.to])
        }
        RequestState::Cancelled | RequestState::Accepted => {
            let rejected_at = sent.rejected_at.filter(|_| silent);
            anew(FriendRequest { id: sent.id, rejected_at, ..asked(new) }, silent)
        }
    }
}

/// The request as it is asked.
fn asked(new: &NewFriendRequest) -> FriendRequest {
    let NewFriendRequest { id, from, to, text, now, .. } = new.clone();
    let (state, rejected_at) = (RequestState::Pending, None);
    FriendRequest { id, from, to, text, state, created_at: now, updated_at: now, rejected_at }
}

/// A request that is new to the one who asks; in silence, to nobody else.
fn anew(request: FriendRequest, silent: bool) -> Step {
    let (from, to) = (request.from, request.to);
    let (state, told): (_, &[UserId]) =
        if silent { (RequestState::Rejected, &[from]) } else { (RequestState::Pending, &[from, to]) };
    Step::Keep(Kept { request: FriendRequest { state, ..request }, told: told.to_vec(), befriends: false, new: true })
}

/// What an answer does to a request of two who are friends or not.
pub(crate) fn answer(request: FriendRequest, friends: bool, answer: &RequestAnswer) -> Step {
    let RequestAnswer { by, answer, now, .. } = *answer;
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
            let told: &[UserId] = if request.state == RequestState::Pending { &[from, to] } else { &[from] };
            Kept::step(at(RequestState::Cancelled, request.rejected_at), told)
        }
        (Answer::Accept, RequestState::Accepted) if friends => Step::Done(RequestOutcome::Unchanged(request)),
        (Answer::Reject, RequestState::Rejected) | (Answer::Cancel, RequestState::Cancelled) => {
            Step::Done(RequestOutcome::Unchanged(request))
        }
        (Answer::Accept | Answer::Reject | Answer::Cancel, _) => Step::Done(RequestOutcome::NotPending),
    }
}

/// What the requests of two become, of whom the first blocks the second: his own is taken back, and the one to him is
/// rejected, so that the second sees it waiting as before.
pub(crate) fn blocked(between: Between, now: Timestamp) -> Vec<FriendRequest> {
    let own = between.sent.filter(|request| request.state.is_open());
    let others = between.received.filter(|request| request.state == RequestState::Pending);
    let cancelled = own.map(|own| FriendRequest { state: RequestState::Cancelled, updated_at: now, ..own });
    let rejected = others.map(|request| FriendRequest {
        state: RequestState::Rejected,
        updated_at: now,
        rejected_at: Some(now),
        ..request
    });
    cancelled.into_iter().chain(rejected).collect()
}
