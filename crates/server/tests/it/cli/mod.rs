//! The command line: a real process each time.

mod admin;
mod mongodb;
mod sqlite;

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Seek as _},
    net::TcpListener,
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
};

use crate::{data::Data, support::PATIENCE};

/// The program in its folder, with an environment of its own that says no more than which database it has.
pub(crate) fn parlor(data: &Data, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    command.current_dir(data.folder()).env_clear().env("PARLOR__STORE__URL", data.url()).args(arguments);
    command
}

const SECRET: &str = "9f2c61d07be84a35f1c0d2e8b7463a95";

/// Runs to its end, and gives the exit code, standard output and standard error.
fn outcome(command: &mut Command) -> (Option<i32>, String, String) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(ended) = ended.recv_timeout(PATIENCE) else {
        Command::new("kill").args(["-KILL", &id]).status().unwrap();
        panic!("it goes on and on: {command:?}");
    };
    let Output { status, stdout, stderr } = ended.unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A refusal: exit code 1, nothing on standard output, one line on standard error.
fn refusal(command: &mut Command) -> String {
    let (code, stdout, stderr) = outcome(command);
    assert_eq!((code, stdout.as_str(), stderr.lines().count()), (Some(1), "", 1), "{stderr}");
    stderr
}

/// A server that is ready, and what it said until then.
pub(crate) struct Running {
    child: Child,
    greeting: String,
    /// A file rather than a pipe, which would stop the server when it is full.
    logged: File,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let logged = tempfile::tempfile().unwrap();
        command.stdout(Stdio::piped()).stderr(logged.try_clone().unwrap());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let greeting: Vec<String> = (0..5).map_while(|_| lines.next()).map(Result::unwrap).collect();
        drop(lines);
        Self { child, greeting: greeting.join("\n"), logged }
    }

    /// Where it serves.
    pub(crate) fn url(&self) -> String {
        let first = self.greeting.lines().next().unwrap();
        first.trim_start_matches("Parlor is ready at ").to_owned()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The exit code, and what was logged.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        let mut logged = String::new();
        self.logged.rewind().unwrap();
        self.logged.read_to_string(&mut logged).unwrap();
        (code, logged)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended in a test that went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn without_a_command_it_serves_and_says_where() {
    let data = Data::fresh();
    let server = Running::start(&mut parlor(&data, &["--port", "0"]));
    let database = data.url().trim_start_matches("sqlite://");
    for part in ["Parlor is ready at http://127.0.0.1:", "/api/v1", "/api/docs", "/healthz", database] {
        assert!(server.greeting.contains(part), "{}", server.greeting);
    }
    assert!(data.folder().join("data/secret.key").exists());
}

#[test]
fn a_signal_stops_it_with_exit_code_0() {
    for signal in ["-TERM", "-INT"] {
        let data = Data::fresh();
        let mut command = parlor(&data, &["serve", "--port", "0"]);
        let server = Running::start(command.env("PARLOR__AUTH__SECRET", SECRET));
        server.signal(signal);
        let (code, logged) = server.end();
        assert_eq!(code, Some(0), "{logged}");
        assert!(!logged.contains("ERROR") && !logged.contains("WARN"), "{logged}");
    }
}

#[test]
fn a_port_in_use_is_told_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let told = refusal(parlor(&Data::fresh(), &["--port", &port]).env("PARLOR__LOG__FILTER", "error"));
    assert!(told.starts_with(&format!("parlor: cannot listen on 127.0.0.1:{port}: ")), "{told}");
}

#[test]
fn a_wrong_setting_is_told_in_one_line() {
    let told = refusal(parlor(&Data::sqlite(), &["config"]).env("PARLOR__SERVRE__PORT", "1"));
    assert!(told.contains("PARLOR__SERVRE__PORT") && told.contains("`servre.port`"), "{told}");
    let told = refusal(parlor(&Data::sqlite(), &["serve", "--profile", "production"]).env("PARLOR__SERVER__PORT", "0"));
    assert!(told.contains("PARLOR__AUTH__SECRET"), "{told}");
}

#[test]
fn a_wrong_command_line_has_exit_code_2() {
    for arguments in [&["clear"][..], &["srve"], &["--port", "many"], &["--set", "server.port"]] {
        let (code, stdout, _) = outcome(&mut parlor(&Data::sqlite(), arguments));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}");
    }
}

#[test]
fn clear_without_yes_deletes_nothing() {
    let data = Data::fresh();
    let seeded = outcome(&mut parlor(&data, &SMALL_SEED));
    assert_eq!(seeded.0, Some(0), "{}", seeded.2);
    assert_eq!(outcome(&mut parlor(&data, &["clear"])).0, Some(2));
    let told = refusal(&mut parlor(&data, &SMALL_SEED));
    assert!(told.contains("there is a user1 already"), "{told}");

    assert_eq!(outcome(&mut parlor(&data, &["clear", "--yes"])).0, Some(0));
    assert_eq!(outcome(&mut parlor(&data, &SMALL_SEED)).0, Some(0));
}

const SMALL_SEED: [&str; 11] =
    ["seed", "--users", "4", "--conversations", "6", "--messages", "30", "--set", "auth.bcrypt_cost=4", "--seed", "7"];

#[test]
fn seed_says_how_to_sign_in() {
    let (code, stdout, stderr) = outcome(parlor(&Data::fresh(), &SMALL_SEED).args(["--password", "correct horse"]));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("Made 4 users, 6 conversations, 30 messages, 4 groups and 1 communities"), "{stdout}");
    assert!(stdout.contains("user1 to user4") && stdout.contains("correct horse"), "{stdout}");
}

#[test]
fn migrate_says_what_it_did() {
    let data = Data::fresh();
    let (code, stdout, stderr) = outcome(&mut parlor(&data, &["migrate"]));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.lines().all(|line| line.starts_with("Applied ")) && !stdout.is_empty(), "{stdout}");
    assert_eq!(outcome(&mut parlor(&data, &["migrate"])).1, "The database is up to date.\n");
}

#[test]
fn serve_refuses_an_old_database_if_it_must_not_migrate() {
    let data = Data::fresh();
    let arguments = ["--port", "0", "--set", "store.migrate_at_start=false", "--set", "log.filter=error"];
    let told = refusal(&mut parlor(&data, &arguments));
    assert!(told.contains("parlor migrate"), "{told}");
    assert_eq!(outcome(&mut parlor(&data, &["migrate"])).0, Some(0));
    Running::start(&mut parlor(&data, &arguments));
}

#[test]
fn config_shows_what_is_in_force_without_secrets() {
    let (code, stdout, stderr) = outcome(
        parlor(&Data::sqlite(), &["config", "--profile", "production", "--port", "9000"])
            .env("PARLOR__AUTH__SECRET", SECRET),
    );
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stdout.contains(SECRET), "{stdout}");
    for line in [
        "secret = \"(hidden)\"  # the variable PARLOR__AUTH__SECRET",
        "port = 9000  # --port",
        "format = \"json\"  # the profile production",
        "host = \"127.0.0.1\"",
    ] {
        assert!(stdout.lines().any(|shown| shown == line), "{line}: {stdout}");
    }
}

#[test]
fn the_documents_are_printed() {
    let data = Data::sqlite();
    for (command, field) in [("openapi", "openapi"), ("asyncapi", "asyncapi")] {
        let (code, stdout, stderr) = outcome(&mut parlor(&data, &[command]));
        assert_eq!(code, Some(0), "{stderr}");
        let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        assert!(document[field].as_str().unwrap().starts_with('3'), "{command}");
    }
    assert!(outcome(&mut parlor(&data, &["errors"])).1.contains("validation_failed"));
    assert_eq!(std::fs::read_dir(data.folder()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn the_version_is_told() {
    let (code, stdout, _) = outcome(&mut parlor(&Data::sqlite(), &["--version"]));
    assert_eq!((code, stdout.trim()), (Some(0), concat!("parlor ", env!("CARGO_PKG_VERSION"))));
}
