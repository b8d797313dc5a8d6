//! Coming back with what does not belong to the client: told by `resync`, and nothing is given away.

use serde_json::json;

use super::{
    client::{Former, SocketIo, Transport},
    recovery::{pair, recovered},
};
use crate::support::{Client, TestServer};

/// Comes back and is told to load everything anew.
async fn resynced(client: &Client, former: &Former) -> SocketIo {
    let (mut socket, recovered) = SocketIo::back(client, Transport::WebSocket, former).await;
    assert!(!recovered, "{former:?}");
    let event = socket.event().await;
    assert_eq!((&*event.name, &*event.text, &event.place), ("resync", "{}", &json!({})), "{former:?}");
    socket
}

#[tokio::test]
async fn what_no_server_of_ours_has_made_is_answered_with_resync() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let mut socket = SocketIo::ready(&bob, Transport::WebSocket).await;
    ada.say(&conversation, "one").await;
    socket.texts(1).await;
    let good = socket.former();
    let with = |pid: &str, offset: Option<&str>| Former { pid: pid.into(), offset: offset.map(Into::into) };
    let offset = good.offset.as_deref().unwrap();
    let cut = &offset[..offset.len() - 1];
    let longer = format!("{offset}A");
    let huge = format!("{offset}{}", "_".repeat(60_000));
    for former in [
        with("nonsense", None),
        with("", None),
        with("nonsense", Some(offset)),
        with(&"A".repeat(60_000), Some(offset)),
        with(&good.pid, Some("no Base64!")),
        with(&good.pid, Some("")),
        with(&good.pid, Some(cut)),
        with(&good.pid, Some(&longer)),
        with(&good.pid, Some(&huge)),
        with(&good.pid[..good.pid.len() - 1], Some(offset)),
        with(offset, Some(&good.pid)),
    ] {
        let mut socket = resynced(&bob, &former).await;
        ada.say(&conversation, "live").await;
        assert_eq!(socket.texts(1).await, ["live"], "which starts anew");
    }
    recovered(&bob, Transport::WebSocket, &good).await;
}

#[tokio::test]
async fn an_offset_that_was_changed_gives_nobody_what_he_may_not_see() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let mut socket = SocketIo::ready(&bob, Transport::WebSocket).await;
    ada.say(&conversation, "one").await;
    socket.texts(1).await;
    let good = socket.former();
    let offset = good.offset.clone().unwrap();
    for place in 0..offset.len() {
        let mut bytes = offset.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let former = Former { offset: Some(String::from_utf8(bytes).unwrap()), ..good.clone() };
        let (mut socket, _) = SocketIo::back(&bob, Transport::WebSocket, &former).await;
        socket.is_alive().await;
    }
}

#[tokio::test]
async fn values_of_another_type_are_no_former_connection() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for (pid, offset) in
        [(json!(5), json!("a")), (json!({}), json!(null)), (json!(null), json!(7)), (json!([]), json!([]))]
    {
        let auth = json!({ "token": ada.token, "pid": pid, "offset": offset });
        let mut socket = SocketIo::connect(&ada, Transport::WebSocket, &auth).await.unwrap();
        assert_eq!(socket.event().await.name, "ready", "{auth}");
        socket.is_alive().await;
    }
}

#[tokio::test]
async fn what_belongs_to_another_user_is_answered_with_resync() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let eve = server.signup("eve").await;
    let mut socket = SocketIo::ready(&bob, Transport::WebSocket).await;
    ada.say(&conversation, "one").await;
    socket.texts(1).await;
    let bobs = socket.lost();
    ada.say(&conversation, "secret").await;
    let mut socket = resynced(&eve, &bobs).await;
    let with_eve = ada.direct(&eve).await;
    ada.say(&with_eve, "for eve").await;
    assert_eq!(socket.texts(1).await, ["for eve"]);
    let eves = socket.lost();
    ada.say(&with_eve, "for eve, too").await;
    // An offset of another connection counts as none.
    let mixed = Former { pid: eves.pid, offset: bobs.offset };
    let mut socket = recovered(&eve, Transport::WebSocket, &mixed).await;
    assert_eq!(socket.texts(2).await, ["for eve", "for eve, too"]);
    socket.is_alive().await;
}
