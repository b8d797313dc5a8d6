//! One task that writes to all sockets of a thread.
//!
//! An event goes to many sockets at once. To go from one to the next and write costs much less than to have a task woken
//! for each of them, which wants to know what else there might be to do.

use std::{
    future::poll_fn,
    panic::AssertUnwindSafe,
    task::{Context, Poll, ready},
};

use actix_web::rt;
use futures_util::{FutureExt as _, StreamExt as _, future::CatchUnwind, stream::FuturesUnordered};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::conversation::Writing;

/// Writes to the sockets that it is given.
#[derive(Clone)]
pub(crate) struct Writers(UnboundedSender<Writing>);

/// All that is written to; what breaks one must not end the others.
type All<W> = FuturesUnordered<CatchUnwind<AssertUnwindSafe<W>>>;

impl Writers {
    /// Starts the task on this thread. It ends with the last socket when nobody can add one.
    pub(crate) fn start() -> Self {
        let (new, added) = unbounded_channel();
        rt::spawn(write(added));
        Self(new)
    }

    /// Writes to one more, until that is over.
    pub(super) fn add(&self, writing: Writing) {
        // Dropped, it says for itself that nobody writes.
        let _ = self.0.send(writing);
    }
}

/// Writes to all that are added, until there are none and nobody can add one.
async fn write<W: Future<Output = ()>>(mut added: UnboundedReceiver<W>) {
    let mut all = All::new();
    poll_fn(|context| {
        let complete = take(&mut added, &mut all, context).is_ready();
        loop {
            match all.poll_next_unpin(context) {
                // Over, or broken: the panic has told of itself.
                Poll::Ready(Some(Ok(()) | Err(_))) => {}
                Poll::Ready(None) if complete => return Poll::Ready(()),
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}

/// Takes what is added; ready when nobody can add more.
fn take<W: Future>(added: &mut UnboundedReceiver<W>, all: &mut All<W>, context: &mut Context<'_>) -> Poll<()> {
    while let Some(writing) = ready!(added.poll_recv(context)) {
        all.push(AssertUnwindSafe(writing).catch_unwind());
    }
    Poll::Ready(())
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures_util::future::join;
    use tokio::sync::mpsc;

    use super::*;

    #[actix_web::test]
    async fn what_breaks_while_it_is_written_to_ends_alone() {
        let (new, added) = unbounded_channel::<Pin<Box<dyn Future<Output = ()>>>>();
        let (go_on, mut goes_on) = mpsc::channel::<()>(1);
        let (done, mut is_done) = mpsc::channel::<()>(1);
        new.send(Box::pin(async move {
            goes_on.recv().await;
            done.send(()).await.unwrap();
        }))
        .unwrap();
        new.send(Box::pin(async { std::panic::resume_unwind(Box::new("a socket breaks")) })).unwrap();
        // The last that is added: when it is written to, the other has broken.
        new.send(Box::pin(async move { go_on.send(()).await.unwrap() })).unwrap();
        drop(new);
        let (done, ()) = join(is_done.recv(), write(added)).await;
        assert_eq!(done, Some(()), "the first one has been written to after that");
    }
}
