//! What is sent: one valid input for each command, every way to spoil it that its description in the AsyncAPI document
//! shows, and what only a certain world refuses.

use serde_json::{Map, Value, json};

/// One command with its data, in which `$name` stands for an id of the world.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) command: String,
    /// Who sends it.
    pub(super) sender: &'static str,
    /// JSON, as text.
    pub(super) data: String,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    /// It is carried out.
    Done,
    /// It is refused with this code.
    Refused(&'static str),
}

impl Row {
    fn new(command: &str, data: &Value, expected: Expected) -> Self {
        Self { command: command.to_owned(), sender: "ada", data: data.to_string(), expected }
    }

    /// Fails when the outcome is the same through every door but not the expected one.
    pub(super) fn check(&self, outcome: &Value) {
        match self.expected {
            Expected::Done => assert!(outcome.get("data").is_some(), "{self:?}: {outcome}"),
            Expected::Refused(code) => assert_eq!(outcome["problem"]["code"], code, "{self:?}: {outcome}"),
        }
    }
}

/// All rows for the commands that the document tells of.
pub(super) fn rows(asyncapi: &Value) -> Vec<Row> {
    let messages = asyncapi["components"]["messages"].as_object().unwrap();
    let commands = messages.iter().filter(|(_, message)| message["payload"]["properties"]["command"].is_object());
    let mut rows: Vec<Row> = commands.flat_map(|(name, message)| of_command(name, message, asyncapi)).collect();
    assert!(!rows.is_empty(), "the document tells of commands");
    rows.extend(of_the_world());
    rows
}

/// Data with which the command can be carried out.
fn valid(command: &str) -> Value {
    match command {
        "auth" => json!({ "token": "nonsense" }),
        "ping" => json!({}),
        "resume" => json!({ "streams": { "$direct": 0, "$unknown": 1, "$ada": 0 } }),
        "message.send" => {
            json!({ "conversationId": "$direct", "text": "Good morning", "metadata": { "b": 1, "a": [1.0, "é🙂"] } })
        }
        "message.edit" => {
            json!({ "conversationId": "$direct", "messageId": "$byAda", "text": "Good evening", "metadata": { "a": 1 } })
        }
        "message.delete" => json!({ "conversationId": "$direct", "messageId": "$another" }),
        "message.pin" | "message.unpin" => json!({ "conversationId": "$direct", "messageId": "$byBob" }),
        "reaction.add" | "reaction.remove" => {
            json!({ "conversationId": "$direct", "messageId": "$byBob", "emoji": "👍" })
        }
        "typing.start" | "typing.stop" => json!({ "conversationId": "$direct" }),
        "receipt.read" | "receipt.delivered" => json!({ "conversationId": "$direct", "seq": 1 }),
        "conversation.create" => json!({ "name": "Guild", "description": "made here", "memberIds": ["$bob"] }),
        "conversation.update" => json!({ "conversationId": "$group", "name": "Order", "description": "of knights" }),
        "conversation.settings" => json!({ "conversationId": "$group", "muted": true, "pinned": true }),
        "member.add" => json!({ "conversationId": "$group", "userIds": ["$eve", "$bob"] }),
        "member.remove" => json!({ "conversationId": "$group", "userId": "$eve" }),
        "member.update" => json!({ "conversationId": "$group", "userId": "$bob", "role": "admin" }),
        "community.create" => {
            json!({ "name": "Guild", "description": "of all", "category": "Tables", "privacy": "public" })
        }
        "community.update" => json!({
            "communityId": "$community", "name": "Order", "description": "of few", "category": "Chairs", "privacy": "private",
        }),
        "community.delete" => json!({ "communityId": "$doomed" }),
        "community.join" => json!({ "communityId": "$bobs" }),
        "channel.create" => json!({
            "communityId": "$community", "name": "general", "description": "of all", "position": 1, "access": "public",
        }),
        "channel.update" => json!({
            "channelId": "$channel", "name": "council", "description": "of few", "position": 2, "access": "private",
        }),
        "channel.delete" => json!({ "channelId": "$passing" }),
        "status.set" => json!({ "kind": "away", "text": "lunch", "until": "2023-11-14T23:00:00.000Z" }),
        "friendRequest.send" => json!({ "userId": "$bob", "text": "It's\nme" }),
        "friendRequest.accept" => json!({ "requestId": "$byEve" }),
        "friendRequest.reject" => json!({ "requestId": "$byFlo" }),
        "friendRequest.cancel" => json!({ "requestId": "$toIvy" }),
        "friend.remove" | "user.unblock" => json!({ "userId": "$bob" }),
        "user.block" => json!({ "userId": "$ivy" }),
        unknown => panic!("the command {unknown} needs a valid input here"),
    }
}

fn of_command(command: &str, message: &Value, asyncapi: &Value) -> Vec<Row> {
    let valid = valid(command);
    let expected = if command == "auth" { Expected::Refused("already_authenticated") } else { Expected::Done };
    let mut rows = vec![Row::new(command, &valid, expected)];
    let members = valid.as_object().unwrap();
    let schema = &message["payload"]["properties"]["data"];
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let with = |name: &str, value: Value| {
        let mut spoilt: Map<String, Value> = members.clone();
        spoilt.insert(name.to_owned(), value);
        Row::new(command, &spoilt.into(), Expected::Refused("validation_failed"))
    };
    for name in required {
        let mut spoilt = members.clone();
        spoilt.remove(name.as_str().unwrap());
        rows.push(Row::new(command, &spoilt.into(), Expected::Refused("validation_failed")));
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        rows.extend(wrong_values(schema, asyncapi).into_iter().map(|value| with(name, value)));
    }
    rows.push(with("unheardOf", json!(1)));
    for data in [json!([]), json!("text"), json!(7), json!(true), json!([[]])] {
        rows.push(Row::new(command, &data, Expected::Refused("validation_failed")));
    }
    // As good as no data, which is enough for a command that needs none.
    let expected = if members.is_empty() { Expected::Done } else { Expected::Refused("validation_failed") };
    rows.push(Row::new(command, &Value::Null, expected));
    rows
}

/// Values that a member of this description can't have.
fn wrong_values(schema: &Value, asyncapi: &Value) -> Vec<Value> {
    let types = schema["type"].to_string();
    let reference = schema["oneOf"][1]["$ref"].as_str().or(schema["$ref"].as_str()).unwrap_or_default();
    let named = &asyncapi["components"]["schemas"][reference.rsplit('/').next().unwrap_or_default()];
    let types = if named.is_object() { named["type"].to_string() } else { types };
    let mut values = vec![json!([1])];
    if !types.contains("array") {
        values.push(json!([]));
    }
    if !types.contains("boolean") {
        values.push(json!(true));
    }
    if types.contains("string") {
        values.extend([json!(7), json!({ "$ne": null })]);
    } else {
        values.push(json!("text"));
    }
    if let Some(most) = schema["maxLength"].as_u64() {
        values.push(json!("a".repeat(usize::try_from(most).unwrap() + 1)));
    }
    if schema["minLength"] == 1 {
        values.push(json!(""));
    }
    if schema["pattern"].is_string() || named["enum"].is_array() || schema["format"] == "date-time" {
        values.push(json!("no such thing"));
    }
    if types.contains("integer") {
        values.extend([json!(-1), json!(1.5), json!(9_007_199_254_740_992_u64), json!(1e300)]);
    }
    values
}

/// What is right by itself, and refused or answered for what the world is like. The order matters.
fn of_the_world() -> Vec<Row> {
    let mut rows = Vec::new();
    let refused = |command: &str, data: Value, code| Row::new(command, &data, Expected::Refused(code));
    let done = |command: &str, data: Value| Row::new(command, &data, Expected::Done);
    let with_id = |command: &'static str| {
        let data = valid(command);
        (command, move |id: &str| {
            let mut data = data.clone();
            data["conversationId"] = json!(id);
            data
        })
    };
    let in_conversation =
        ["message.send", "typing.start", "typing.stop", "receipt.read", "receipt.delivered"].map(with_id);
    let in_group = ["conversation.update", "member.add", "member.update", "member.remove"].map(with_id);
    for (command, data) in &in_group {
        rows.push(refused(command, data("$direct"), "not_a_group"));
        rows.push(refused(command, data("$led"), "not_permitted"));
    }
    let settings = with_id("conversation.settings");
    for (command, data) in in_conversation.iter().chain(&in_group).chain([&settings]) {
        for id in ["$unknown", "$foreign", "$ada"] {
            rows.push(refused(command, data(id), "not_found"));
        }
        rows.push(refused(command, data("6740A1b2"), "validation_failed"));
    }
    rows.push(refused("message.send", in_conversation[0].1("$gone"), "recipient_deleted"));

    let message = |text: &str| json!({ "conversationId": "$direct", "text": text, "clientMessageId": "c-1" });
    rows.extend([
        done("message.send", message("once")),
        done("message.send", message("once")),
        refused("message.send", message("something else"), "client_message_id_reused"),
        done("message.send", json!({ "conversationId": "$direct", "text": "once", "clientMessageId": null })),
        refused("message.send", json!({ "conversationId": "$direct", "text": " \n " }), "validation_failed"),
        refused("message.send", json!({ "conversationId": "$direct", "text": "a\u{0}b" }), "validation_failed"),
        refused("receipt.read", json!({ "conversationId": "$direct", "seq": 1000 }), "validation_failed"),
        done("receipt.read", json!({ "conversationId": "$direct", "seq": 0 })),
        refused("status.set", json!({ "kind": "busy", "until": "2001-01-01T00:00:00Z" }), "validation_failed"),
        done("status.set", json!({ "kind": "available" })),
        refused("resume", json!({ "streams": { "nonsense": 1 } }), "validation_failed"),
        refused("resume", json!({ "streams": { "$direct": -1 } }), "validation_failed"),
        done("resume", json!({ "streams": {} })),
        done("resume", json!({ "streams": { "$direct": 1_000_000, "$foreign": 0 } })),
        done("conversation.settings", json!({ "conversationId": "$direct", "mutedUntil": "2123-11-15T00:00:00Z" })),
        refused(
            "conversation.settings",
            json!({ "conversationId": "$direct", "muted": true, "mutedUntil": null }),
            "validation_failed",
        ),
        refused("conversation.create", json!({ "name": "x", "memberIds": ["$unknown"] }), "validation_failed"),
        refused("member.add", json!({ "conversationId": "$group", "userIds": ["$gus"] }), "validation_failed"),
        refused("member.update", json!({ "conversationId": "$group", "userId": "$eve", "role": "admin" }), "not_found"),
        done("member.remove", json!({ "conversationId": "$led", "userId": "$ada" })),
        refused("member.remove", json!({ "conversationId": "$led", "userId": "$ada" }), "not_found"),
        refused("message.destroy", json!({}), "unknown_command"),
    ]);
    rows.extend(of_communities());
    rows.extend(of_text());
    rows.extend(of_messages());
    rows.extend(of_people());
    for (command, data) in in_conversation {
        rows.push(Row { sender: "flo", ..refused(command, data("$flos"), "rate_limited") });
    }
    rows.push(Row { sender: "flo", ..refused("status.set", valid("status.set"), "rate_limited") });
    rows.push(Row { sender: "flo", ..refused("resume", json!({ "streams": {} }), "rate_limited") });
    rows
}

/// What is done and refused in communities and channels.
fn of_communities() -> Vec<Row> {
    let refused = |command: &str, data: Value, code| Row::new(command, &data, Expected::Refused(code));
    let mut rows = Vec::new();
    for command in ["community.update", "community.delete", "community.join", "channel.create"] {
        for id in ["$unknown", "$channel", "$group", "$hidden"] {
            let mut data = valid(command);
            data["communityId"] = json!(id);
            rows.push(refused(command, data, "not_found"));
        }
    }
    for command in ["channel.update", "channel.delete"] {
        for id in ["$unknown", "$community", "$group"] {
            let mut data = valid(command);
            data["channelId"] = json!(id);
            rows.push(refused(command, data, "not_found"));
        }
    }
    rows.extend([
        refused("community.create", json!({ "name": "  ORDER ", "privacy": "public" }), "name_taken"),
        refused("community.delete", json!({ "communityId": "$bobs" }), "not_permitted"),
        refused("message.send", json!({ "conversationId": "$community", "text": "hello" }), "not_permitted"),
        refused("member.add", json!({ "conversationId": "$channel", "userIds": ["$eve"] }), "validation_failed"),
        refused("member.remove", json!({ "conversationId": "$bobsChannel", "userId": "$ada" }), "channel_is_public"),
        refused(
            "conversation.update",
            json!({ "conversationId": "$community", "name": "Order", "description": "of few" }),
            "not_a_group",
        ),
    ]);
    rows
}

/// What is done and refused for what has become of a message.
fn of_messages() -> Vec<Row> {
    let done = |command: &str, data: Value| Row::new(command, &data, Expected::Done);
    let refused = |command: &str, data: Value, code| Row::new(command, &data, Expected::Refused(code));
    let at = |conversation: &str, message: &str, more: Value| {
        let mut data = json!({ "conversationId": conversation, "messageId": message });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    let (text, emoji, nothing) = (json!({ "text": "hello" }), json!({ "emoji": "👍" }), json!({}));
    let of_each = [
        ("message.edit", &text),
        ("message.delete", &nothing),
        ("message.pin", &nothing),
        ("message.unpin", &nothing),
        ("reaction.add", &emoji),
        ("reaction.remove", &emoji),
    ];
    let mut rows = vec![
        refused("message.edit", at("$direct", "$byBob", text.clone()), "not_permitted"),
        refused("message.delete", at("$direct", "$byBob", nothing.clone()), "not_permitted"),
        refused("message.edit", at("$direct", "$another", text.clone()), "message_deleted"),
        refused("reaction.add", at("$direct", "$another", emoji.clone()), "message_deleted"),
        done("message.delete", at("$direct", "$another", nothing.clone())),
        refused("message.send", json!({ "conversationId": "$direct" }), "validation_failed"),
        done("message.send", json!({ "conversationId": "$direct", "text": "yes", "replyTo": "$byBob" })),
        refused(
            "message.send",
            json!({ "conversationId": "$direct", "text": "?", "replyTo": "$another" }),
            "validation_failed",
        ),
        done(
            "message.send",
            json!({ "conversationId": "$group", "forward": { "conversationId": "$direct", "messageId": "$byBob" } }),
        ),
        refused(
            "message.send",
            json!({ "conversationId": "$group", "forward": { "conversationId": "$foreign", "messageId": "$byBob" } }),
            "not_found",
        ),
        refused(
            "message.send",
            json!({ "conversationId": "$group", "text": "x", "forward": { "conversationId": "$direct", "messageId": "$byBob" } }),
            "validation_failed",
        ),
    ];
    rows.extend((0..20).map(|n| done("reaction.add", at("$direct", "$byBob", json!({ "emoji": format!(":{n}:") })))));
    rows.push(refused("reaction.add", at("$direct", "$byBob", emoji.clone()), "limit_reached"));
    for (command, more) in of_each {
        for (conversation, message) in [("$direct", "$unknown"), ("$foreign", "$byBob"), ("$unknown", "$byBob")] {
            rows.push(refused(command, at(conversation, message, more.clone()), "not_found"));
        }
        rows.push(Row { sender: "flo", ..refused(command, at("$flos", "$byBob", more.clone()), "rate_limited") });
    }
    rows
}

/// What is done and refused for what users are to each other.
fn of_people() -> Vec<Row> {
    let done = |command: &str, data: Value| Row::new(command, &data, Expected::Done);
    let refused = |command: &str, data: Value, code| Row::new(command, &data, Expected::Refused(code));
    let user = |id: &str| json!({ "userId": id });
    let request = |id: &str| json!({ "requestId": id });
    let hello = || json!({ "conversationId": "$direct", "text": "hello" });
    let mut rows = vec![
        refused("friendRequest.send", user("$ada"), "validation_failed"),
        refused("friendRequest.send", user("$unknown"), "not_found"),
        refused("friendRequest.send", user("$gus"), "not_found"),
        refused("friendRequest.send", user("$eve"), "already_friends"),
        done("friendRequest.send", user("$bob")),
        done("friendRequest.accept", request("$byEve")),
        refused("friendRequest.reject", request("$byEve"), "request_not_pending"),
        done("friendRequest.reject", request("$byFlo")),
        refused("friendRequest.accept", request("$byFlo"), "request_not_pending"),
        done("friendRequest.cancel", request("$toIvy")),
        refused("user.block", user("$ada"), "validation_failed"),
        refused("user.block", user("$gus"), "not_found"),
        done("friend.remove", user("$unknown")),
        done("user.unblock", user("$unknown")),
        done("user.block", user("$bob")),
        refused("message.send", hello(), "user_blocked"),
        refused("friendRequest.send", user("$bob"), "user_blocked"),
        Row { sender: "bob", ..refused("message.send", hello(), "not_allowed_to_write") },
        Row { sender: "bob", ..done("friendRequest.send", user("$ada")) },
        done("typing.start", json!({ "conversationId": "$direct" })),
        done("user.unblock", user("$bob")),
        done("message.send", hello()),
    ];
    for command in ["friendRequest.accept", "friendRequest.reject", "friendRequest.cancel"] {
        for id in ["$unknown", "$strange", "$ada"] {
            rows.push(refused(command, request(id), "not_found"));
        }
        rows.push(Row { sender: "flo", ..refused(command, request("$byFlo"), "rate_limited") });
    }
    for command in ["friendRequest.send", "friend.remove", "user.block", "user.unblock"] {
        rows.push(Row { sender: "flo", ..refused(command, user("$bob"), "rate_limited") });
    }
    rows
}

/// What serde_json would not write.
fn of_text() -> Vec<Row> {
    let send = |members: &str, code: Option<&'static str>| Row {
        data: format!(r#"{{ "conversationId" : "$direct", "text":"hi", {members} }}"#),
        ..Row::new("message.send", &Value::Null, code.map_or(Expected::Done, Expected::Refused))
    };
    let nested = |depth| format!(r#""metadata":{}1{}"#, r#"{"a":"#.repeat(depth), "}".repeat(depth));
    vec![
        send(r#""metadata":{"a": 1.0,  "b":1e2, "\u00e9":"\ud83d\ude42"}"#, None),
        send(r#""metadata":{"a":1,"a":2}"#, Some("invalid_json")),
        send(r#""metadata":{"a":"\ud800"}"#, Some("invalid_json")),
        send(r#""metadata":{"a":1e999}"#, Some("invalid_json")),
        send(&nested(60), None),
        send(&nested(100), Some("invalid_json")),
    ]
}
