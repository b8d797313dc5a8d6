//! Reading the log for what was not pushed: for one connection that is behind, and for a stream with a gap.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use parlor_domain::{
    Change, Event, Rev, StreamId,
    store::{StoreError, StoreResult},
};
use tokio::time::sleep;
use tracing::warn;

use crate::{CatchUp, ChangePage, Connection, Hub, connection::Step, stream::Stream};

/// How many changes are read at once.
const PAGE: usize = 100;

/// How long a missing change is waited for before the log is asked: those of concurrent writers arrive within it.
const PATIENCE: Duration = Duration::from_millis(20);

/// The pauses between attempts to read what the log does not give: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);

impl Hub {
    /// Reads the log for whatever the connection is behind on, if nobody does.
    pub(crate) fn catch_up(&self, connection: &Arc<Connection>) {
        if connection.begin_catching_up() {
            tokio::spawn(catch_up(self.weak(), Arc::clone(connection)));
        }
    }

    /// Reads the log until the stream has handed out everything that it is known to have.
    pub(crate) fn repair(&self, stream: &Arc<Stream>) {
        tokio::spawn(repair(self.weak(), Arc::clone(stream)));
    }

    /// Gives a connection the next that the log has of a stream.
    async fn catch_up_once(&self, connection: &Connection, id: StreamId) -> StoreResult<Step> {
        let Some(from) = connection.reads_from(id) else { return Ok(Step::Done) };
        if !self.listens(connection.identity.user, id) {
            connection.forget(id);
            return Ok(Step::Done);
        }
        let caught_up = self.log.changes(id, from, PAGE).await?;
        Ok(self.hand_over(connection, id, from, caught_up))
    }

    fn hand_over(&self, connection: &Connection, id: StreamId, from: Rev, caught_up: CatchUp) -> Step {
        let Some(stream) = self.stream(id) else { return Step::Done };
        // The stream's lock keeps new changes out until it is settled whether the connection is live on it.
        let mut state = stream.lock();
        let page = page_of(id, caught_up);
        if page.rev < from && from <= state.head {
            // The reader of the log lags behind its writer: it knows less than has been handed out.
            return Step::Stuck;
        }
        let repair = state.is_at(page.rev);
        let step = connection.hand_over(id, from, page, state.head);
        drop(state);
        if repair {
            self.repair(&stream);
        }
        step
    }
}

async fn catch_up(hub: Weak<Hub>, connection: Arc<Connection>) {
    let mut backoff = Backoff::default();
    loop {
        let streams = connection.streams_behind();
        if streams.is_empty() || hub.strong_count() == 0 {
            return;
        }
        // A stream that can't be read does not keep the others waiting.
        let mut stuck = false;
        for id in streams {
            match catch_up_on(&hub, &connection, id).await {
                Ok(step) => stuck |= step == Step::Stuck,
                Err(error) => {
                    backoff.failed(id, &error);
                    stuck = true;
                }
            }
        }
        if stuck {
            backoff.wait().await;
        } else {
            backoff = Backoff::default();
        }
    }
}

/// Gives a connection what the log has of a stream, page for page, as fast as the connection is read.
async fn catch_up_on(hub: &Weak<Hub>, connection: &Connection, id: StreamId) -> StoreResult<Step> {
    loop {
        connection.room().await;
        let Some(hub) = hub.upgrade() else { return Ok(Step::Done) };
        let step = hub.catch_up_once(connection, id).await?;
        if step != Step::On {
            return Ok(step);
        }
    }
}

async fn repair(hub: Weak<Hub>, stream: Arc<Stream>) {
    let mut backoff = Backoff::default();
    sleep(PATIENCE).await;
    loop {
        let Some(after) = stream.lock().missing_after() else { return };
        let Some(hub) = hub.upgrade() else { return };
        match hub.log.changes(stream.id, after, PAGE).await {
            Ok(caught_up) => {
                let page = page_of(stream.id, caught_up);
                stream.lock().hand_out_logged(page.changes, page.rev);
            }
            Err(error) => backoff.failed(stream.id, &error),
        }
        drop(hub);
        if stream.lock().head > after {
            backoff = Backoff::default();
        } else {
            backoff.wait().await;
        }
    }
}

/// What is lost is told as one change.
fn page_of(stream: StreamId, caught_up: CatchUp) -> ChangePage {
    match caught_up {
        CatchUp::Page(page) => page,
        CatchUp::Lost { head } => {
            let changes = vec![Change { stream, rev: head, event: Event::Resync }];
            ChangePage { changes, rev: head, more: false, receipts: Vec::new() }
        }
    }
}

/// The pauses of a reader whose log gives nothing.
struct Backoff {
    pause: Duration,
    warned: bool,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { pause: FIRST_PAUSE, warned: false }
    }
}

impl Backoff {
    /// Logs the first failure; the attempts after it would say the same.
    fn failed(&mut self, stream: StreamId, error: &StoreError) {
        if !self.warned {
            warn!(%stream, error = error as &dyn std::error::Error, "can't read the log; trying again");
        }
        self.warned = true;
    }

    async fn wait(&mut self) {
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LAST_PAUSE);
    }
}
