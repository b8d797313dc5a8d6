//! The README's quick start, typed by a new user in an empty folder.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use parlor_tests::{Home, Server};

const README: &str = include_str!("../../../README.md");

/// The shell commands between the marks of the quick start, as they stand there.
fn quick_start() -> Result<String> {
    let part = README.split("<!-- quick-start").nth(1).context("the README has no quick start")?;
    let blocks = part.split("```sh\n").skip(1);
    let commands: Option<Vec<&str>> = blocks.map(|block| block.split("```").next()).collect();
    Ok(commands.context("a block does not end")?.join("\n"))
}

#[test]
fn the_quick_start_does_what_it_says() -> Result<()> {
    let home = Home::new()?;
    let server = Server::start(&home, &[])?;
    let host = server.url().trim_start_matches("http://");
    let script = format!("set -euo pipefail\n{}", quick_start()?.replace("127.0.0.1:8080", host));
    let output = Command::new("bash").args(["-c", &script]).current_dir(home.path()).output()?;
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{script}\n{said}\n{errors}");
    for expected in [
        "\"Hello Bob!\"",
        "\"unread\":1",
        "\"Hello Ada, nice to meet you.\"",
        "3 Can you hear me?",
        "4 Bob? Are you there?",
    ] {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}\n{errors}");
    }
    Ok(())
}
