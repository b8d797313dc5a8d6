//! What of the socket is understood as a command, and what is refused.

use serde_json::json;

use super::*;

const CONVERSATION: &str = "6740a1b2c3d4e5f6aaaaaaaa";

/// The code of the problem with a frame, the fields it names with their codes, and where the answer goes.
fn refusal(text: &str) -> (&'static str, Vec<(String, String)>, ReplyId) {
    let frame = CommandFrame::parse(text);
    let problem = frame.command.unwrap_err();
    let fields = problem.document().errors.into_iter().map(|error| (error.field, error.code.into_owned()));
    (problem.code().name(), fields.collect(), frame.reply)
}

fn field_refusal(frame: serde_json::Value) -> (String, String) {
    let (code, mut fields, reply) = refusal(&frame.to_string());
    assert_eq!((code, reply), ("validation_failed", ReplyId::Number(1)), "{frame}");
    assert_eq!(fields.len(), 1, "{frame}");
    fields.remove(0)
}

#[test]
fn a_command_is_read_with_its_id_and_its_data() {
    let text = format!(
        r#"{{"id":"a-1","command":"message.send","data":{{"conversationId":"{CONVERSATION}","text":"hi",
            "metadata":{{"b": 1,  "a":1.0}},"clientMessageId":"c1"}}}}"#
    );
    let frame = CommandFrame::parse(&text);
    assert_eq!(frame.reply, ReplyId::Text("a-1".into()));
    let Ok(Command::MessageSend(conversation, message)) = frame.command else { panic!("{:?}", frame.command) };
    assert_eq!(conversation.to_string(), CONVERSATION);
    assert_eq!((message.text.as_deref(), message.client_message_id.as_deref()), (Some("hi"), Some("c1")));
    assert_eq!(message.metadata.unwrap().get(), r#"{"b": 1,  "a":1.0}"#, "kept byte for byte");
}

#[test]
fn every_command_is_known_by_its_name() {
    for kind in CommandKind::ALL {
        assert_eq!(CommandKind::from_name(kind.name()), Some(kind));
    }
    assert_eq!(CommandKind::from_name("Ping"), None);
}

#[test]
fn an_id_is_a_short_text_or_a_whole_number_or_absent() {
    let reply = |id: &str| CommandFrame::parse(&format!(r#"{{"id":{id},"command":"ping"}}"#));
    for (id, expected) in [
        ("0", ReplyId::Number(0)),
        ("-9007199254740991", ReplyId::Number(-9_007_199_254_740_991)),
        ("\"\"", ReplyId::Text(String::new())),
        (&format!("\"{}\"", "é".repeat(64)), ReplyId::Text("é".repeat(64))),
        ("null", ReplyId::None),
    ] {
        let frame = reply(id);
        assert_eq!(frame.reply, expected);
        assert!(matches!(frame.command, Ok(Command::Ping)), "{id}");
    }
    assert!(matches!(CommandFrame::parse(r#"{"command":"ping"}"#).command, Ok(Command::Ping)));
    for id in ["9007199254740992", "1.5", "1e3", "true", "{}", "[]", &format!("\"{}\"", "x".repeat(65))] {
        let frame = reply(id);
        assert_eq!(frame.reply, ReplyId::None);
        let errors = frame.command.unwrap_err().document().errors;
        assert_eq!((&*errors[0].field, &*errors[0].code), ("id", "invalid_reply_id"), "{id}");
    }
}

#[test]
fn what_is_no_json_is_refused_without_an_id() {
    for text in ["", "hello", "{", r#"{"id":1,"command":"ping"}}"#, r#"{"id":1,"id":2,"command":"ping"}"#, "\u{0}"] {
        let (code, _, reply) = refusal(text);
        assert_eq!((code, reply), ("invalid_json", ReplyId::None), "{text:?}");
    }
    let deep = format!(r#"{{"command":"ping","data":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    assert_eq!(refusal(&deep).0, "invalid_json");
    let lone_surrogate = r#"{"id":1,"command":"ping","data":{"a":"\ud800"}}"#;
    assert_eq!(refusal(lone_surrogate).0, "invalid_json");
}

#[test]
fn the_same_key_twice_is_refused_wherever_it_is() {
    let text = format!(
        r#"{{"id":1,"command":"message.send","data":{{"conversationId":"{CONVERSATION}","text":"a","text":"b"}}}}"#
    );
    assert_eq!(refusal(&text).0, "invalid_json");
}

#[test]
fn a_frame_is_an_object_with_these_members_and_no_others() {
    for text in ["[]", r#"["ping"]"#, "1", "null", r#""ping""#] {
        let (code, _, reply) = refusal(text);
        assert_eq!((code, reply), ("validation_failed", ReplyId::None), "{text}");
    }
    assert_eq!(field_refusal(json!({ "id": 1 })), ("command".into(), "missing".into()));
    assert_eq!(field_refusal(json!({ "id": 1, "command": 5 })), ("command".into(), "wrong_type".into()));
    let extra = json!({ "id": 1, "command": "ping", "extra": 1 });
    assert_eq!(field_refusal(extra), ("extra".into(), "unknown_field".into()));
}

#[test]
fn an_unknown_command_is_a_problem_of_its_own() {
    let (code, _, reply) = refusal(r#"{"id":"x","command":"message.destroy"}"#);
    assert_eq!((code, reply), ("unknown_command", ReplyId::Text("x".into())));
}

#[test]
fn data_obeys_the_rules_of_the_rest_call() {
    let cases = [
        ("ping", json!({ "a": 1 }), "a", "unknown_field"),
        ("message.edit", json!({ "conversationId": CONVERSATION, "messageId": CONVERSATION }), "text", "missing"),
        ("message.edit", json!({ "conversationId": CONVERSATION, "text": "a" }), "messageId", "missing"),
        ("message.delete", json!({ "conversationId": CONVERSATION, "messageId": "x" }), "messageId", "invalid_id"),
        (
            "reaction.add",
            json!({ "conversationId": CONVERSATION, "messageId": CONVERSATION, "emoji": "a" }),
            "emoji",
            "not_an_emoji",
        ),
        ("message.send", json!({ "conversationId": CONVERSATION, "text": {"$ne": null} }), "text", "wrong_type"),
        ("message.send", json!({ "conversationId": CONVERSATION, "text": " " }), "text", "empty"),
        ("message.send", json!({ "conversationId": CONVERSATION, "text": "a", "id": 1 }), "id", "unknown_field"),
        ("message.send", json!({ "text": "a" }), "conversationId", "missing"),
        ("message.send", json!({ "conversationId": "nope", "text": "a" }), "conversationId", "invalid_id"),
        ("message.send", json!({ "conversationId": 7, "text": "a" }), "conversationId", "wrong_type"),
        ("message.send", json!([]), "data", "wrong_type"),
        ("typing.start", json!({ "conversationId": CONVERSATION, "typing": true }), "typing", "unknown_field"),
        ("receipt.read", json!({ "conversationId": CONVERSATION, "seq": -1 }), "seq", "out_of_range"),
        ("receipt.read", json!({ "conversationId": CONVERSATION, "seq": "1" }), "seq", "wrong_type"),
        ("receipt.delivered", json!({ "conversationId": CONVERSATION }), "seq", "missing"),
        ("status.set", json!({ "kind": "gone" }), "kind", "unknown_value"),
        ("status.set", json!({ "kind": [] }), "kind", "wrong_type"),
        ("status.set", json!({ "kind": 7 }), "kind", "wrong_type"),
        ("friendRequest.send", json!({ "text": "hi" }), "userId", "missing"),
        ("friendRequest.send", json!({ "userId": CONVERSATION, "text": " " }), "text", "empty"),
        ("friendRequest.accept", json!({}), "requestId", "missing"),
        ("friendRequest.reject", json!({ "requestId": CONVERSATION, "text": "no" }), "text", "unknown_field"),
        ("friendRequest.cancel", json!({ "requestId": "x" }), "requestId", "invalid_id"),
        ("friend.remove", json!({ "userId": 7 }), "userId", "wrong_type"),
        ("user.block", json!({ "userId": "x" }), "userId", "invalid_id"),
        ("user.unblock", json!({}), "userId", "missing"),
        ("resume", json!({ "streams": { "nope": 1 } }), "streams", "invalid_id"),
        ("resume", json!({ "streams": { CONVERSATION: 9_007_199_254_740_992_u64 } }), "streams", "out_of_range"),
        ("resume", json!({}), "streams", "missing"),
        ("auth", json!({}), "token", "missing"),
        ("auth", json!({ "token": "a", "ticket": "b" }), "ticket", "ambiguous"),
        ("auth", json!({ "token": 5 }), "token", "wrong_type"),
    ];
    for (command, data, field, code) in cases {
        let frame = json!({ "id": 1, "command": command, "data": data });
        assert_eq!(field_refusal(frame), (field.to_owned(), code.to_owned()), "{command} {data}");
    }
}

#[test]
fn a_refused_token_is_not_repeated() {
    let frame = CommandFrame::parse(r#"{"id":1,"command":"auth","data":{"token":"s3cret","ticket":"s3cret"}}"#);
    let problem = frame.command.unwrap_err();
    assert!(!format!("{problem:?} {}", serde_json::to_string(&problem.document()).unwrap()).contains("s3cret"));
}

#[test]
fn answers_name_the_command() {
    let answer = |reply: &ReplyId| serde_json::to_string(&Answer { reply, data: super::super::Empty {} }).unwrap();
    assert_eq!(answer(&ReplyId::Number(7)), r#"{"reply":7,"data":{}}"#);
    assert_eq!(answer(&ReplyId::Text("a".into())), r#"{"reply":"a","data":{}}"#);
    assert_eq!(answer(&ReplyId::None), r#"{"reply":null,"data":{}}"#);
}
