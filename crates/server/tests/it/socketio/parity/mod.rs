//! Every command through every door: over REST, the plain WebSocket and Socket.IO on both transports the same input
//! has the same outcome. Each door has a server of its own, and all of them an equal world.

mod rows;
mod ways;
mod world;

use std::collections::BTreeSet;

use serde_json::Value;

use self::{
    rows::{Row, rows},
    ways::{Plain, Rest, Stock, Way},
    world::World,
};
use super::client::Transport;

/// What became of each row.
async fn outcomes(world: &World, rows: &[Row], mut way: impl Way) -> Vec<Option<Value>> {
    let mut outcomes = Vec::new();
    for row in rows {
        let data = world.fill(&row.data);
        let outcome = way.carry_out(world.user(row.sender), row.command.as_str(), &data).await;
        outcomes.push(outcome.map(|outcome| world.tell(outcome)));
    }
    outcomes
}

#[tokio::test]
async fn every_command_has_the_same_outcome_through_every_door() {
    let worlds = [World::build().await, World::build().await, World::build().await, World::build().await];
    let rows = rows(&worlds[0].asyncapi().await);
    let [first, second, third, fourth] = &worlds;
    let (rest, plain, websocket, polling) = tokio::join!(
        outcomes(first, &rows, Rest),
        outcomes(second, &rows, Plain::default()),
        outcomes(third, &rows, Stock::new(Transport::WebSocket)),
        outcomes(fourth, &rows, Stock::new(Transport::Polling)),
    );
    let mut codes = BTreeSet::new();
    for (index, row) in rows.iter().enumerate() {
        let outcome = plain[index].as_ref().unwrap();
        assert_eq!(websocket[index].as_ref(), Some(outcome), "Socket.IO: {row:?}");
        assert_eq!(polling[index].as_ref(), Some(outcome), "Socket.IO, polling: {row:?}");
        if let Some(rest) = &rest[index] {
            assert_eq!(rest, outcome, "REST: {row:?}");
        }
        row.check(outcome);
        codes.insert(outcome["problem"]["code"].as_str().unwrap_or("done").to_owned());
    }
    let expected = [
        "already_authenticated",
        "already_friends",
        "channel_is_public",
        "client_message_id_reused",
        "done",
        "invalid_json",
        "limit_reached",
        "message_deleted",
        "name_taken",
        "not_a_group",
        "not_allowed_to_write",
        "not_found",
        "not_permitted",
        "rate_limited",
        "recipient_deleted",
        "request_not_pending",
        "unknown_command",
        "user_blocked",
        "validation_failed",
    ];
    assert_eq!(codes, expected.map(str::to_owned).into(), "which outcomes were seen");
}
