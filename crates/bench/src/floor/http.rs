//! A bare actix-web server: JSON in, JSON out, nothing behind it.

use actix_web::{App, HttpResponse, HttpServer, rt::System, web};
use anyhow::Result;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Send {
    text: String,
    client_message_id: String,
}

/// About as long as what a chat server answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    id: &'static str,
    conversation_id: &'static str,
    seq: u64,
    sender_id: &'static str,
    text: &'a str,
    client_message_id: &'a str,
    created_at: &'static str,
}

async fn send(body: web::Json<Send>) -> HttpResponse {
    HttpResponse::Created().json(Sent {
        id: "6740a1b2c3d4e5f6bbbbbbbb",
        conversation_id: "6740a1b2c3d4e5f6aaaaaaaa",
        seq: 42,
        sender_id: "6740a1b2c3d4e5f601234567",
        text: &body.text,
        client_message_id: &body.client_message_id,
        created_at: "2026-11-21T10:57:31.042Z",
    })
}

/// Serves until the process is ended.
pub(crate) fn serve(port: u16) -> Result<()> {
    System::new().block_on(async move {
        let server = HttpServer::new(|| App::new().route("/send", web::post().to(send))).workers(1);
        let server = server.tcp_nodelay(true).bind(("127.0.0.1", port))?;
        for address in server.addrs() {
            println!("listening on http://{address}");
        }
        Ok(server.run().await?)
    })
}
