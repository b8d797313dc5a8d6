//! What is about the embedded store alone.

use super::{Running, parlor, refusal};
use crate::data::Data;

#[test]
fn the_database_is_a_file_in_the_data_directory_and_whole_at_the_end() {
    let data = Data::sqlite();
    let server = Running::start(&mut parlor(&data, &["--port", "0"]));
    assert!(server.greeting.contains("./data/parlor.db"), "{}", server.greeting);
    assert!(data.folder().join("data/parlor.db").exists());
    server.signal("-TERM");
    server.end();
    assert!(!data.folder().join("data/parlor.db-wal").exists(), "the log is folded into the database");
}

#[test]
fn a_database_in_use_is_told_in_one_line() {
    let data = Data::sqlite();
    let _server = Running::start(&mut parlor(&data, &["--port", "0"]));
    let told = refusal(&mut parlor(&data, &["--port", "0", "--set", "log.filter=error"]));
    assert!(told.contains("in use by another process"), "{told}");
}

#[test]
fn a_data_directory_that_cannot_be_made_is_told_in_one_line() {
    let data = Data::sqlite();
    std::fs::write(data.folder().join("file"), "").unwrap();
    let told = refusal(&mut parlor(&data, &["--port", "0", "--data-dir", "file/data", "--set", "log.filter=error"]));
    assert!(told.contains("cannot open the database file/data/parlor.db"), "{told}");
}
