//! `cargo xtask services`: whatever ends it, nothing stays behind.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bson::doc;
use parlor_tests::mongod;

/// How long servers that are ended may take to be gone on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// `cargo xtask services` with servers of its own.
fn services(arguments: &[&str]) -> Command {
    let mut services = Command::new(env!("CARGO_BIN_EXE_xtask"));
    services.arg("services").args(arguments).env_remove("PARLOR_TEST_MONGODB_URL").stdin(Stdio::null());
    services
}

/// The processes of a replica set, and their folders.
#[derive(Debug)]
struct Members(Vec<(String, PathBuf)>);

impl Members {
    /// Asks every member that a URL names.
    fn of(url: &str) -> Self {
        let hosts = url.trim().strip_prefix("mongodb://").unwrap().split('/').next().unwrap();
        let members = hosts.split(',').map(|host| {
            let status = mongod::command(host, "admin", doc! { "serverStatus": 1 }).unwrap();
            let options = mongod::command(host, "admin", doc! { "getCmdLineOpts": 1 }).unwrap();
            let storage = options.get_document("parsed").unwrap().get_document("storage").unwrap();
            let data = PathBuf::from(storage.get_str("dbPath").unwrap());
            (status.get_i64("pid").unwrap().to_string(), data.parent().unwrap().to_owned())
        });
        Self(members.collect())
    }

    fn wait_until_gone(&self) {
        let end = Instant::now() + PATIENCE;
        while self.0.iter().any(|(id, folder)| signal("0", id) || folder.parent().unwrap().exists()) {
            assert!(Instant::now() < end, "{self:?} are still there");
            thread::park_timeout(Duration::from_millis(20));
        }
    }
}

/// Sends a signal to a process; whether there was one to take it.
fn signal(name: &str, process_id: &str) -> bool {
    let kill = Command::new("kill").args([&format!("-{name}"), process_id]).stderr(Stdio::null()).status();
    kill.unwrap().success()
}

#[test]
fn a_command_has_a_replica_set_that_ends_with_it_also_if_it_fails() {
    let script = "echo \"$PARLOR_TEST_MONGODB_URL\"; cat; exit 3";
    let mut services = services(&["--nodes", "3", "--", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(services.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let members = Members::of(&url);
    assert_eq!(members.0.len(), 3);

    // The command reads its input to the end.
    drop(services.stdin.take());
    let ended = services.wait_with_output().unwrap();
    assert!(!ended.status.success());
    assert!(String::from_utf8_lossy(&ended.stderr).contains("exit status: 3"), "{ended:?}");
    members.wait_until_gone();
}

#[test]
fn a_set_that_hangs_ends_with_services_that_are_killed() {
    let mut services = services(&[]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(services.stdout.take().unwrap()).lines();
    let url = lines.map_while(Result::ok).find_map(|line| {
        let value = line.strip_prefix("export PARLOR_TEST_MONGODB_URL='")?;
        Some(value.trim_end_matches('\'').to_owned())
    });
    let members = Members::of(&url.unwrap());
    let [(process_id, _)] = &members.0[..] else { panic!("{members:?}") };
    assert!(signal("STOP", process_id));
    services.kill().unwrap();
    services.wait().unwrap();
    members.wait_until_gone();
}

#[test]
fn a_set_that_the_caller_brings_is_used_instead() {
    let url = "mongodb://db.example:27017/?replicaSet=mine";
    let script = "echo \"$PARLOR_TEST_MONGODB_URL\"; test -x \"$PARLOR_TEST_MONGOD\"";
    let mut services = services(&["--", "sh", "-c", script]);
    let output = services.env("PARLOR_TEST_MONGODB_URL", url).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), url);
}
