//! Ids: each request reads and writes several.

#![expect(clippy::unwrap_used, reason = "a benchmark that can't go on fails")]

use divan::{Bencher, black_box};
use parlor_domain::{ClientMessageId, ConversationId, MessageId, OsEntropy, SystemClock, UserId};

const TEXT: &str = "6740a1b2c3d4e5f601234567";

fn main() {
    divan::main();
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| black_box(TEXT).parse::<MessageId>());
}

#[divan::bench]
fn print(bencher: Bencher<'_, '_>) {
    let id: MessageId = TEXT.parse().unwrap();
    bencher.bench_local(|| black_box(id).to_string());
}

#[divan::bench]
fn generate(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| ConversationId::generate(&SystemClock, &OsEntropy));
}

#[divan::bench]
fn of_a_send(bencher: Bencher<'_, '_>) {
    let (conversation, sender) = (ConversationId::from_bytes([1; 12]), UserId::from_bytes([2; 12]));
    let name = ClientMessageId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
    bencher.bench_local(|| MessageId::for_send(black_box(conversation), sender, Some(&name), &OsEntropy));
}
