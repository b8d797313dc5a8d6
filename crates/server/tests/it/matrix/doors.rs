//! The doors: a call by REST, by the plain WebSocket and by Socket.IO.

use std::fmt;

use reqwest::header::HeaderName;
use serde_json::{Value, json};

use super::{
    calls::Call,
    stage::{Caller, Session, Stage},
};
use crate::{
    live::refused,
    socketio::client::{SocketIo, Transport},
    support::Answer,
};

/// A way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Rest,
    Plain,
    SocketIo,
}

/// What came of a call, with names in the place of ids.
#[derive(Clone, PartialEq)]
pub(super) struct Outcome {
    status: u16,
    headers: Vec<String>,
    /// What was answered instead of a problem.
    pub(super) body: Value,
    /// Why it was refused, without what is each request's own.
    pub(super) problem: Option<Value>,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answered = self.problem.as_ref().unwrap_or(&self.body).to_string();
        let beginning: String = answered.chars().take(300).collect();
        write!(f, "{} {beginning} {:?}", self.status, self.headers)
    }
}

impl Outcome {
    /// Whether it was carried out.
    pub(super) const fn is_ok(&self) -> bool {
        self.status < 400 && self.problem.is_none()
    }

    /// Why it was refused, as a word.
    pub(super) fn code(&self) -> &str {
        self.problem.as_ref().and_then(|problem| problem["code"].as_str()).unwrap_or("ok")
    }

    /// Whether this name is in what was answered.
    pub(super) fn shows(&self, name: &str) -> bool {
        self.body.to_string().contains(name)
    }

    /// Whether nothing was said beside that it was carried out.
    pub(super) fn is_empty(&self) -> bool {
        self.body.is_null() || self.body == json!({})
    }

    fn of_request(answer: Answer, stage: &Stage) -> Self {
        let (status, mut body) = (answer.status.as_u16(), stage.tell(&answer.body));
        let mut headers: Vec<String> = answer.headers.keys().map(HeaderName::to_string).collect();
        headers.sort();
        if status < 400 {
            return Self { status, headers, body, problem: None };
        }
        assert!(body["code"].is_string(), "{status}: {body}");
        body.as_object_mut().unwrap().remove("requestId").unwrap();
        Self { status, headers, body: Value::Null, problem: Some(body) }
    }

    fn of_problem(problem: &Value, stage: &Stage) -> Self {
        let problem = stage.tell(problem);
        let status = problem["status"].as_u64().unwrap().try_into().unwrap();
        Self { status, headers: Vec::new(), body: Value::Null, problem: Some(problem) }
    }

    /// Of `{"data": …}` or `{"problem": …}`.
    fn of_reply(reply: &Value, stage: &Stage) -> Self {
        match reply.get("problem") {
            Some(problem) => Self::of_problem(problem, stage),
            None => Self { status: 200, headers: Vec::new(), body: stage.tell(&reply["data"]), problem: None },
        }
    }
}

impl Door {
    pub(super) const ALL: [Self; 3] = [Self::Rest, Self::Plain, Self::SocketIo];

    /// Has it carried out.
    pub(super) async fn carry_out(self, caller: &Caller, call: &Call, stage: &Stage) -> Outcome {
        match self {
            Self::Rest => {
                let mut request = caller.client.request(call.method.clone(), &stage.fill(&call.path));
                if let Some(body) = &call.body {
                    request = request.json(&stage.fill_in(body));
                }
                Outcome::of_request(caller.client.send(request).await, stage)
            }
            Self::Plain => plain(caller, call, stage).await,
            Self::SocketIo => socket_io(caller, call, stage).await,
        }
    }
}

async fn plain(caller: &Caller, call: &Call, stage: &Stage) -> Outcome {
    if caller.session == Session::Ended {
        // He comes no further than the door.
        return Outcome::of_request(refused(&caller.client, "", &[]).await, stage).without_headers();
    }
    let mut socket = caller.client.socket().await;
    Outcome::of_reply(&socket.command(&call.command, stage.fill_in(&call.data)).await, stage)
}

async fn socket_io(caller: &Caller, call: &Call, stage: &Stage) -> Outcome {
    let auth = caller.client.token.as_ref().map_or(json!({}), |token| json!({ "token": token }));
    match SocketIo::connect(&caller.client, Transport::WebSocket, &auth).await {
        Err(refusal) => Outcome::of_problem(&refusal["data"], stage),
        Ok(mut socket) => Outcome::of_reply(&socket.command(&call.command, stage.fill_in(&call.data)).await, stage),
    }
}

impl Outcome {
    fn without_headers(self) -> Self {
        Self { headers: Vec::new(), ..self }
    }
}
