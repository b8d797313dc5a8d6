//! Several servers on one database.

use std::env;

use anyhow::{Context as _, Result};
use parlor_tests::{Home, Part};

use super::stage::play;

#[test]
fn the_stock_client_recovers_on_another_server_of_the_same_database() -> Result<()> {
    let url = env::var("PARLOR_TEST_MONGODB_URL");
    let url =
        url.context("PARLOR_TEST_MONGODB_URL is not set: run `cargo xtask test`, or see `cargo xtask services`")?;
    play(Home::on_mongodb(&url)?, Part::Node, "node/run.mjs", &["servers"])
}
