//! The AsyncAPI document: the plain WebSocket, described from the tables and shapes that serve it, and how Socket.IO
//! carries the same.

mod messages;
mod schemas;

use serde_json::{Map, Value, json};

use crate::{
    live::CloseCode,
    problem::ProblemCode,
    wire::{CommandKind, EventKind},
};
use messages::Messages;

const DESCRIPTION: &str = "Events and commands over one WebSocket, in text frames of JSON with the same shapes as the \
REST API.

**Opening.** `GET /api/v1/ws`. Who opens it is told by `Authorization: Bearer …`, by a one-time `ticket` from `POST \
/api/v1/ws/ticket` in the URL, by cookie (from a page of an allowed origin), or else by the command `auth`, which has \
to come within 10 seconds and the first 4,096 bytes; its answer is waited for before anything else is sent. A token \
in the URL is refused.

**Events** are `{\"event\", \"stream\", \"rev\", \"data\"}`. The first one is `ready`. A stream is a conversation or \
one's own user id; its changes carry the revisions 1, 2, 3 … in order, and a client keeps the last one of each \
stream. Revisions may be skipped where a later change has made an earlier one obsolete. Clients ignore events and \
members that they do not know.

**Coming back.** Open the socket with `?resume=true`: nothing is pushed until the command `resume` has been answered \
with exactly what was missed, or with `resync` for what can't be told. Without it, events begin right after `ready`.

**Commands** are `{\"id\", \"command\", \"data\"}` and are carried out one after another. Each is answered by \
`{\"reply\": id, \"data\"}` or `{\"reply\": id, \"problem\"}`, where the problem is that of REST. A bad command closes \
nothing. The `id` is a text of at most 64 characters or a whole number; the answer to a command without one has \
`\"reply\": null`.

**Socket.IO.** The same events and commands at `/socket.io/`, for stock clients of Socket.IO (protocol 5; long-polling, \
WebSocket and the upgrade to it), in the namespace `/`. Who connects is told by `auth: { token }` or `auth: { ticket }`, \
else by what the first request brings. An event has three arguments: its `data`, `{ stream, rev }` (empty for what \
belongs to no stream), and a text, the offset. A command is an event of its name with its `data`, and is acknowledged \
with `{ data }` or `{ problem }`; without a callback a problem comes as the event `problem`. A stock client of JavaScript that comes back is recovered by itself: what it missed is \
pushed first. `auth: { resume: true }` is like `?resume=true`.

**Limits.** `ready` tells them. Frames are text; a message may have at most 64 frames. Ping frames are answered, and \
the server sends its own. What ends a socket is listed under `x-close-codes`.";

/// The AsyncAPI 3 document of the plain WebSocket.
pub fn asyncapi() -> Value {
    let mut messages = Messages::default();
    let operations = operations(&mut messages);
    let (messages, schemas) = messages.into_components();
    let names = messages.keys().map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") })));
    let security = ["bearer", "ticket", "cookie"]
        .map(|scheme| json!({ "$ref": format!("#/components/securitySchemes/{scheme}") }));
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Parlor",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": { "local": {
            "host": "127.0.0.1:8080",
            "protocol": "ws",
            "description": "A server started with its defaults. Behind HTTPS the protocol is `wss`.",
            "security": security,
        } },
        "channels": { "socket": {
            "address": "/api/v1/ws",
            "description": "The socket.",
            "messages": names.collect::<Map<_, _>>(),
            "bindings": { "ws": { "method": "GET", "query": query(), "bindingVersion": "0.1.0" } },
            "x-close-codes": close_codes(),
        } },
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas, "securitySchemes": security_schemes() },
    })
}

/// What goes over the socket, from the server's point of view: one operation for all events, one for each command.
fn operations(messages: &mut Messages) -> Map<String, Value> {
    let events = EventKind::ALL.map(|kind| messages.event(kind));
    let mut operations = Map::new();
    operations.insert(
        "events".to_owned(),
        json!({
            "action": "send",
            "channel": channel(),
            "summary": "What the server pushes.",
            "messages": events.map(|name| in_channel(&name)),
        }),
    );
    for kind in CommandKind::ALL {
        let (command, answer, refusal) = messages.command(kind);
        let operation = json!({
            "action": "receive",
            "channel": channel(),
            "summary": kind.description(),
            "messages": [in_channel(&command)],
            "reply": { "channel": channel(), "messages": [in_channel(&answer), in_channel(&refusal)] },
            "x-problems": problems(kind).map(ProblemCode::name).collect::<Vec<_>>(),
        });
        operations.insert(kind.name().to_owned(), operation);
    }
    operations
}

fn channel() -> Value {
    json!({ "$ref": "#/channels/socket" })
}

fn in_channel(message: &str) -> Value {
    json!({ "$ref": format!("#/channels/socket/messages/{message}") })
}

/// The problems that a command may be refused with.
fn problems(kind: CommandKind) -> impl Iterator<Item = ProblemCode> {
    use ProblemCode as Code;
    let own: &[ProblemCode] = match kind {
        CommandKind::Auth => &[
            Code::InvalidToken,
            Code::TokenExpired,
            Code::SessionEnded,
            Code::TooManyConnections,
            Code::AlreadyAuthenticated,
        ],
        CommandKind::Ping => &[Code::Unauthenticated],
        CommandKind::Resume => &[Code::Unauthenticated, Code::RateLimited],
        CommandKind::MessageSend => &[
            Code::Unauthenticated,
            Code::NotFound,
            Code::NotPermitted,
            Code::NotAllowedToWrite,
            Code::UserBlocked,
            Code::ClientMessageIdReused,
            Code::RecipientDeleted,
            Code::RateLimited,
            Code::StoreFull,
        ],
        CommandKind::MessageEdit => &[
            Code::Unauthenticated,
            Code::NotFound,
            Code::NotPermitted,
            Code::MessageDeleted,
            Code::NotAllowedToWrite,
            Code::UserBlocked,
            Code::RecipientDeleted,
            Code::RateLimited,
            Code::StoreFull,
        ],
        CommandKind::MessageDelete | CommandKind::MessageUnpin => {
            &[Code::Unauthenticated, Code::NotFound, Code::NotPermitted, Code::RateLimited, Code::StoreFull]
        }
        CommandKind::MessagePin => &[
            Code::Unauthenticated,
            Code::NotFound,
            Code::NotPermitted,
            Code::MessageDeleted,
            Code::LimitReached,
            Code::NotAllowedToWrite,
            Code::UserBlocked,
            Code::RecipientDeleted,
            Code::RateLimited,
            Code::StoreFull,
        ],
        CommandKind::ReactionAdd => &[
            Code::Unauthenticated,
            Code::NotFound,
            Code::MessageDeleted,
            Code::LimitReached,
            Code::NotAllowedToWrite,
            Code::UserBlocked,
            Code::RecipientDeleted,
            Code::RateLimited,
            Code::StoreFull,
        ],
        CommandKind::ReactionRemove => &[Code::Unauthenticated, Code::NotFound, Code::RateLimited, Code::StoreFull],
        CommandKind::TypingStart | CommandKind::TypingStop => {
            &[Code::Unauthenticated, Code::NotFound, Code::RateLimited]
        }
        CommandKind::ReceiptRead | CommandKind::ReceiptDelivered => {
            &[Code::Unauthenticated, Code::NotFound, Code::RateLimited, Code::StoreFull]
        }
        CommandKind::ConversationCreate => {
            &[Code::Unauthenticated, Code::UserBlocked, Code::NotAllowedToWrite, Code::RateLimited, Code::StoreFull]
        }
        CommandKind::MemberAdd => &[
            Code::Unauthenticated,
            Code::NotFound,
            Code::NotPermitted,
            Code::ChannelIsPublic,
            Code::LimitReached,
            Code::UserBlocked,
            Code::NotAllowedToWrite,
            Code::RateLimited,
            Code::StoreFull,
        ],
        CommandKind::ConversationSettings => {
            &[Code::Unauthenticated, Code::NotFound, Code::RateLimited, Code::StoreFull]
        }
        CommandKind::ConversationUpdate
        | CommandKind::MemberUpdate
        | CommandKind::CommunityDelete
        | CommandKind::ChannelDelete => {
            &[Code::Unauthenticated, Code::NotFound, Code::NotPermitted, Code::RateLimited, Code::StoreFull]
        }
        CommandKind::MemberRemove => &[
            Code::Unauthenticated,
            Code::NotFound,
            Code::NotPermitted,
            Code::ChannelIsPublic,
            Code::RateLimited,
            Code::StoreFull,
        ],
        CommandKind::CommunityCreate => &[
            Code::Unauthenticated,
            Code::NotPermitted,
            Code::NameTaken,
            Code::LimitReached,
            Code::RateLimited,
            Code::StoreFull,
        ],
        CommandKind::CommunityJoin => {
            &[Code::Unauthenticated, Code::NotFound, Code::LimitReached, Code::RateLimited, Code::StoreFull]
        }
        CommandKind::ChannelCreate => &[
            Code::Unauthenticated,
            Code::NotFound,
            Code::NotPermitted,
            Code::NameTaken,
            Code::LimitReached,
            Code::RateLimited,
            Code::StoreFull,
        ],
        CommandKind::CommunityUpdate | CommandKind::ChannelUpdate => &[
            Code::Unauthenticated,
            Code::NotFound,
            Code::NotPermitted,
            Code::NameTaken,
            Code::RateLimited,
            Code::StoreFull,
        ],
        CommandKind::StatusSet | CommandKind::FriendRemove | CommandKind::UserUnblock => {
            &[Code::Unauthenticated, Code::RateLimited, Code::StoreFull]
        }
        CommandKind::FriendRequestSend => &[
            Code::Unauthenticated,
            Code::NotFound,
            Code::UserBlocked,
            Code::AlreadyFriends,
            Code::ListFull,
            Code::RateLimited,
            Code::StoreFull,
        ],
        CommandKind::FriendRequestAccept => &[
            Code::Unauthenticated,
            Code::NotFound,
            Code::ListFull,
            Code::RequestNotPending,
            Code::RateLimited,
            Code::StoreFull,
        ],
        CommandKind::FriendRequestReject | CommandKind::FriendRequestCancel => {
            &[Code::Unauthenticated, Code::NotFound, Code::RequestNotPending, Code::RateLimited, Code::StoreFull]
        }
        CommandKind::UserBlock => {
            &[Code::Unauthenticated, Code::NotFound, Code::ListFull, Code::RateLimited, Code::StoreFull]
        }
    };
    let common = [Code::InvalidJson, Code::ValidationFailed, Code::Internal, Code::StoreUnavailable];
    own.iter().copied().chain(common)
}

/// What the URL may say.
fn query() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "ticket": { "type": "string", "description": "A one-time ticket from `POST /api/v1/ws/ticket`." },
            "resume": {
                "type": "boolean",
                "default": false,
                "description": "Whether nothing is pushed before the command `resume` has been answered.",
            },
        },
    })
}

fn close_codes() -> Vec<Value> {
    let code = |code: CloseCode| {
        json!({
            "code": code.number(),
            "reason": code.name(),
            "description": code.meaning(),
            "afterwards": code.afterwards().name(),
            "advice": code.afterwards().advice(),
        })
    };
    CloseCode::ALL.into_iter().map(code).collect()
}

fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `accessToken` of a sign-up, login or renewal.",
        },
        "ticket": {
            "type": "httpApiKey",
            "in": "query",
            "name": "ticket",
            "description": "The `ticket` of `POST /api/v1/ws/ticket`, good once and for a short time.",
        },
        "cookie": {
            "type": "httpApiKey",
            "in": "cookie",
            "name": "parlor_access",
            "description": "Set by a sign-up or login with `\"session\": \"cookie\"`. Over HTTPS its name is \
                `__Host-parlor_access`; the first part can be configured. The page must be of an allowed origin.",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::CommandFrame;

    #[test]
    fn the_committed_document_is_that_of_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/asyncapi.json");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        let made = format!("{}\n", serde_json::to_string_pretty(&asyncapi()).unwrap());
        assert!(committed == made, "docs/asyncapi.json is out of date: `parlor asyncapi` prints what it has to be");
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        let document = asyncapi();
        let mut references = Vec::new();
        collect_references(&document, &mut references);
        assert!(references.len() > 50);
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    fn collect_references(value: &Value, references: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|value| collect_references(value, references));
            }
            Value::Array(elements) => elements.iter().for_each(|value| collect_references(value, references)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn the_example_of_every_command_is_accepted() {
        let document = asyncapi();
        for kind in CommandKind::ALL {
            let example = &document["components"]["messages"][kind.name()]["examples"][0]["payload"];
            let frame = CommandFrame::parse(&example.to_string());
            assert!(frame.command.is_ok(), "{example}: {:?}", frame.command);
        }
    }

    #[test]
    fn every_event_has_an_example_with_all_that_is_required_of_it() {
        let document = asyncapi();
        for kind in EventKind::ALL {
            let message = &document["components"]["messages"][kind.name()];
            let example = message["examples"][0]["payload"].as_object().unwrap();
            for name in message["payload"]["required"].as_array().unwrap() {
                assert!(example.contains_key(name.as_str().unwrap()), "{} {name}", kind.name());
            }
            assert!(example["data"].is_object(), "{}", kind.name());
        }
    }
}
