//! Moving everything from one database into another: between both kinds of stores, interrupted, disturbed, and by the
//! command line.

use std::{
    path::Path,
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use parlor_domain::{
    ClientMessageId, Marks, PasswordHash,
    store::{Key, MockTransfer, Part, Position, Record, StoreError, StoreResult, Stores, Transfer},
};
use parlor_repositories::{
    contract::{
        Fixture,
        transfer::{View, export, furnish},
    },
    mongodb::{MongoOptions, MongoStore},
    sqlite::{SqliteOptions, SqliteStore},
    testing::MongoDatabase,
};
use parlor_server::{
    copy::{Comparison, CopyError, Phase, Progress, copy},
    seed::{Plan, seed},
};
use tempfile::TempDir;

use crate::support::PATIENCE;

/// More of most parts than are copied at a time.
const PLAN: Plan =
    Plan { users: 30, conversations: 300, messages: 1300, groups: 3, communities: 1, message_chars: 20, seed: 7 };

/// A database of one of the kinds, removed when dropped.
struct Store {
    stores: Stores,
    _alive: Box<dyn std::any::Any>,
}

impl Store {
    fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("parlor.db"), &SqliteOptions::default()).unwrap();
        store.migrate().unwrap();
        Self { stores: store.stores(), _alive: Box::new((store, dir)) }
    }

    async fn mongodb() -> Self {
        let database = MongoDatabase::fresh();
        let store = MongoStore::connect(database.url(), &MongoOptions::default()).await.unwrap();
        store.migrate().await.unwrap();
        Self { stores: store.stores(), _alive: Box::new((store, database)) }
    }

    async fn both() -> [Self; 2] {
        [Self::sqlite(), Self::mongodb().await]
    }

    /// An embedded database with much of something and one of everything.
    async fn full() -> Self {
        let store = Self::sqlite();
        seed(&store.stores, &PLAN, &PasswordHash::new("$2b$04$made-up".to_owned()), &|| {}).await.unwrap();
        furnish(&Fixture::new(store.stores.clone())).await;
        store
    }

    fn transfer(&self) -> &dyn Transfer {
        &*self.stores.transfer
    }

    async fn records(&self) -> Vec<Record> {
        export(&self.stores, 1000).await
    }
}

async fn quietly(source: &dyn Transfer, destination: &dyn Transfer) -> Result<Vec<Comparison>, CopyError> {
    copy(source, destination, &|_| {}).await
}

/// Counts and checksums of both sides, which are the same.
fn same(comparisons: &[Comparison]) -> Vec<(Part, u64, String)> {
    let same = comparisons.iter().map(|comparison| {
        let Comparison { part, source, destination, first_difference } = comparison;
        let sides = [source, destination].map(|side| (*part, side.count, side.checksum.to_string()));
        assert_eq!((&sides[0], first_difference), (&sides[1], &None));
        sides[0].clone()
    });
    same.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_moves_to_each_kind_and_back_and_stays_the_same() {
    let original = Store::full().await;
    let (records, view) = (original.records().await, View::of(&original.stores).await);
    let stops = [Store::mongodb().await, Store::mongodb().await, Store::sqlite(), Store::sqlite()];
    let mut from = &original;
    let mut told = Vec::new();
    for to in &stops {
        told.push(same(&quietly(from.transfer(), to.transfer()).await.unwrap()));
        assert!(to.records().await == records);
        assert!(View::of(&to.stores).await == view);
        from = to;
    }
    assert!(told.iter().all(|other| *other == told[0]), "{told:?}");
    assert_eq!(told[0].iter().map(|(_, count, _)| count).sum::<u64>(), records.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_copy_is_only_compared() {
    let source = Store::full().await;
    for destination in Store::both().await {
        let first = same(&quietly(source.transfer(), destination.transfer()).await.unwrap());
        let watched = Disturbed::new(&destination, usize::MAX);
        assert_eq!(same(&quietly(source.transfer(), &watched).await.unwrap()), first);
        assert_eq!(watched.imported.into_inner(), 0);
    }
}

/// A store that takes so many pages, and then fails.
struct Disturbed<'a> {
    inner: &'a dyn Transfer,
    pages_left: AtomicUsize,
    imported: AtomicUsize,
    /// What is done with each page before it is stored.
    meddle: fn(&mut Vec<Record>),
}

impl<'a> Disturbed<'a> {
    fn new(store: &'a Store, pages_left: usize) -> Self {
        let (pages_left, imported) = (AtomicUsize::new(pages_left), AtomicUsize::new(0));
        Self { inner: store.transfer(), pages_left, imported, meddle: |_| {} }
    }
}

#[async_trait::async_trait]
impl Transfer for Disturbed<'_> {
    async fn count(&self, part: Part) -> StoreResult<u64> {
        self.inner.count(part).await
    }

    async fn export(&self, from: Position, limit: usize) -> StoreResult<Vec<Record>> {
        self.inner.export(from, limit).await
    }

    async fn import(&self, records: &[Record]) -> StoreResult<()> {
        let mut records = records.to_vec();
        (self.meddle)(&mut records);
        let left = self.pages_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            // The power goes in the middle of a page.
            self.inner.import(&records[..records.len() / 2]).await?;
            return Err(StoreError::unavailable("the plug was pulled"));
        }
        self.imported.fetch_add(records.len(), Ordering::SeqCst);
        self.inner.import(&records).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_copy_goes_on_where_it_was() {
    let source = Store::full().await;
    let records = source.records().await;
    for destination in Store::both().await {
        let mut interruptions = 0;
        loop {
            let there = destination.records().await.len();
            let disturbed = Disturbed::new(&destination, 2);
            match quietly(source.transfer(), &disturbed).await {
                Err(CopyError::Destination(_)) => {
                    interruptions += 1;
                    assert!(destination.records().await.len() > there, "each run comes further");
                }
                end => {
                    same(&end.unwrap());
                    assert_eq!(disturbed.imported.into_inner(), records.len() - there, "nothing is copied twice");
                    break;
                }
            }
        }
        assert!(interruptions > 2, "{interruptions}");
        assert!(destination.records().await == records);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_with_other_data_is_refused_and_left_alone() {
    let source = Store::full().await;
    for destination in Store::both().await {
        let stranger = Fixture::new(destination.stores.clone()).user("stranger").await;
        let before = destination.records().await;
        let refused = quietly(source.transfer(), destination.transfer()).await.unwrap_err();
        assert!(matches!(refused, CopyError::Foreign(Key::User(id)) if id == stranger), "{refused}");
        assert!(refused.to_string().contains(&stranger.to_string()), "{refused}");
        assert!(destination.records().await == before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_used_since_is_not_gone_on_with() {
    let source = Store::full().await;
    for destination in Store::both().await {
        quietly(source.transfer(), destination.transfer()).await.unwrap();
        let later = Fixture::new(destination.stores.clone());
        later.clock.advance(Duration::from_secs(3600));
        later.user("newcomer").await;
        let refused = quietly(source.transfer(), destination.transfer()).await.unwrap_err();
        assert!(matches!(refused, CopyError::Foreign(Key::User(_))), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_gets_lost_is_found_in_the_comparison() {
    let source = Store::full().await;
    for store in Store::both().await {
        let lossy =
            Disturbed { meddle: |page| page.retain(|record| !gets_lost(record)), ..Disturbed::new(&store, usize::MAX) };
        let records = source.records().await;
        let lost: Vec<Key> = records.iter().filter(|record| gets_lost(record)).map(Record::key).collect();
        let comparisons = quietly(source.transfer(), &lossy).await.unwrap();
        same(&comparisons[..7]);
        let Comparison { part, source, destination, first_difference } = &comparisons[7];
        assert_eq!((*part, *first_difference), (Part::Messages, Some(lost[0])));
        assert_eq!(destination.count, source.count - lost.len() as u64);
        assert_ne!(destination.checksum.to_string(), source.checksum.to_string());
    }
}

/// One that nothing refers to.
fn gets_lost(record: &Record) -> bool {
    matches!(record, Record::Message { message, .. } if message.seq.get() == 3 && message.marks == Marks::default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_changes_on_its_way_is_found_in_the_comparison() {
    let source = Store::full().await;
    for store in Store::both().await {
        let altering = Disturbed {
            meddle: |page| {
                if let Some(Record::Message { message, .. }) = page.last_mut() {
                    message.client_message_id = ClientMessageId::parse("another").ok();
                }
            },
            ..Disturbed::new(&store, usize::MAX)
        };
        let comparisons = quietly(source.transfer(), &altering).await.unwrap();
        let Comparison { source, destination, first_difference, .. } = &comparisons[7];
        assert!(matches!(first_difference, Some(Key::Message(..))), "{first_difference:?}");
        assert_eq!(destination.count, source.count);
        assert_ne!(destination.checksum.to_string(), source.checksum.to_string());
    }
}

#[tokio::test]
async fn a_store_that_fails_is_told_apart_by_its_side() {
    let healthy = Store::sqlite();
    let broken = || {
        let mut broken = MockTransfer::new();
        broken.expect_count().returning(|_| Ok(0));
        broken.expect_export().returning(|_, _| Err(StoreError::unavailable("the disk is on fire")));
        broken
    };
    assert!(matches!(quietly(&broken(), healthy.transfer()).await, Err(CopyError::Source(_))));
    assert!(matches!(quietly(healthy.transfer(), &broken()).await, Err(CopyError::Destination(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_counts_every_record_in_each_phase() {
    let (source, destination) = (Store::full().await, Store::sqlite());
    let total = source.records().await.len() as u64;
    for (checked, copied) in [(0, total), (total, total)] {
        let phases = std::cell::RefCell::new(Vec::new());
        let note = |progress| match progress {
            Progress::Begun(phase, expected) => phases.borrow_mut().push((phase, expected, 0)),
            Progress::Done(records) => phases.borrow_mut().last_mut().unwrap().2 += records,
        };
        copy(source.transfer(), destination.transfer(), &note).await.unwrap();
        let expected =
            [(Phase::Checking, checked, checked), (Phase::Copying, total, copied), (Phase::Verifying, total, total)];
        assert_eq!(phases.into_inner(), expected);
    }
}

/// A folder with a seeded embedded database in it.
struct Folder {
    dir: TempDir,
    mongodb: MongoDatabase,
}

impl Folder {
    fn seeded(messages: &str) -> Self {
        let folder = Self { dir: tempfile::tempdir().unwrap(), mongodb: MongoDatabase::fresh() };
        let seeded = ["seed", "--users", "20", "--conversations", "50", "--messages", messages];
        folder.succeeds(&[&seeded[..], &["--set", "auth.bcrypt_cost=4"]].concat());
        folder
    }

    fn parlor(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        command.current_dir(self.path()).env_clear().args(arguments);
        command
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Runs to its end, and gives what it says.
    fn succeeds(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.parlor(arguments).output().unwrap();
        assert_eq!(status.code(), Some(0), "{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    fn copies(&self, from: &str, to: &str) -> String {
        self.succeeds(&["copy", "--from", from, "--to", to])
    }

    /// Fails, and gives the one line that says why.
    fn fails(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.parlor(arguments).output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!((status.code(), &stdout[..], stderr.lines().count()), (Some(1), &b""[..], 1), "{stderr}");
        stderr
    }
}

#[test]
fn the_command_copies_there_and_back_and_shows_both_sides() {
    let folder = Folder::seeded("1200");
    let mongodb = folder.mongodb.url();
    let there = folder.copies("sqlite://data/parlor.db", mongodb);
    let ending = "Everything was copied, and is the same in both databases.\n";
    assert!(there.ends_with(ending), "{there}");
    for (part, count) in [("users", "20"), ("conversations", "59"), ("members", "201"), ("messages", "1370")] {
        let shown = there.lines().find(|line| line.starts_with(part)).unwrap();
        let columns: Vec<&str> = shown.split_whitespace().collect();
        assert_eq!((columns[1], columns[2], columns[3].len()), (count, count, 64), "{there}");
    }
    assert_eq!(folder.copies(mongodb, "sqlite://back.db"), there);
    assert_eq!(folder.copies("sqlite://data/parlor.db", "sqlite://back.db"), there, "it is compared once more");
    assert!(folder.path().join("back.db").exists());
}

#[test]
fn what_is_left_out_is_the_database_of_the_settings() {
    let folder = Folder::seeded("50");
    let there = folder.copies("sqlite://data/parlor.db", "sqlite://copy.db");
    let settings = format!("store.url={}", folder.mongodb.url());
    assert_eq!(folder.succeeds(&["copy", "--from", "sqlite://copy.db", "--set", &settings]), there);
    assert_eq!(folder.succeeds(&["copy", "--to", "sqlite://copy.db", "--set", &settings]), there);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_copy_goes_on_where_it_was() {
    let folder = Folder::seeded("20000");
    let url = folder.mongodb.url();
    let store = MongoStore::connect(url, &MongoOptions::default()).await.unwrap();
    let arguments = ["copy", "--from", "sqlite://data/parlor.db", "--to", url];
    let mut running = folder.parlor(&arguments).spawn().unwrap();
    let transfer = store.stores().transfer;
    let begun = async { while transfer.count(Part::Messages).await.unwrap() == 0 {} };
    tokio::time::timeout(PATIENCE, begun).await.unwrap();
    running.kill().unwrap();
    assert_eq!(running.wait().unwrap().code(), None, "it was not at its end yet");
    let left = transfer.count(Part::Messages).await.unwrap();
    // Those of the five groups and of the three channels, each with what tells of it, and of the community.
    let all = 20_000 + 5 * 21 + 3 * 21 + 2;
    assert!((1..all).contains(&left), "{left}");
    assert!(folder.succeeds(&arguments).contains("same in both"));
    assert_eq!(transfer.count(Part::Messages).await.unwrap(), all);
}

#[test]
fn what_cannot_be_copied_is_told_in_one_line() {
    let folder = Folder::seeded("10");
    let told = folder.fails(&["copy", "--from", "sqlite://typo.db", "--to", "sqlite://copy.db"]);
    assert!(told.contains("there is no database typo.db"), "{told}");
    assert!(!folder.path().join("typo.db").exists() && !folder.path().join("copy.db").exists());

    let told = folder.fails(&["copy", "--from", "sqlite://a.db", "--to", "sqlite://a.db"]);
    assert!(told.contains("the same database, a.db"), "{told}");

    let told = folder.fails(&["copy", "--from", folder.mongodb.url(), "--to", "sqlite://copy.db"]);
    assert!(told.contains("is empty or of an older version") && told.contains("parlor migrate"), "{told}");
    assert!(!folder.path().join("copy.db").exists());

    let url = folder.mongodb.url();
    folder.copies("sqlite://data/parlor.db", url);
    let told = folder.fails(&["copy", "--from", url, "--to", &format!("{url}&appName=other-words")]);
    assert!(told.contains("the same database"), "{told}");

    let told = folder.fails(&["copy", "--from", "postgres://ada:canary@db", "--to", "sqlite://copy.db"]);
    assert!(told.contains("--from must be") && !told.contains("canary"), "{told}");
}

#[test]
fn a_destination_with_other_data_is_told_in_one_line_and_left_alone() {
    let folder = Folder::seeded("10");
    let other = ["seed", "--users", "3", "--conversations", "2", "--messages", "4", "--seed", "2"];
    folder.succeeds(&[&other[..], &["--data-dir", "other", "--set", "auth.bcrypt_cost=4"]].concat());
    let [source, other] = ["sqlite://data/parlor.db", "sqlite://other/parlor.db"];
    let before = folder.copies(other, "sqlite://before.db");
    let told = folder.fails(&["copy", "--from", source, "--to", other]);
    assert!(told.contains("the destination has user ") && told.contains("must be empty"), "{told}");
    assert_eq!(folder.copies(other, "sqlite://after.db"), before);
}

#[test]
fn a_copy_from_nowhere_to_nowhere_is_a_wrong_command_line() {
    let folder = Folder { dir: tempfile::tempdir().unwrap(), mongodb: MongoDatabase::fresh() };
    assert_eq!(folder.parlor(&["copy"]).output().unwrap().status.code(), Some(2));
}
