//! Queues of sessions that wait most of the time.

use std::collections::VecDeque;

/// Takes the oldest. An empty queue keeps no memory: there are many sessions, and in most of them nothing happens.
pub(crate) fn pop<T>(queue: &mut VecDeque<T>) -> Option<T> {
    let oldest = queue.pop_front();
    if queue.is_empty() {
        *queue = VecDeque::new();
    }
    oldest
}
