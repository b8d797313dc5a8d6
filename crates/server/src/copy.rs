//! Moving everything from one database into another, of whichever kinds.
//!
//! Records go over part by part, in the order of their keys. So what an interrupted copy has left behind is the
//! beginning of each part, and another run goes on at its end. At last both databases are read again, and compared.

use std::collections::VecDeque;

use futures_util::future;
use parlor_domain::store::{Checksum, Key, Part, Position, Record, StoreError, Transfer};

/// How many records are read or written at a time: enough for few round trips, and little memory even if every one is
/// as large as can be.
const PAGE: usize = 500;

/// Why not everything was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The destination has something that the source has not, or has otherwise. Nothing was written.
    #[error(
        "the destination has {0}, which is not what the source has there: it must be empty, or begun by an earlier \
         copy. To empty it: PARLOR__STORE__URL with its URL, and `parlor clear --yes`"
    )]
    Foreign(Key),
    /// The source can't be read.
    #[error("cannot read the source")]
    Source(#[source] StoreError),
    /// The destination can't be read or written. What it has got stays, and another run goes on there.
    #[error("cannot copy into the destination")]
    Destination(#[source] StoreError),
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// What the destination has already is compared with the source.
    Checking,
    /// Records are written.
    Copying,
    /// Everything is read again on both sides, and compared.
    Verifying,
}

impl Phase {
    /// The phase in a word for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Checking => "Checking",
            Self::Copying => "Copying",
            Self::Verifying => "Verifying",
        }
    }
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A phase begins that goes over about so many records.
    Begun(Phase, u64),
    /// So many more of them are done.
    Done(u64),
}

/// What a part has on one side.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many records.
    pub count: u64,
    /// Over all of them, in the order of their keys.
    pub checksum: Checksum,
}

impl Summary {
    fn add(&mut self, record: &Record) {
        self.count += 1;
        self.checksum.add(record);
    }
}

/// What became of a part.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Which one.
    pub part: Part,
    /// What the source has.
    pub source: Summary,
    /// What the destination has.
    pub destination: Summary,
    /// The first record that one of them has not, or has otherwise.
    pub first_difference: Option<Key>,
}

/// Copies everything that the destination has not yet, and compares both. Nobody else may write into either.
///
/// # Errors
/// A destination with other data in it, and stores that fail. That the two differ at the end is no error here: see
/// [`Comparison::first_difference`].
pub async fn copy(
    source: &dyn Transfer,
    destination: &dyn Transfer,
    progress: &dyn Fn(Progress),
) -> Result<Vec<Comparison>, CopyError> {
    let copy = Copy { source, destination, progress };
    let total = size(source).await.map_err(CopyError::Source)?;
    let there = size(destination).await.map_err(CopyError::Destination)?;

    progress(Progress::Begun(Phase::Checking, there));
    let mut ends = Vec::new();
    for part in Part::ALL {
        ends.push(copy.end(part).await?);
    }
    progress(Progress::Begun(Phase::Copying, total));
    progress(Progress::Done(there));
    for end in ends {
        copy.go_on(end).await?;
    }
    progress(Progress::Begun(Phase::Verifying, total));
    let mut comparisons = Vec::new();
    for part in Part::ALL {
        comparisons.push(copy.compare(part).await?);
    }
    Ok(comparisons)
}

/// About how many records there are in all.
async fn size(store: &dyn Transfer) -> Result<u64, StoreError> {
    let counts = Part::ALL.map(|part| store.count(part));
    Ok(future::try_join_all(counts).await?.into_iter().sum())
}

struct Copy<'a> {
    source: &'a dyn Transfer,
    destination: &'a dyn Transfer,
    progress: &'a dyn Fn(Progress),
}

impl Copy<'_> {
    /// The end of what the destination has of a part, if that is what the source's part begins with.
    async fn end(&self, part: Part) -> Result<Position, CopyError> {
        let (mut source, mut destination) = self.records(part);
        let mut end = Position::Beginning(part);
        while let Some(there) = destination.next().await? {
            if source.next().await?.as_ref() != Some(&there) {
                return Err(CopyError::Foreign(there.key()));
            }
            end = Position::After(there.key());
            (self.progress)(Progress::Done(1));
        }
        Ok(end)
    }

    /// Copies the rest of a part. The next records are read while the last ones are written.
    async fn go_on(&self, from: Position) -> Result<(), CopyError> {
        let mut page = self.source.export(from, PAGE).await.map_err(CopyError::Source)?;
        while let Some(last) = page.last() {
            let next = self.source.export(Position::After(last.key()), PAGE);
            let (next, written) = future::join(next, self.destination.import(&page)).await;
            written.map_err(CopyError::Destination)?;
            (self.progress)(Progress::Done(page.len() as u64));
            page = next.map_err(CopyError::Source)?;
        }
        Ok(())
    }

    async fn compare(&self, part: Part) -> Result<Comparison, CopyError> {
        let (mut source, mut destination) = self.records(part);
        let mut comparison =
            Comparison { part, source: Summary::default(), destination: Summary::default(), first_difference: None };
        loop {
            let (here, there) = future::try_join(source.next(), destination.next()).await?;
            if here != there {
                // The lesser key: the other side has nothing under it.
                let key = [&here, &there].into_iter().flatten().map(Record::key).min();
                comparison.first_difference = comparison.first_difference.or(key);
            }
            here.iter().for_each(|record| comparison.source.add(record));
            there.iter().for_each(|record| comparison.destination.add(record));
            match here.or(there) {
                Some(_) => (self.progress)(Progress::Done(1)),
                None => return Ok(comparison),
            }
        }
    }

    /// All records of a part on both sides.
    fn records(&self, part: Part) -> (Records<'_>, Records<'_>) {
        let records =
            |store, failed| Records { store, failed, from: Some(Position::Beginning(part)), page: VecDeque::new() };
        (records(self.source, CopyError::Source), records(self.destination, CopyError::Destination))
    }
}

/// The records of a part, one after the other.
struct Records<'a> {
    store: &'a dyn Transfer,
    failed: fn(StoreError) -> CopyError,
    /// Where the next page begins; none after the last page.
    from: Option<Position>,
    page: VecDeque<Record>,
}

impl Records<'_> {
    async fn next(&mut self) -> Result<Option<Record>, CopyError> {
        if self.page.is_empty()
            && let Some(from) = self.from
        {
            self.page = self.store.export(from, PAGE).await.map_err(self.failed)?.into();
            let last = self.page.back().filter(|_| self.page.len() == PAGE);
            self.from = last.map(|last| Position::After(last.key()));
        }
        Ok(self.page.pop_front())
    }
}
