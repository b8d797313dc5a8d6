//! Many sockets that listen.

use std::{cell::RefCell, rc::Rc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    live::{End, Socket},
    marks::{Book, Reader},
    people::{Person, Target},
};

/// How many sockets are opened at a time.
const OPENING: usize = 64;

/// Sockets that listen, until this is dropped.
pub(crate) struct Crowd {
    shared: Rc<Shared>,
    listening: Rc<RefCell<JoinSet<()>>>,
}

struct Shared {
    target: Rc<Target>,
    book: Rc<Book>,
    reader: Reader,
    /// Why sockets have ended.
    ended: RefCell<Vec<String>>,
}

impl Crowd {
    /// Nobody.
    pub(crate) fn new(target: &Rc<Target>, book: &Rc<Book>) -> Self {
        let (target, book) = (Rc::clone(target), Rc::clone(book));
        let shared = Shared { target, book, reader: Reader::new(), ended: RefCell::default() };
        Self { shared: Rc::new(shared), listening: Rc::default() }
    }

    /// Opens so many sockets of these people, in turn. Each sends `join` when it is ready, and listens from then on.
    pub(crate) async fn open(&self, people: &[Rc<Person>], count: usize, join: Option<String>) -> Result<()> {
        let (shared, listening) = (Rc::clone(&self.shared), Rc::clone(&self.listening));
        let take = move |number, socket| {
            listening.borrow_mut().spawn_local(listen(socket, number, Rc::clone(&shared)));
        };
        open_each(&self.shared.target, people, count, Opened { join, take: Rc::new(take) }).await
    }

    /// Adds a socket.
    pub(crate) fn listen(&self, socket: Socket) {
        let mut listening = self.listening.borrow_mut();
        let number = u32::try_from(listening.len()).unwrap_or(u32::MAX);
        listening.spawn_local(listen(socket, number, Rc::clone(&self.shared)));
    }

    /// Why sockets have ended that should not have.
    pub(crate) fn ended(&self) -> Vec<String> {
        self.shared.ended.borrow().clone()
    }
}

/// What becomes of a socket that is ready.
#[derive(Clone)]
pub(crate) struct Opened {
    /// What it sends.
    pub(crate) join: Option<String>,
    /// Who gets it then, with its number.
    pub(crate) take: Rc<dyn Fn(u32, Socket)>,
}

/// Opens so many sockets of these people, in turn.
pub(crate) async fn open_each(target: &Rc<Target>, people: &[Rc<Person>], count: usize, opened: Opened) -> Result<()> {
    ensure!(!people.is_empty(), "nobody to open sockets for");
    target.files.allow(u64::try_from(count)?)?;
    let mut opening = JoinSet::new();
    for first in 0..OPENING.min(count) {
        let numbers = (first..count).step_by(OPENING);
        let people: Vec<_> = numbers.map(|number| (number, Rc::clone(&people[number % people.len()]))).collect();
        opening.spawn_local(open_some(Rc::clone(target), people, opened.clone()));
    }
    while let Some(done) = opening.join_next().await {
        done??;
    }
    Ok(())
}

async fn open_some(target: Rc<Target>, people: Vec<(usize, Rc<Person>)>, opened: Opened) -> Result<()> {
    for (number, person) in people {
        let path = target.socket_path(&person)?;
        let mut socket = target.socket(&person, &path).await.context("cannot open a socket")?;
        if let Some(join) = &opened.join {
            socket.send(join).await?;
        }
        (opened.take)(u32::try_from(number)?, socket);
    }
    Ok(())
}

async fn listen(mut socket: Socket, number: u32, shared: Rc<Shared>) {
    loop {
        match socket.next().await {
            Ok(frame) => {
                note(&shared.book, &shared.reader, number, &frame);
            }
            Err(end) => {
                shared.ended.borrow_mut().push(end.to_string());
                return;
            }
        }
    }
}

/// Notes all messages of a frame in the book, and says how many there are.
pub(crate) fn note(book: &Book, reader: &Reader, listener: u32, frame: &str) -> usize {
    let now = Instant::now();
    reader.numbers(frame.as_bytes()).inspect(|mark| book.arrived(listener, *mark, now)).count()
}

/// Asks again and again, until it is so or this has taken too long; says whether it is.
pub(crate) async fn until(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + patience;
    while !is_so() {
        if Instant::now() > end {
            return false;
        }
        sleep(Duration::from_millis(5)).await;
    }
    true
}

/// What an opened socket may fail with, in the words of a request that fails.
pub(crate) fn failure(end: End) -> crate::http::Failure {
    match end {
        End::Connection(error) => error.into(),
        End::Timeout => crate::http::Failure::Timeout,
        End::Socket(_) | End::Closed(_) => crate::http::Failure::Answer(end.to_string()),
    }
}
