//! Ids: each request reads and writes several.

#![expect(clippy::unwrap_used, reason = "a benchmark that can't go on fails")]

use divan::{Bencher, black_box};
use parlor_domain::{MessageId, OsEntropy, SystemClock};

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
    bencher.bench_local(|| MessageId::generate(&SystemClock, &OsEntropy));
}
