//! Real-time connections: who comes in, and where he goes on.

use std::{collections::HashMap, sync::Arc};

use parlor_domain::{
    ConnectionId, ConversationId, Rev, StreamId, Timestamp, UserId,
    store::{Head, Stores},
};
use parlor_realtime::{Attachment, Connection, Format, Identity, Outbox, Resumed};
use tokio::try_join;

use crate::{AuthFailure, Caller, Deps, ServiceError, ServiceResult, StreamSync, SyncService, Synced, sync::Readable};

/// How many changes of conversations a client may have missed and still be recovered. One that missed more is served
/// better by loading what it shows than by all that happened.
const RECOVERABLE_CHANGES: u64 = 10_000;

/// Takes connections in.
pub struct LiveService {
    deps: Arc<Deps>,
    sync: Arc<SyncService>,
    connections_per_user: usize,
}

/// How a connection stands when it is taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The connection.
    pub connection: ConnectionId,
    /// The revision of the user's own stream.
    pub rev: Rev,
    /// When the session ends as things stand.
    pub session_ends_at: Timestamp,
    /// The user's streams, each with its newest revision.
    heads: Vec<(StreamId, Rev)>,
    /// Those that the user has come into, each with the revision after which he is told of it.
    joined: HashMap<StreamId, Rev>,
    /// Those of which something is held back, each with the revision after which.
    held_back: Vec<(StreamId, Rev)>,
}

impl Ready {
    /// The revisions after which the connection gets everything: those that a client has come to which loads what it
    /// shows now.
    pub fn positions(&self) -> Vec<(StreamId, Rev)> {
        let held_back: HashMap<StreamId, Rev> = self.held_back.iter().copied().collect();
        self.heads.iter().map(|(stream, head)| (*stream, *held_back.get(stream).unwrap_or(head))).collect()
    }

    /// The revisions of the user's streams for a client that has received what is `known`, or `None` if it can't be
    /// brought on from there. Streams that it does not know are new to it.
    fn recoverable(&self, known: &[(StreamId, Rev)]) -> Option<Vec<(StreamId, Rev)>> {
        let known: HashMap<StreamId, Rev> = known.iter().copied().collect();
        let mut missed = 0;
        let mut positions = Vec::with_capacity(self.heads.len());
        for (stream, head) in &self.heads {
            let rev = known.get(stream).or_else(|| self.joined.get(stream)).copied().unwrap_or(Rev::ZERO);
            missed += head.get().checked_sub(rev.get())?;
            positions.push((*stream, rev));
        }
        (missed <= RECOVERABLE_CHANGES).then_some(positions)
    }
}

impl LiveService {
    pub(crate) fn new(deps: Arc<Deps>, sync: Arc<SyncService>, connections_per_user: usize) -> Self {
        Self { deps, sync, connections_per_user }
    }

    /// Takes a connection in. Nothing is pushed to it before [`Self::start`]; what happens meanwhile is pushed
    /// then.
    ///
    /// # Errors
    /// `TooManyConnections`, `Unauthenticated` if the session has ended, `Store`.
    pub async fn connect(
        &self,
        caller: Caller,
        format: &'static Format,
    ) -> ServiceResult<(Arc<Connection>, Outbox, Ready)> {
        let hub = &self.deps.hub;
        if hub.connections_of(caller.user) >= self.connections_per_user {
            return Err(ServiceError::TooManyConnections);
        }
        let connection = ConnectionId::generate(&*self.deps.clock, &*self.deps.entropy);
        let identity = Identity { connection, user: caller.user, session: caller.session };
        let (handle, outbox, registration) = hub.register(identity, format);
        // Read after the registration: whoever ends the session from now on finds the connection, and whoever
        // ended it before is found here.
        let ended = || ServiceError::Unauthenticated(AuthFailure::SessionEnded);
        let Stores { users, sessions, .. } = &self.deps.stores;
        let (session, user, heads) = try_join!(
            sessions.find(caller.session, self.deps.clock.now()),
            users.find(caller.user),
            self.sync.heads(caller.user)
        )?;
        let (session, user) = session.zip(user).ok_or_else(ended)?;
        let attachment = Attachment {
            heads: stream_heads(caller.user, user.rev, &heads),
            held: user.status.holds(self.deps.clock.now()),
            behind: heads.values().filter_map(held_back).collect(),
        };
        let unheard = hub.attach(&handle, registration, &attachment);
        if !unheard.is_empty() {
            let (rev, heads) = try_join!(users.rev(caller.user), self.sync.heads(caller.user))?;
            hub.reconcile(&stream_heads(caller.user, rev, &heads));
            self.leave_what_he_left(caller.user, &unheard, &heads).await?;
        }
        self.deps.activities.is_here(caller.user, self.deps.clock.now());
        let rev = user.rev;
        let joined = heads.values().map(|head| (StreamId::Conversation(head.conversation), head.joined_rev)).collect();
        let Attachment { heads, behind: held_back, .. } = attachment;
        let ready = Ready { connection, rev, session_ends_at: session.ends_at(), heads, joined, held_back };
        Ok((handle, outbox, ready))
    }

    /// Takes the user out of those of these conversations that he has left between the reading of his heads and the
    /// attachment.
    async fn leave_what_he_left(
        &self,
        user: UserId,
        streams: &[StreamId],
        heads: &HashMap<ConversationId, Head>,
    ) -> ServiceResult<()> {
        for stream in streams {
            let StreamId::Conversation(id) = stream else { continue };
            if heads.contains_key(id) {
                continue;
            }
            // In turn with those who add him again.
            let _turn = self.deps.turn_of(*id).await?;
            if self.deps.stores.conversations.member(*id, user).await?.is_none() {
                self.deps.hub.leave(user, *id);
            }
        }
        Ok(())
    }

    /// Takes a connection that has not been started back to what its client had received on an earlier one, so that
    /// everything after that is pushed to it first. Gives the revisions from which it goes on; `None`, and the
    /// connection is as it was, if the client claims more than there is, has missed too much, or comes back too
    /// often.
    pub fn recover(
        &self,
        connection: &Connection,
        ready: &Ready,
        known: &[(StreamId, Rev)],
    ) -> Option<Vec<(StreamId, Rev)>> {
        self.deps.limits.sync(connection.identity.user).ok()?;
        let positions = ready.recoverable(known)?;
        // Also where nothing was missed: what others have read meanwhile is no change, and comes with the log.
        self.deps.hub.rewind(connection, &positions);
        Some(positions)
    }

    /// Begins to push to a connection, or goes on with it after [`Self::resume`].
    pub fn start(&self, connection: &Arc<Connection>) {
        self.deps.hub.start(connection);
    }

    /// What the client has missed after the revisions that it knows, and where that takes it. While the user is busy,
    /// only what came before that. Nothing is pushed until the caller has sent this to the client and calls
    /// [`Self::start`]; what is pushed from then on comes right after it.
    ///
    /// # Errors
    /// `RateLimited`, `Store`; the connection is then as it was.
    pub async fn resume(
        &self,
        connection: &Arc<Connection>,
        positions: &[(StreamId, Rev)],
    ) -> ServiceResult<(Synced, Resumed)> {
        let user = connection.identity.user;
        self.deps.limits.sync(user)?;
        let paused = connection.is_paused();
        self.deps.hub.rewind(connection, &[]);
        let read = self.read(connection, positions).await;
        match read {
            Ok((synced, new)) => {
                let place = |part: &StreamSync| (part.stream, part.rev);
                let mut to: Vec<_> = synced.streams.iter().filter(|part| !part.more).map(place).collect();
                let cut = synced.streams.iter().filter(|part| part.more).map(place);
                let lost = synced.resync.iter().copied().filter(|(_, head)| *head > Rev::ZERO);
                let mut known: HashMap<StreamId, Rev> = new.into_iter().collect();
                let mut rest = known.clone();
                rest.extend(cut.chain(lost));
                for (stream, _) in &to {
                    rest.remove(stream);
                }
                self.deps.hub.bring_to(connection, &to);
                // Also where the stream has come no further: its receipts come when it has been read to its end.
                let rest: Vec<_> = rest.into_iter().collect();
                self.deps.hub.rewind(connection, &rest);
                to.extend(rest);
                known.extend(positions.iter().copied());
                let from = to.iter().map(|(stream, _)| (*stream, *known.get(stream).unwrap_or(&Rev::ZERO))).collect();
                Ok((synced, Resumed { from, to }))
            }
            Err(error) => {
                if !paused {
                    self.deps.hub.start(connection);
                }
                Err(error)
            }
        }
    }

    /// Notes a sign of life.
    pub fn heard_of(&self, connection: &Connection) {
        self.deps.hub.heard_of(connection);
    }

    /// What the client has missed, and the conversations that are new to it. Those of them that the answer has no
    /// room for, or that are held back, it gets from their beginning afterwards.
    async fn read(
        &self,
        connection: &Connection,
        positions: &[(StreamId, Rev)],
    ) -> ServiceResult<(Synced, Vec<(StreamId, Rev)>)> {
        let user = connection.identity.user;
        let listens = |(stream, _): &(StreamId, Rev)| self.deps.hub.listens(user, *stream);
        let mut synced = None;
        // Another server may have removed him.
        if !self.deps.shared_store && !connection.is_held() && positions.iter().all(listens) {
            let read = self.sync.read(user, positions, Readable::Everything).await?;
            // Unless he was removed from a conversation meanwhile.
            synced = positions.iter().all(listens).then_some(read);
        }
        let synced = if let Some(synced) = synced {
            synced
        } else {
            let (me, heads) = try_join!(self.deps.stores.users.find(user), self.sync.heads(user))?;
            let me = me.ok_or(ServiceError::NotFound("user"))?;
            let held = me.status.holds(self.deps.clock.now());
            self.sync.read(user, positions, Readable::In { heads: &heads, held }).await?
        };
        let mut new = match positions.iter().find(|(stream, _)| *stream == StreamId::User(user)) {
            Some((_, known)) => self.sync.new_conversations(user, *known).await?,
            None => Vec::new(),
        };
        new.retain(|(stream, _)| !positions.iter().any(|(named, _)| named == stream));
        Ok((synced, new))
    }
}

fn stream_heads(user: UserId, rev: Rev, heads: &HashMap<ConversationId, Head>) -> Vec<(StreamId, Rev)> {
    let conversations = heads.values().map(|head| (StreamId::Conversation(head.conversation), head.rev));
    conversations.chain([(StreamId::User(user), rev)]).collect()
}

/// Where a conversation stood when changes began to be held back, if any were.
fn held_back(head: &Head) -> Option<(StreamId, Rev)> {
    let from = head.held_from.filter(|from| *from < head.rev)?;
    Some((StreamId::Conversation(head.conversation), from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_has_missed_too_much_loads_what_it_shows_instead() {
        let stream = StreamId::Conversation(ConversationId::from_bytes([1; 12]));
        let recoverable = |head| {
            let ready = Ready {
                connection: ConnectionId::from_bytes([2; 12]),
                rev: Rev::ZERO,
                session_ends_at: Timestamp::from_millis(0),
                heads: vec![(stream, Rev::new(head))],
                joined: HashMap::new(),
                held_back: Vec::new(),
            };
            ready.recoverable(&[(stream, Rev::new(5))]).is_some()
        };
        assert!(recoverable(5 + RECOVERABLE_CHANGES));
        assert!(!recoverable(6 + RECOVERABLE_CHANGES));
    }
}
