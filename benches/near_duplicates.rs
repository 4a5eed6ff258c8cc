//! Seconds to find near duplicates among random hashes: `cargo bench --bench near_duplicates [N] [BITS]`.
#![allow(clippy::print_stdout, missing_docs, reason = "a benchmark talks to the terminal")]

use std::time::Instant;

use ablatrix::dataset::near_duplicates::{alike, distance};
use ablatrix::seed::Key;
use ablatrix::tables::rows::PictureHashRow;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|arg| arg.parse().ok());
    let n: u32 = numbers.next().unwrap_or(100_000);
    let most_bits: u32 = numbers.next().unwrap_or(31);
    let rows: Vec<PictureHashRow> = (0..n).map(row).collect();
    let start = Instant::now();
    let groups = alike(&rows, most_bits);
    let seconds = start.elapsed().as_secs_f64();
    println!("{n} hashes, {most_bits} bits: {} groups in {seconds:.2} s", groups.len());
    let few = rows.len().min(10_000);
    let start = Instant::now();
    let mut pairs = 0u64;
    for a in 0..few {
        for b in 0..a {
            pairs += u64::from(distance(&rows[a].hash, &rows[b].hash) <= most_bits);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("comparing the first {few} with each other on one core: {pairs} pairs in {seconds:.2} s");
}

/// Every hundredth image repeats the one before with 20 bits turned.
fn row(id: u32) -> PictureHashRow {
    let of = |id: u32| -> [u8; 32] {
        let mut draws = Key::root(u64::from(id)).draws();
        std::array::from_fn(|_| draws.below(256) as u8)
    };
    let mut hash = of(id);
    if id % 100 == 99 {
        hash = of(id - 1);
        (0..20).for_each(|i| hash[i] ^= 1);
    }
    PictureHashRow { image_id: i64::from(id), hash, detail: 100 }
}
