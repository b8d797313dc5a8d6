//! Bare rows into SQLite, committed in groups.

use std::{fs, path::Path, process};

use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, params};
use tokio::time::Instant;

use crate::{
    marks,
    process::{CoreWatch, Subject, Usage, Used, sample},
    report::Report,
    scenario::Length,
    stats::{Latencies, ratio, real},
};

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE messages (
        id BLOB PRIMARY KEY,
        conversation BLOB NOT NULL,
        seq INTEGER NOT NULL,
        rev INTEGER NOT NULL,
        sender BLOB NOT NULL,
        text TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        UNIQUE (conversation, seq),
        UNIQUE (conversation, rev)
    ) STRICT, WITHOUT ROWID;
";
/// `PRAGMA synchronous` as a number.
const FULL: i64 = 2;
const INSERT: &str = "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)";

/// Runs the floor.
pub(crate) fn run(dir: &Path, batch: u32, length: Length) -> Result<Report> {
    ensure!(batch > 0, "a group of nothing");
    let dir = dir.join(format!("parlor-bench-{}", process::id()));
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let report = insert(&dir, batch, length);
    fs::remove_dir_all(&dir)?;
    report
}

fn insert(dir: &Path, batch: u32, length: Length) -> Result<Report> {
    let mut connection = Connection::open(dir.join("floor.db"))?;
    connection.execute_batch(SCHEMA)?;
    let window = length.window();
    let (mut latencies, mut rows, mut counted, mut before) = (Latencies::new()?, 0_u64, 0_u64, None);
    let us = process::id();
    while Instant::now() < window.end {
        let begun = Instant::now();
        if before.is_none() && begun >= window.begin {
            before = Some((sample(us)?, CoreWatch::begin()?));
        }
        commit(&mut connection, rows, batch)?;
        rows += u64::from(batch);
        let over = Instant::now();
        if window.contains(begun) && window.contains(over) {
            counted += u64::from(batch);
            latencies.record(over - begun);
        }
    }
    let ((before, cores), after) = (before.context("the run was too short")?, sample(us)?);
    let cores = cores.end()?;
    let usage = Usage {
        role: Subject::ourselves().role,
        pid: us,
        seconds: real(length.seconds.into()),
        cpu_seconds: after.cpu_seconds - before.cpu_seconds,
        resident_before: before.resident_bytes,
        resident_after: after.resident_bytes,
        resident_max: after.resident_bytes,
    };
    let mut report = Report::default();
    report.latencies.insert("commits".to_owned(), latencies.summary());
    report.figure("rows/s", ratio(counted, real(length.seconds.into())));
    report.count("rows", rows);
    report.usage("rows", counted, Used { processes: vec![usage], cores });
    let stored: i64 = connection.query_row("SELECT count(*) FROM messages", [], |row| row.get(0))?;
    let detail = format!("{rows} committed, {stored} stored");
    let journal: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    let durable = (journal.as_str(), synchronous) == ("wal", FULL);
    report.check("every commit is on the disk", durable, format!("journal {journal}, synchronous {synchronous}"));
    report.check("every committed row is stored, once", u64::try_from(stored)? == rows, detail);
    Ok(report)
}

fn commit(connection: &mut Connection, rows: u64, batch: u32) -> Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare_cached(INSERT)?;
        for row in rows..rows + u64::from(batch) {
            let number = i64::try_from(row)?;
            let id = [&[0; 4], &row.to_be_bytes()[..]].concat();
            let text = marks::text(u32::try_from(row)?, 100);
            insert.execute(params![id, b"conversation", number, number, b"sender......", text, number])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_counted_and_nothing_is_left_on_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let report = run(dir.path(), 10, Length { seconds: 1, warm_up: 0 }).unwrap();
        assert!(report.holds(), "{report:?}");
        assert_eq!(report.counts["rows"] % 10, 0);
        assert!(report.latencies["commits"].count > 0);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
