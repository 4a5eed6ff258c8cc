//! Units of several images: placed first, so that each part gets its share of them and of their labels.
//!
//! A unit may be a pair of photos or a whole series with all labels in it, so that no rule for one image at a
//! time does it justice. What is made small is the chi-square distance of the parts: the sum over labels and parts of
//! `(found - expected)^2 / expected`, counted in images, beside the same sum for the images themselves, which
//! weighs as much as all labels together. The largest unit goes first, each to where the distance grows least;
//! then units are moved and exchanged as long as that makes the distance smaller. `expected` is a part's share of the
//! images in such units alone: single images are divided around them by the method that the spec names, and no
//! part gets more than its share of repeated photos.

use std::cmp::Reverse;

use super::units::Unit;
use super::{choose, most};
use crate::seed::Key;

/// Units up to which every exchange of two is tried; of more, single moves come close enough.
const EXCHANGED: usize = 400;

/// A smaller gain is rounding.
const LEAST_GAIN: f64 = 1e-9;

/// The position among `shares` of the part of each unit of several images, in the order of `units`; `None` for single images.
pub(super) fn divide(units: &[Unit], shares: &[f64], key: Key) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..units.len()).filter(|&idx| units[idx].single().is_none()).collect();
    let mut parts = vec![None; units.len()];
    let mut draws = key.child("grouped").draws();
    draws.shuffle(&mut order);
    order.sort_by_key(|&idx| Reverse(units[idx].members.len()));

    let grouped: Vec<&Unit> = order.iter().map(|&idx| &units[idx]).collect();
    let mut balance = Balance::new(&grouped, shares);
    // Single images fill every part; without any, a part is not left empty if that can be helped.
    balance.must_fill = grouped.len() == units.len();
    let mut placed = Vec::with_capacity(grouped.len());
    for unit in 0..grouped.len() {
        let free = balance.parts_for(grouped.len() - unit);
        let near = most(&free, |part| -balance.change(unit, part, 1.0), LEAST_GAIN);
        let part = choose(&near, &mut draws);
        balance.add(unit, part, 1.0);
        placed.push(part);
    }
    balance.improve(&mut placed);
    for (&idx, part) in order.iter().zip(placed) {
        parts[idx] = Some(part);
    }
    parts
}

/// What the parts hold, and what they should.
struct Balance {
    /// Per unit: what it adds, as positions in `found` with counts; the last position is that of images.
    counts: Vec<Vec<(usize, f64)>>,
    /// [labels and images, parts]
    found: Vec<Vec<f64>>,
    expected: Vec<Vec<f64>>,
    /// Units of each part.
    units: Vec<usize>,
    /// Parts with a share.
    open: Vec<usize>,
    /// How much a deviation of each position weighs.
    weights: Vec<f64>,
    /// No part may stay without a unit.
    must_fill: bool,
}

impl Balance {
    fn new(units: &[&Unit], shares: &[f64]) -> Self {
        let n_labels = units.first().and_then(|unit| unit.rows.first()).map_or(0, |row| row.len());
        let mut total = vec![0.0; n_labels + 1];
        let counts: Vec<Vec<(usize, f64)>> = units
            .iter()
            .map(|unit| {
                let labels = unit.counts().into_iter().map(|(label, count)| (label, f64::from(count)));
                labels.chain([(n_labels, unit.members.len() as f64)]).collect()
            })
            .collect();
        for &(position, count) in counts.iter().flatten() {
            total[position] += count;
        }
        let occurring = total[..n_labels].iter().filter(|&&count| count > 0.0).count();
        let mut weights = vec![1.0; n_labels];
        weights.push(occurring.max(1) as f64);
        Balance {
            expected: total.iter().map(|&count| shares.iter().map(|share| share * count).collect()).collect(),
            found: vec![vec![0.0; shares.len()]; n_labels + 1],
            units: vec![0; shares.len()],
            open: (0..shares.len()).filter(|&part| shares[part] > 0.0).collect(),
            counts,
            weights,
            must_fill: false,
        }
    }

    /// By how much the distance grows where `unit` comes to `part` (`sign` 1) or leaves it (-1).
    fn change(&self, unit: usize, part: usize, sign: f64) -> f64 {
        let of = |&(position, count): &(usize, f64)| {
            let expected = self.expected[position][part];
            let off = self.found[position][part] - expected;
            self.weights[position] * (2.0 * sign * off * count + count * count) / expected
        };
        self.counts[unit].iter().map(of).sum()
    }

    /// The parts that the next unit may go to: the empty ones, where the `n_left` units are just enough for them.
    fn parts_for(&self, n_left: usize) -> Vec<usize> {
        let empty: Vec<usize> = self.open.iter().copied().filter(|&part| self.units[part] == 0).collect();
        if self.must_fill && !empty.is_empty() && n_left <= empty.len() { empty } else { self.open.clone() }
    }

    fn add(&mut self, unit: usize, part: usize, sign: f64) {
        for &(position, count) in &self.counts[unit] {
            self.found[position][part] += sign * count;
        }
        self.units[part] = if sign > 0.0 { self.units[part] + 1 } else { self.units[part] - 1 };
    }

    /// Moves and exchanges units while the distance becomes smaller. It ends: no state comes twice.
    fn improve(&mut self, placed: &mut [usize]) {
        while self.move_units(placed) || (placed.len() <= EXCHANGED && self.exchange_units(placed)) {}
    }

    fn move_units(&mut self, placed: &mut [usize]) -> bool {
        let mut better = false;
        for (unit, place) in placed.iter_mut().enumerate() {
            let from = *place;
            if self.must_fill && self.units[from] == 1 {
                continue;
            }
            let without = self.change(unit, from, -1.0);
            let gain = |&part: &usize| -(without + self.change(unit, part, 1.0));
            let others = self.open.iter().copied().filter(|&part| part != from);
            let best = others.max_by(|a, b| gain(a).total_cmp(&gain(b)));
            if let Some(part) = best.filter(|part| gain(part) > LEAST_GAIN) {
                self.add(unit, from, -1.0);
                self.add(unit, part, 1.0);
                *place = part;
                better = true;
            }
        }
        better
    }

    fn exchange_units(&mut self, placed: &mut [usize]) -> bool {
        let mut better = false;
        for one in 0..placed.len() {
            for other in one + 1..placed.len() {
                let (from, to) = (placed[one], placed[other]);
                if from == to {
                    continue;
                }
                let mut change = self.change(one, from, -1.0) + self.change(one, to, 1.0);
                self.add(one, from, -1.0);
                self.add(one, to, 1.0);
                change += self.change(other, to, -1.0) + self.change(other, from, 1.0);
                if change < -LEAST_GAIN {
                    self.add(other, to, -1.0);
                    self.add(other, from, 1.0);
                    placed.swap(one, other);
                    better = true;
                } else {
                    self.add(one, to, -1.0);
                    self.add(one, from, 1.0);
                }
            }
        }
        better
    }
}
