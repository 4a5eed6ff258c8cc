//! A sum of values that change one at a time: a change costs the logarithm of their number.
//!
//! Each node is the sum of its two children, so the sum depends on the values alone, not on how they came about:
//! equal values give equal bits, and ties stay ties.

/// The values, with the sums above them.
#[derive(Clone, Debug)]
pub struct SumTree {
    /// The root at 1; the children of `i` at `2 i` and `2 i + 1`.
    nodes: Vec<f64>,
    n_leaves: usize,
}

impl SumTree {
    /// `n` zeros.
    pub fn new(n: usize) -> Self {
        let n_leaves = n.next_power_of_two();
        SumTree { nodes: vec![0.0; 2 * n_leaves], n_leaves }
    }

    /// Replaces value `at`.
    pub fn set(&mut self, at: usize, value: f64) {
        let mut node = self.n_leaves + at;
        self.nodes[node] = value;
        while node > 1 {
            node /= 2;
            self.nodes[node] = self.nodes[2 * node] + self.nodes[2 * node + 1];
        }
    }

    /// The sum of all values.
    pub fn sum(&self) -> f64 {
        self.nodes[1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_does_not_matter() {
        let values = [0.1, 0.7, 1.0 / 3.0, 0.2, 0.9];
        let mut there = SumTree::new(values.len());
        let mut back = there.clone();
        for (at, &value) in values.iter().enumerate() {
            there.set(at, value);
            back.set(values.len() - 1 - at, 5.0);
        }
        for (at, &value) in values.iter().enumerate().rev() {
            back.set(at, value);
        }
        assert_eq!(there.sum().to_bits(), back.sum().to_bits());
        assert!((there.sum() - values.iter().sum::<f64>()).abs() < 1e-15);
        let mut one = SumTree::new(1);
        one.set(0, 0.5);
        assert_eq!(one.sum(), 0.5);
    }
}
