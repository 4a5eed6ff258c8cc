//! How often each level occurs.

/// Counts of the 256 levels.
pub type Histogram = [u32; 256];

/// Of each channel of interleaved pixels.
pub fn of_channels(data: &[u8]) -> [Histogram; 3] {
    // Two of each: a level that comes twice in a row would have to wait for its own count.
    let mut counts = [[[0u32; 256]; 3]; 2];
    let [first, second] = &mut counts;
    let (pairs, rest) = data.as_chunks::<6>();
    for &[a, b, c, d, e, f] in pairs {
        first[0][usize::from(a)] += 1;
        first[1][usize::from(b)] += 1;
        first[2][usize::from(c)] += 1;
        second[0][usize::from(d)] += 1;
        second[1][usize::from(e)] += 1;
        second[2][usize::from(f)] += 1;
    }
    for (channel, &value) in first.iter_mut().zip(rest) {
        channel[usize::from(value)] += 1;
    }
    for (channel, more) in first.iter_mut().zip(second) {
        add(channel, more);
    }
    counts[0]
}

/// Counts of one channel that comes in pieces. Two of each: a level that comes twice in a row would have to wait for its
/// own count.
pub struct Counts([Histogram; 2]);

impl Counts {
    /// Nothing counted.
    pub fn none() -> Self {
        Counts([[0; 256]; 2])
    }

    /// Counts the levels of `plane`.
    #[inline]
    pub fn add(&mut self, plane: &[u8]) {
        let [first, second] = &mut self.0;
        let (pairs, rest) = plane.as_chunks::<2>();
        for &[a, b] in pairs {
            first[usize::from(a)] += 1;
            second[usize::from(b)] += 1;
        }
        for &value in rest {
            first[usize::from(value)] += 1;
        }
    }

    /// All that was counted.
    pub fn total(mut self) -> Histogram {
        let [first, second] = &mut self.0;
        add(first, second);
        self.0[0]
    }
}

fn add(histogram: &mut Histogram, more: &Histogram) {
    for (count, more) in histogram.iter_mut().zip(more) {
        *count += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_counts() {
        for n in [0, 1, 2, 5, 100, 101] {
            let data: Vec<u8> = (0..n * 3).map(|i| (i * 7 % 5) as u8).collect();
            for (c, histogram) in of_channels(&data).iter().enumerate() {
                let plane: Vec<u8> = data.iter().skip(c).step_by(3).copied().collect();
                let expected: Histogram = std::array::from_fn(|level| {
                    plane.iter().filter(|&&v| usize::from(v) == level).count() as u32
                });
                assert_eq!(*histogram, expected);
                let mut counts = Counts::none();
                let (left, right) = plane.split_at(plane.len() / 3);
                counts.add(left);
                counts.add(right);
                assert_eq!(counts.total(), expected);
            }
        }
    }
}
