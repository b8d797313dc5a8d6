//! Socket.IO with stock clients that nobody here wrote: `socket.io-client` in Node and in a real browser, and
//! `python-socketio`. What they do stands in `tests/clients/`.

mod mongodb;
mod road;
mod stage;
mod stop;

use anyhow::Result;
use parlor_tests::{Home, Part};

use self::stage::play;

fn node(scenarios: &str) -> Result<()> {
    play(Home::new()?, Part::Node, "node/run.mjs", &[scenarios])
}

fn page(scenarios: &str) -> Result<()> {
    Part::Chromium.path()?;
    play(Home::new()?, Part::Node, "browser/run.mjs", &[scenarios])
}

fn python(scenarios: &str) -> Result<()> {
    play(Home::new()?, Part::Python, "python/run.py", &[scenarios])
}

#[test]
fn the_stock_client_in_node_connects_by_every_transport() -> Result<()> {
    node("connecting")
}

#[test]
fn the_stock_client_in_node_says_who_it_is_or_is_told_what_is_wrong() -> Result<()> {
    node("identity")
}

#[test]
fn the_stock_client_in_node_gives_commands_and_has_each_acknowledged() -> Result<()> {
    node("commands")
}

#[test]
fn the_stock_client_in_node_recovers_from_a_network_that_goes() -> Result<()> {
    node("recovery")
}

#[test]
fn the_stock_client_in_node_recovers_from_a_server_that_goes() -> Result<()> {
    node("restarts")
}

#[test]
fn the_stock_client_in_a_page_connects_by_every_transport() -> Result<()> {
    page("connecting")
}

#[test]
fn the_stock_client_in_a_page_says_who_it_is_or_is_told_what_is_wrong() -> Result<()> {
    page("identity")
}

#[test]
fn the_stock_client_in_a_page_gives_commands_and_has_each_acknowledged() -> Result<()> {
    page("commands")
}

#[test]
fn the_stock_client_in_a_page_recovers_from_a_network_that_goes() -> Result<()> {
    page("recovery")
}

#[test]
fn the_stock_client_in_a_page_recovers_from_a_server_that_goes() -> Result<()> {
    page("restarts")
}

#[test]
fn cookies_serve_pages_of_allowed_origins_and_no_others() -> Result<()> {
    page("cookies")
}

#[test]
fn python_socketio_connects_by_every_transport() -> Result<()> {
    python("connecting")
}

#[test]
fn python_socketio_gives_commands_and_has_each_acknowledged() -> Result<()> {
    python("commands")
}

#[test]
fn python_socketio_resumes_from_the_revisions_that_it_knows() -> Result<()> {
    python("resuming")
}
