//! What waits until the client fetches it: bounded, in order, and the same for both transports.

use std::collections::VecDeque;

use super::packet::Frame;
use super::payload;
use crate::queue::pop;

/// What a packet costs on top of its bytes, so that a million empty ones are not free.
const OVERHEAD: usize = 64;

/// Encoded packets, oldest first.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    frames: VecDeque<Frame>,
    cost: usize,
}

impl Outbox {
    /// Appends frames that belong together, or says that there is no room for them. When nothing waits there always is.
    pub(super) fn push(&mut self, frames: impl IntoIterator<Item = Frame>, max: usize) -> Result<(), Full> {
        let (waiting, before) = (self.frames.len(), self.cost);
        for frame in frames {
            self.cost += frame.len() + OVERHEAD;
            self.frames.push_back(frame);
        }
        if waiting > 0 && self.cost > max {
            self.frames.truncate(waiting);
            self.cost = before;
            return Err(Full);
        }
        Ok(())
    }

    /// Puts a frame before all others, whether there is room or not.
    pub(super) fn push_front(&mut self, frame: Frame) {
        self.cost += frame.len() + OVERHEAD;
        self.frames.push_front(frame);
    }

    /// Takes the oldest frame.
    pub(super) fn pop(&mut self) -> Option<Frame> {
        let frame = pop(&mut self.frames)?;
        self.cost -= frame.len() + OVERHEAD;
        Some(frame)
    }

    /// Takes what fits in the answer to one poll: at least one frame, if there is any.
    pub(super) fn take_payload(&mut self, max_packets: usize, max_bytes: usize) -> Option<String> {
        let mut body = String::new();
        payload::append(&mut body, &self.pop()?);
        for _ in 1..max_packets {
            let Some(next) = self.frames.front() else { break };
            if body.len() + 1 + payload::encoded_len(next) > max_bytes {
                break;
            }
            if let Some(frame) = self.pop() {
                payload::append(&mut body, &frame);
            }
        }
        Some(body)
    }

    /// Bytes that wait, with what each packet costs on top.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// There is no room for a frame.
#[derive(Debug)]
pub(super) struct Full;
