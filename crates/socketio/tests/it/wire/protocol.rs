//! The cases of both protocols once more, with sockets, tasks and a clock.

use futures_util::future::join_all;
use parlor_socketio::Config;

use super::player::Player;
use super::{PATIENT, Server, patient};
use crate::engine_protocol;
use crate::script::{self, Begin, Step};
use crate::socketio_protocol::{self, CONNECT};

/// How many times slower than in the scripts the time goes where a heartbeat is waited for.
const SLOW: u32 = 8;

/// The longest time in a script for which no heartbeat is waited for.
const BRIEF: u64 = 100;

/// The scripts' times, but slower, so that a busy machine does not spoil them.
fn slow() -> Config {
    let mut config = script::config();
    for time in [
        &mut config.engine.ping_interval,
        &mut config.engine.ping_timeout,
        &mut config.engine.noop_delay,
        &mut config.connect_timeout,
    ] {
        *time *= SLOW;
    }
    config
}

/// Whether a script has a frame and a poll on their ways at the same time: over two connections, either may come first.
fn is_race(steps: &[Step]) -> bool {
    steps.windows(2).any(|pair| matches!(pair, [Step::Send(_), Step::Get]))
}

/// Plays cases, all at the same time: those with heartbeats against a server that has them, others against one for
/// which nothing is ever too late.
async fn play(path: &'static str, cases: impl Iterator<Item = (&str, Begin, Vec<&'static [Step]>)>) {
    let (slow, patient) = (Server::start(slow()), Server::start(patient()));
    let cases = cases.map(|(what, begin, scripts)| {
        let mut steps = scripts.iter().copied().flatten();
        let beats = steps.any(|step| matches!(step, Step::Wait(millis) if *millis > BRIEF));
        let (address, slower) = if beats { (slow.address, SLOW) } else { (patient.address, PATIENT) };
        async move {
            let mut player = Player::open(address, path, begin, slower).await;
            for steps in scripts {
                player.play(what, steps).await;
            }
        }
    });
    join_all(cases).await;
    slow.stop().await;
    patient.stop().await;
}

#[actix_web::test]
async fn the_example_does_what_the_engine_io_protocol_asks_for() {
    let cases = engine_protocol::CASES.iter().filter(|(.., steps)| !is_race(steps));
    let cases = cases.map(|(what, begin, steps)| (*what, *begin, vec![*steps]));
    play("/engine.io/", cases).await;
}

#[actix_web::test]
async fn the_example_does_what_the_socket_io_protocol_asks_for() {
    let unconnected = socketio_protocol::UNCONNECTED.iter();
    let unconnected = unconnected.map(|(what, begin, steps)| (*what, *begin, vec![*steps]));
    let connected = socketio_protocol::CONNECTED.iter();
    let connected = connected.map(|(what, steps)| (*what, Begin::WebSocket, vec![CONNECT, *steps]));
    play("/socket.io/", unconnected.chain(connected)).await;
}
