//! `resume`: clients that were gone come back all at once, and want what they missed.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Length,
    crowd::{Opened, note, open_each},
    others::Others,
};
use crate::{
    drive::watch,
    live::{End, Place, Socket},
    marks::{self, Book, Reader},
    people::{Person, Sender, Target},
    profile::Values,
    report::Report,
    stats::{Latencies, Window},
};

/// How long all may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Options of `resume`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ResumeArgs {
    /// How many clients come back.
    #[arg(long, default_value_t = 10_000)]
    clients: u32,
    /// Clients of each user.
    #[arg(long, default_value_t = 10)]
    per_user: u32,
    /// Messages that each has missed.
    #[arg(long, default_value_t = 10)]
    gap: u32,
    /// Sends a second of others, before and meanwhile.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Of the part before the clients come back; then it takes as long as it takes.
    #[command(flatten)]
    length: Length,
}

/// A client that comes back.
#[derive(Debug)]
struct Client {
    person: Rc<Person>,
    conversation: String,
    number: u32,
    place: Option<Place>,
}

struct Storm {
    target: Rc<Target>,
    book: Book,
    reader: Reader,
    gap: usize,
    began: Instant,
    /// Until then those who have caught up go on listening: nothing may come twice.
    end: Instant,
    caught_up: RefCell<Latencies>,
    failures: RefCell<BTreeMap<String, u64>>,
}

impl Storm {
    /// Until the last one who has caught up had done so.
    fn took(&self) -> Duration {
        Duration::from_secs_f64(self.caught_up.borrow().summary().max / 1000.0)
    }
}

/// Runs the scenario.
pub(crate) async fn run(target: &Rc<Target>, args: &ResumeArgs) -> Result<Report> {
    ensure!(args.per_user > 0 && args.gap > 0, "nobody, or nothing missed");
    ensure!(target.profile.live()?.resume.is_some(), "with {} nobody can come back", target.profile.name);
    target.files.allow(u64::from(args.clients) + 64)?;
    let mut report = Report::default();
    let (clients, book) = part_and_miss(target, args).await?;

    let others = Others::gather(target, args.rate).await?;
    let before = others.send(args.length.window()).await?;
    before.add_to(&mut report, "sends of others before");

    let others = Others::gather(target, args.rate).await?;
    let window = Window::after(Duration::ZERO, Duration::from_secs(args.length.seconds.into()));
    let storm = Rc::new(Storm {
        target: Rc::clone(target),
        book,
        reader: Reader::new(),
        gap: usize::try_from(args.gap)?,
        began: Instant::now(),
        end: window.end,
        caught_up: RefCell::new(Latencies::new()?),
        failures: RefCell::default(),
    });
    let (sends, usage, back) =
        tokio::join!(others.send(window), watch(&target.subjects, window), come_back(&storm, clients));
    let sends = sends?;
    back?;
    sends.add_to(&mut report, "sends of others meanwhile");
    report.usage("clients", args.clients.into(), usage?);
    tell(&storm, args, &mut report);
    // When all are back, there is nothing any more that could disturb others.
    let disturbed = sends.until(storm.began + storm.took())?;
    let undisturbed = before.tally.latencies.summary().p99;
    report.latencies.insert("sends of others until all have caught up".to_owned(), disturbed);
    if undisturbed > 0.0 {
        report.figure("p99 of others until all have caught up / before", disturbed.p99 / undisturbed);
    }
    Ok(report)
}

/// Clients open their sockets and leave; then messages are sent to them.
async fn part_and_miss(target: &Rc<Target>, args: &ResumeArgs) -> Result<(Vec<Client>, Book)> {
    let users = args.clients.div_ceil(args.per_user);
    let people = target.people(users * 2).await?;
    let mut senders = Vec::new();
    for pair in people.chunks_exact(2) {
        senders.push((Rc::clone(&pair[1]), Sender::to(target, &pair[0], &pair[1]).await?));
    }
    let listeners: Vec<_> = senders.iter().map(|(person, _)| Rc::clone(person)).collect();
    let count = usize::try_from(args.clients)?;
    let places = Rc::new(RefCell::new(BTreeMap::new()));
    let kept = Rc::clone(&places);
    // Who has been there leaves at once.
    let take = move |number: u32, socket: Socket| {
        kept.borrow_mut().insert(number, socket.place().cloned());
    };
    open_each(target, &listeners, count, Opened { join: None, take: Rc::new(take) }).await?;
    let mut clients = Vec::new();
    for (number, (person, sender)) in (0..args.clients).zip(senders.iter().cycle()) {
        let place = places.borrow_mut().remove(&number).flatten();
        let conversation = sender.conversation.clone();
        clients.push(Client { person: Rc::clone(person), conversation, number, place });
    }
    let book = Book::new()?;
    miss(senders, args.gap, &book).await?;
    Ok((clients, book))
}

async fn miss(senders: Vec<(Rc<Person>, Sender)>, gap: u32, book: &Book) -> Result<()> {
    let mut tasks = JoinSet::new();
    for (_, mut sender) in senders {
        let numbers: Vec<_> = (0..gap).map(|_| book.next(Instant::now())).collect();
        tasks.spawn_local(async move {
            for number in &numbers {
                sender.send(&marks::text(*number, 100)).await.context("cannot send what is to be missed")?;
            }
            anyhow::Ok(numbers)
        });
    }
    while let Some(sent) = tasks.join_next().await {
        sent??.into_iter().for_each(|number| book.answered(number));
    }
    Ok(())
}

/// All at once.
async fn come_back(storm: &Rc<Storm>, clients: Vec<Client>) -> Result<()> {
    let mut tasks = JoinSet::new();
    for client in clients {
        let storm = Rc::clone(storm);
        tasks.spawn_local(async move {
            let caught_up = timeout(PATIENCE, catch_up(&storm, &client)).await.unwrap_or(Err(End::Timeout));
            match caught_up {
                Ok(mut socket) => {
                    storm.caught_up.borrow_mut().record(storm.began.elapsed());
                    linger(&storm, &client, &mut socket).await
                }
                Err(end) => Err(end),
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(end) = ended? {
            *storm.failures.borrow_mut().entry(end.to_string()).or_default() += 1;
        }
    }
    Ok(())
}

/// Goes on listening.
async fn linger(storm: &Storm, client: &Client, socket: &mut Socket) -> Result<(), End> {
    while let Ok(frame) = timeout_at(storm.end, socket.next()).await {
        note(&storm.book, &storm.reader, client.number, &frame?);
    }
    Ok(())
}

async fn catch_up(storm: &Storm, client: &Client) -> Result<Socket, End> {
    let no_profile = |error: anyhow::Error| End::Closed(error.to_string());
    let live = storm.target.profile.live().map_err(no_profile)?;
    let resume = live.resume.as_ref().ok_or_else(|| End::Closed("nobody can come back".to_owned()))?;
    // The conversation was new when the client left.
    let (me, conversation) = (client.person.id.as_str(), client.conversation.as_str());
    let values = Values { me, conversation, rev: 0, ..Values::default() };
    let path = resume.path.text(&values);
    let mut socket = storm.target.socket_from(&client.person, &path, client.place.as_ref()).await?;
    if let Some(frame) = &resume.frame {
        socket.send(&frame.text(&values)).await?;
    }
    let mut got = 0;
    while got < storm.gap {
        let frame = socket.next().await?;
        got += note(&storm.book, &storm.reader, client.number, &frame);
    }
    Ok(socket)
}

fn tell(storm: &Storm, args: &ResumeArgs, report: &mut Report) {
    let caught_up = storm.caught_up.borrow().summary();
    report.count("clients", args.clients.into());
    report.count("clients caught up", caught_up.count);
    report.figure("seconds until all have caught up", caught_up.max / 1000.0);
    report.latencies.insert("catching up".to_owned(), caught_up);
    report.failures.extend(storm.failures.borrow().clone());
    let all = caught_up.count == u64::from(args.clients);
    let well = storm.failures.borrow().is_empty();
    report.check("every client has caught up and stayed", all && well, format!("{:?}", storm.failures.borrow()));
    let expected = u64::from(args.clients) * u64::from(args.gap);
    // Each message goes to the clients of one user, who may be fewer for the last ones.
    let balance = storm.book.balance(args.clients / args.clients.div_ceil(args.per_user));
    let detail = format!("{} of {expected} deliveries, {} missing", balance.delivered, balance.missing);
    report.check("nothing that was missed is lost", balance.delivered == expected && balance.missing == 0, detail);
    let detail = format!("{} twice, {} unknown", balance.twice, balance.unknown);
    report.check("nothing came twice or was made up", balance.twice + balance.unknown == 0, detail);
}
