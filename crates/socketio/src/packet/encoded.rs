//! Packets as Engine.IO frames.

use bytes::Bytes;
use bytestring::ByteString;

use super::args::Args;
use super::{Content, Event, Namespace, Packet};
use crate::engine::Frame;
use crate::json::quote;

/// An encoded packet. A clone shares the bytes, so what goes to many is encoded once for each namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    namespace: Namespace,
    text: ByteString,
    attachments: Vec<Bytes>,
}

impl Encoded {
    /// Whom the packet is for.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// A packet without attachments whose text [`Encoded::text`] gave before.
    pub fn from_text(namespace: &Namespace, text: ByteString) -> Self {
        Self { namespace: namespace.clone(), text, attachments: Vec::new() }
    }

    /// The text as it goes over the wire, with the type of the Engine.IO message before it: all of the packet if it has
    /// no attachments.
    pub fn text(&self) -> &ByteString {
        &self.text
    }

    /// The same event or acknowledgement with one more argument: for one that goes to many and ends differently for
    /// each. Packets of other types have no arguments, and stay as they are.
    #[must_use]
    pub fn with_last(&self, argument: &str) -> Self {
        let Some(open) = self.text.strip_suffix(']') else { return self.clone() };
        let separator = if open.ends_with('[') { "" } else { "," };
        Self { text: [open, separator, &quote(argument), "]"].concat().into(), ..self.clone() }
    }

    /// What to send, in this order and with nothing in between.
    pub fn frames(&self) -> impl Iterator<Item = Frame> {
        let attachments = self.attachments.iter().cloned().map(Frame::Binary);
        std::iter::once(Frame::Text(self.text.clone())).chain(attachments)
    }

    fn new(namespace: &Namespace, text: String, attachments: &[Bytes]) -> Self {
        Self { namespace: namespace.clone(), text: text.into(), attachments: attachments.to_vec() }
    }
}

impl Packet {
    /// The packet as it goes over the wire.
    pub fn encode(&self) -> Encoded {
        match &self.content {
            Content::Connect(data) => self.encode_plain('0', data.as_ref().map_or("", |data| data.as_str())),
            Content::Disconnect => self.encode_plain('1', ""),
            Content::Event { id, event } => event.encode(&self.namespace, *id),
            Content::Ack { id, args } => args.encode_ack(&self.namespace, *id),
            Content::ConnectError(data) => self.encode_plain('4', data.as_str()),
        }
    }

    fn encode_plain(&self, kind: char, data: &str) -> Encoded {
        let mut text = header(kind, &[], &self.namespace, None, data.len());
        text.push_str(data);
        Encoded::new(&self.namespace, text, &[])
    }
}

impl Event {
    /// The event as a packet for `namespace`; with an id, the receiver is to acknowledge it.
    pub fn encode(&self, namespace: &Namespace, id: Option<u64>) -> Encoded {
        let args = self.args();
        let name = quote(self.name());
        let kind = if args.attachments().is_empty() { '2' } else { '5' };
        let mut text = header(kind, args.attachments(), namespace, id, name.len() + args.list().len() + 3);
        text.push('[');
        text.push_str(&name);
        if !args.is_empty() {
            text.push(',');
            text.push_str(args.list());
        }
        text.push(']');
        Encoded::new(namespace, text, args.attachments())
    }
}

impl Args {
    /// The arguments as the acknowledgement of the event `id`.
    pub fn encode_ack(&self, namespace: &Namespace, id: u64) -> Encoded {
        let kind = if self.attachments().is_empty() { '3' } else { '6' };
        let mut text = header(kind, self.attachments(), namespace, Some(id), self.list().len() + 2);
        text.push('[');
        text.push_str(self.list());
        text.push(']');
        Encoded::new(namespace, text, self.attachments())
    }
}

/// What stands before the payload (specification: "Format"), behind the type of an Engine.IO message.
fn header(kind: char, attachments: &[Bytes], namespace: &Namespace, id: Option<u64>, payload_len: usize) -> String {
    let mut text = String::with_capacity(32 + namespace.as_str().len() + payload_len);
    text.push('4');
    text.push(kind);
    if !attachments.is_empty() {
        text.push_str(&attachments.len().to_string());
        text.push('-');
    }
    if !namespace.is_main() {
        text.push_str(namespace.as_str());
        text.push(',');
    }
    if let Some(id) = id {
        text.push_str(&id.to_string());
    }
    text
}
