//! Bare inserts into MongoDB, and setting up a replica set for them.

use std::{cell::Cell, io, rc::Rc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bson::{DateTime, Document, doc, oid::ObjectId};
use mongodb::{
    Client, Collection, Database, IndexModel,
    options::{Acknowledgment, IndexOptions, WriteConcern},
};
use tokio::time::{Instant, sleep};

use super::MongoArgs;
use crate::{
    drive::{Worker, drive, watch},
    http::Failure,
    marks,
    process::Subject,
    report::Report,
    stats::{ratio, real},
};

/// How long a replica set may take to have a primary.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is dropped before and after each run.
const DATABASE: &str = "parlor_bench_floor";

struct Insert {
    messages: Collection<Document>,
    conversation: ObjectId,
    sender: ObjectId,
    seq: Rc<Cell<i64>>,
    batch: u32,
}

impl Worker for Insert {
    async fn once(&mut self, _: Instant) -> Result<(), Failure> {
        let documents: Vec<_> = (0..self.batch).map(|_| self.document()).collect();
        let inserted = match <[Document; 1]>::try_from(documents) {
            Ok([document]) => self.messages.insert_one(document).await.map(drop),
            Err(documents) => self.messages.insert_many(documents).await.map(drop),
        };
        inserted.map_err(|error| Failure::Connection(io::Error::other(error)))
    }
}

impl Insert {
    /// About what a message is as a document, without any of what servers add.
    fn document(&self) -> Document {
        let seq = self.seq.get() + 1;
        self.seq.set(seq);
        doc! {
            "_id": ObjectId::new(),
            "conversation": self.conversation,
            "seq": seq,
            "rev": seq,
            "sender": self.sender,
            "text": marks::text(u32::try_from(seq).unwrap_or(u32::MAX), 100),
            "createdAt": DateTime::now(),
        }
    }
}

/// Runs the floor: `batch` documents in each insert.
pub(crate) async fn run(args: &MongoArgs, batch: u32, subjects: &[Subject]) -> Result<Report> {
    ensure!(batch > 0, "an insert of nothing");
    let database = Client::with_uri_str(&args.mongodb).await?.database(DATABASE);
    database.drop().await.context("cannot reach MongoDB")?;
    let report = insert(args, batch, subjects, &database).await;
    database.drop().await?;
    report
}

async fn insert(args: &MongoArgs, batch: u32, subjects: &[Subject], database: &Database) -> Result<Report> {
    let durable = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
    let options = mongodb::options::CollectionOptions::builder().write_concern(durable).build();
    let messages: Collection<Document> = database.collection_with_options("messages", options);
    for place in ["seq", "rev"] {
        let unique = IndexOptions::builder().unique(true).build();
        let keys = doc! { "conversation": 1, place: 1 };
        messages.create_index(IndexModel::builder().keys(keys).options(unique).build()).await?;
    }
    let worker = || Insert {
        messages: messages.clone(),
        conversation: ObjectId::new(),
        sender: ObjectId::new(),
        seq: Rc::default(),
        batch,
    };
    let workers: Vec<_> = (0..args.connections).map(|_| worker()).collect();
    let window = args.length.window();
    let (tally, usage) = tokio::join!(drive(workers, args.rate, window), watch(subjects, window));
    let (tally, usage) = (tally?, usage?);

    let mut report = Report::default();
    report.tally("inserts", &tally);
    let documents = tally.counted * u64::from(batch);
    report.figure("documents/s", ratio(documents, real(args.length.seconds.into())));
    report.usage("documents", documents, usage);
    let (stored, confirmed) = (messages.count_documents(doc! {}).await?, tally.succeeded * u64::from(batch));
    let detail = format!("{confirmed} confirmed, {stored} stored");
    report.check("every confirmed document is stored, once", stored == confirmed || tally.failed() > 0, detail);
    Ok(report)
}

/// Makes a replica set of one, unless it is there, and waits until it takes writes.
pub(crate) async fn initiate(port: u16, name: &str) -> Result<()> {
    let client = Client::with_uri_str(format!("mongodb://127.0.0.1:{port}/?directConnection=true")).await?;
    let admin = client.database("admin");
    let config = doc! { "_id": name, "members": [{ "_id": 0, "host": format!("127.0.0.1:{port}") }] };
    // It fails if there is one already; whether there is, is seen below.
    let initiated = admin.run_command(doc! { "replSetInitiate": config }).await;
    let end = Instant::now() + PATIENCE;
    loop {
        let hello = admin.run_command(doc! { "hello": 1 }).await?;
        if hello.get_bool("isWritablePrimary").unwrap_or(false) {
            return Ok(());
        }
        ensure!(Instant::now() < end, "the set has no primary: {initiated:?}");
        sleep(Duration::from_millis(50)).await;
    }
}
