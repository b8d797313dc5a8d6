//! Connections that the server ends.

use std::{sync::Arc, time::Duration};

use parlor_domain::{SessionId, UserId};
use parlor_realtime::CloseReason;
use tokio::time::Instant;

use crate::support::{ADA, BOB, HERE, World, messages};

#[tokio::test]
async fn ending_sessions_closes_their_connections_and_no_others() {
    let world = World::new();
    let sessions = [1, 2, 3].map(|n| SessionId::from_bytes([n; 12]));
    let mut mine = sessions.map(|session| world.connect_session(ADA, session, &[HERE]));
    let mut other = world.connect_session(BOB, sessions[0], &[HERE]);
    world.hub.close_sessions(ADA, &sessions[..2], CloseReason::SessionEnded);
    assert_eq!(mine[0].closed(), Some(CloseReason::SessionEnded));
    assert_eq!(mine[1].closed(), Some(CloseReason::SessionEnded));
    world.send(HERE, 1);
    assert_eq!(mine[2].waiting(), messages(HERE, 1, 1));
    assert_eq!(other.waiting(), messages(HERE, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn closing_all_is_spread_evenly_over_the_time() {
    let world = World::new();
    let readers: Vec<_> = (0..10).map(|n| world.connect(UserId::from_bytes([n; 12]), &[])).collect();
    let (hub, begin) = (Arc::clone(&world.hub), Instant::now());
    let closing = tokio::spawn(async move { hub.close_all(Duration::from_secs(10)).await });
    for second in 1..=10 {
        tokio::time::sleep_until(begin + Duration::from_secs(second) - Duration::from_millis(500)).await;
        let closed = readers.iter().filter(|reader| reader.connection.is_closed()).count();
        assert_eq!(closed as u64, second);
    }
    closing.await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 9, "nobody waits after the last");
    for mut reader in readers {
        assert_eq!(reader.closed(), Some(CloseReason::Shutdown));
    }
}

#[tokio::test(start_paused = true)]
async fn closing_all_of_nothing_takes_no_time() {
    let begin = Instant::now();
    World::new().hub.close_all(Duration::from_secs(10)).await;
    assert_eq!(begin.elapsed(), Duration::ZERO);
}
