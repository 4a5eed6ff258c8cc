//! Iterative stratification: the rarest labels are divided first, while there is still a choice.
//!
//! Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011, in the
//! second order of Szymański and Kajdanowicz, "A network perspective on stratification of multi-label data",
//! LIDTA 2017: what is counted are pairs of labels that occur together, each label with itself included, so
//! that the parts agree in combinations and not only in frequencies.

use std::collections::BTreeMap;

use super::{PARTS, Unit};
use crate::seed::{Draws, Key};
use crate::tables::rows::Part;

/// The part of each unit, in the order of `units`, which ascend by image id.
pub(super) fn divide(units: &[Unit], shares: [f64; 3], key: Key) -> Vec<Part> {
    let mut draws = key.child("iterative").draws();
    let mut order: Vec<usize> = (0..units.len()).collect();
    draws.shuffle(&mut order);
    let mut state = State::new(units, shares);
    // The units of each pair, in the order in which they are placed.
    let mut units_of = vec![Vec::new(); state.left.len()];
    for &idx in &order {
        for &pair in &state.pairs_of[idx] {
            units_of[pair].push(idx);
        }
    }

    while let Some(pair) = state.rarest(&mut draws) {
        for &idx in &units_of[pair] {
            if state.parts[idx].is_none() {
                let part_idx = state.neediest(Some(pair), &mut draws);
                state.place(idx, part_idx);
            }
        }
    }
    for idx in order {
        // Images without labels fill up what is still short.
        if state.parts[idx].is_none() {
            let part_idx = state.neediest(None, &mut draws);
            state.place(idx, part_idx);
        }
    }
    state.parts.into_iter().map(|part| part.unwrap_or(Part::Train)).collect()
}

struct State {
    /// The pairs of each unit, as positions among all pairs that occur.
    pairs_of: Vec<Vec<usize>>,
    /// Units of each pair that are not placed yet.
    left: Vec<usize>,
    /// How many units of each pair each part still wants: [pairs, parts].
    wanted: Vec<[f64; 3]>,
    /// How many units each part still wants.
    room: [f64; 3],
    /// Parts with a share.
    open: [bool; 3],
    parts: Vec<Option<Part>>,
}

impl State {
    fn new(units: &[Unit], shares: [f64; 3]) -> Self {
        let mut known: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for pair in units.iter().flat_map(|unit| pairs(unit.positives)) {
            let n_pairs = known.len();
            known.entry(pair).or_insert(n_pairs);
        }
        let positions = |unit: &Unit| pairs(unit.positives).iter().map(|pair| known[pair]).collect();
        let pairs_of: Vec<Vec<usize>> = units.iter().map(positions).collect();
        let mut left = vec![0u32; known.len()];
        for &pair in pairs_of.iter().flatten() {
            left[pair] += 1;
        }
        State {
            wanted: left.iter().map(|&count| shares.map(|share| share * f64::from(count))).collect(),
            left: left.iter().map(|&count| count as usize).collect(),
            room: shares.map(|share| share * units.len() as f64),
            open: shares.map(|share| share > 0.0),
            parts: vec![None; units.len()],
            pairs_of,
        }
    }

    /// The pair with the fewest units left, by chance among equals.
    fn rarest(&self, draws: &mut Draws) -> Option<usize> {
        let fewest = self.left.iter().copied().filter(|&count| count > 0).min()?;
        let equal: Vec<usize> = (0..self.left.len()).filter(|&pair| self.left[pair] == fewest).collect();
        Some(choose(&equal, draws))
    }

    /// The part that wants `pair` most; among equals the one with the most room; then by chance.
    fn neediest(&self, pair: Option<usize>, draws: &mut Draws) -> usize {
        let need =
            |part_idx: usize| (pair.map_or(0.0, |pair| self.wanted[pair][part_idx]), self.room[part_idx]);
        let mut best: Vec<usize> = Vec::new();
        for part_idx in (0..PARTS.len()).filter(|&part_idx| self.open[part_idx]) {
            let order = best.first().map(|&other| {
                let (a, b) = (need(part_idx), need(other));
                a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
            });
            match order {
                Some(std::cmp::Ordering::Less) => {}
                Some(std::cmp::Ordering::Equal) => best.push(part_idx),
                _ => best = vec![part_idx],
            }
        }
        choose(&best, draws)
    }

    fn place(&mut self, idx: usize, part_idx: usize) {
        self.parts[idx] = Some(PARTS[part_idx]);
        self.room[part_idx] -= 1.0;
        for &pair in &self.pairs_of[idx] {
            self.left[pair] -= 1;
            self.wanted[pair][part_idx] -= 1.0;
        }
    }
}

/// All pairs of labels that are both positive, a label with itself included.
fn pairs(positives: &[bool]) -> Vec<(usize, usize)> {
    let labels: Vec<usize> = (0..positives.len()).filter(|&label_idx| positives[label_idx]).collect();
    let from = |place: usize| labels[place..].iter().map(move |&high| (place, high));
    (0..labels.len()).flat_map(from).map(|(place, high)| (labels[place], high)).collect()
}

fn choose(among: &[usize], draws: &mut Draws) -> usize {
    match among {
        // A sum of shares of 1 leaves at least one part open.
        [] => 0,
        [only] => *only,
        _ => among[draws.below(among.len() as u64) as usize],
    }
}
