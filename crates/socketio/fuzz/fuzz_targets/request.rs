//! A request's method and query string, the method before the first line end: what is taken is a session's id out of
//! the query, and what is refused has an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_socketio::engine::Request;

fuzz_target!(|text: &str| {
    let (method, query) = text.split_once('\n').unwrap_or(("GET", text));
    for websocket in [false, true] {
        match Request::parse(method, query, websocket) {
            Ok(Request::OpenPolling) => assert!(!websocket),
            Ok(Request::OpenWebSocket) => assert!(websocket),
            Ok(Request::Poll { sid } | Request::Post { sid }) => assert!(!websocket && is_value(query, &sid)),
            Ok(Request::Upgrade { sid }) => assert!(websocket && is_value(query, &sid)),
            Err(refusal) => assert!((400..500).contains(&refusal.status()) && refusal.body().starts_with('{')),
        }
    }
});

fn is_value(query: &str, sid: &str) -> bool {
    !sid.is_empty() && query.split('&').any(|pair| pair.strip_prefix("sid=") == Some(sid))
}
