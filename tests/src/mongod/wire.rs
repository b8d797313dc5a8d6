//! As much of MongoDB's wire protocol as it takes to set up servers: one command and its reply (OP_MSG).

use std::{
    io::{Cursor, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use bson::{Document, doc};

const OP_MSG: i32 = 2013;
const HEADER: usize = 16;
/// Flags, and the kind of the one section.
const FRAME: usize = 5;
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a command on a database of the server at an address, such as `127.0.0.1:27017`. The server must ask neither
/// for credentials nor for TLS.
pub fn command(address: &str, database: &str, mut command: Document) -> Result<Document> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    command.insert("$db", database);
    let body = command.to_vec()?;
    let length = i32::try_from(HEADER + FRAME + body.len())?;
    let mut message = Vec::new();
    for number in [length, 1, 0, OP_MSG, 0] {
        message.extend(number.to_le_bytes());
    }
    message.push(0);
    message.extend(body);
    stream.write_all(&message)?;

    let mut header = [0; HEADER];
    stream.read_exact(&mut header)?;
    let length = usize::try_from(i32::from_le_bytes([header[0], header[1], header[2], header[3]]))?;
    let mut reply = vec![0; length.checked_sub(HEADER).context("a reply is too short")?];
    stream.read_exact(&mut reply)?;
    let body = reply.get(FRAME..).context("a reply is too short")?;
    let reply = Document::from_reader(Cursor::new(body))?;
    let succeeded = reply.get_f64("ok").is_ok_and(|ok| ok == 1.0);
    ensure!(succeeded, "{command}: {}", reply.get_str("errmsg").unwrap_or("no reason given"));
    Ok(reply)
}

/// Deletes the database of that name on the replica set or server that a URL names.
pub fn drop_database(url: &str, database: &str) -> Result<()> {
    let rest = url.split_once("://").context("this is no URL")?.1;
    let hosts = rest.split(['/', '?']).next().unwrap_or_default();
    for host in hosts.split(',') {
        let address = if host.contains(':') { host.to_owned() } else { format!("{host}:27017") };
        let hello = command(&address, "admin", doc! { "hello": 1 });
        if hello.is_ok_and(|hello| hello.get_bool("isWritablePrimary").unwrap_or(false)) {
            return command(&address, database, doc! { "dropDatabase": 1 }).map(drop);
        }
    }
    bail!("nobody at {hosts} takes writes")
}
