//! The replica sets of the tests fail and recover as they are told to.

use std::path::Path;

use anyhow::Result;
use bson::doc;
use parlor_tests::{
    Home, Part,
    mongod::{ReplicaSet, Standalone, command, drop_database},
};

#[test]
fn a_set_of_three_has_another_primary_after_each_fault_and_recovers() -> Result<()> {
    let home = Home::on_sqlite()?;
    let mut set = ReplicaSet::start(&Part::Mongod.path()?, home.path(), 3)?;

    let first = set.primary()?;
    set.kill(first)?;
    let second = set.primary_other_than(first)?;
    set.restart(first)?;
    set.wait_until_healthy()?;
    assert_eq!(set.primary()?, second);

    set.step_down(second)?;
    let third = set.primary_other_than(second)?;
    set.wait_until_healthy()?;

    set.pause(third)?;
    let fourth = set.primary_other_than(third)?;
    set.resume(third)?;
    set.wait_until_healthy()?;
    assert_eq!(set.primary()?, fourth);
    Ok(())
}

#[test]
fn a_standalone_is_in_no_set_and_a_database_can_be_dropped_from_it() -> Result<()> {
    let home = Home::on_sqlite()?;
    let server = Standalone::start(&Part::Mongod.path()?, home.path(), &[])?;
    let hello = server.command("admin", doc! { "hello": 1 })?;
    assert!(!hello.contains_key("setName"), "{hello}");

    server.command("own", doc! { "create": "things" })?;
    let databases = || -> Result<String> {
        Ok(server.command("admin", doc! { "listDatabases": 1, "nameOnly": true })?.to_string())
    };
    assert!(databases()?.contains("\"own\""));
    drop_database(&server.url(), "own")?;
    assert!(!databases()?.contains("\"own\""));
    Ok(())
}

#[test]
fn a_program_that_ends_at_once_is_an_error_with_what_it_said() -> Result<()> {
    let home = Home::on_sqlite()?;
    let started = Standalone::start(&Part::Mongod.path()?, home.path(), &["--no-such-option"]);
    let error = format!("{:#}", started.err().unwrap());
    assert!(error.contains("mongod has ended") && error.contains("no-such-option"), "{error}");
    let started = Standalone::start(Path::new("nowhere/mongod"), home.path(), &[]);
    let error = format!("{:#}", started.err().unwrap());
    assert!(error.contains("cannot start nowhere/mongod"), "{error}");
    Ok(())
}

#[test]
fn a_command_that_is_refused_is_an_error_with_the_reason() -> Result<()> {
    let home = Home::on_sqlite()?;
    let server = Standalone::start(&Part::Mongod.path()?, home.path(), &[])?;
    let address = server.url().replace("mongodb://", "");
    let error = command(&address, "admin", doc! { "noSuchCommand": 1 }).unwrap_err().to_string();
    assert!(error.contains("no such command"), "{error}");
    Ok(())
}
