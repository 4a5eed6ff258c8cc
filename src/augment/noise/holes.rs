//! Rectangular holes, and what stands in them.

use crate::augment::Mask;
use crate::pixels::RgbImage;
use crate::seed::Key;
use crate::spec::ops::Fill;

/// A rectangle of whole pixels within a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

impl Hole {
    /// A hole of this size in a picture of `of` (width, height), which is at least as large. `x` and `y` are uniform in
    /// 32 bits, and so are all places.
    pub fn placed([width, height]: [usize; 2], of: [usize; 2], [x, y]: [u32; 2]) -> Self {
        let place = |room: usize, share: u32| (((room as u64 + 1) * u64::from(share)) >> 32) as usize;
        Hole { left: place(of[0] - width, x), top: place(of[1] - height, y), width, height }
    }

    /// Fills it; what is random comes from `key`.
    pub fn fill(&self, image: &mut RgbImage, fill: Fill, key: Key) {
        let mut random = Bytes::new(key);
        let colour = match fill {
            Fill::Level(level) => Some([level; 3]),
            Fill::RandomUniform => {
                let mut colour = [0; 3];
                random.read(&mut colour);
                Some(colour)
            }
            Fill::Random => None,
        };
        let stride = image.width * 3;
        for y in self.top..self.top + self.height {
            let row = &mut image.data[y * stride + self.left * 3..][..self.width * 3];
            match colour {
                Some([level, g, b]) if level == g && g == b => row.fill(level),
                Some(colour) => row.as_chunks_mut().0.fill(colour),
                None => random.read(row),
            }
        }
    }

    /// What was there is gone.
    pub fn fill_mask(&self, mask: &mut Mask) {
        for y in self.top..self.top + self.height {
            mask.data[y * mask.width + self.left..][..self.width].fill(0);
        }
    }
}

/// A key's stream as bytes, in order.
struct Bytes {
    key: Key,
    /// The block that comes after those in `blocks`.
    next: u64,
    bytes: [u8; SOME],
    used: usize,
}

/// Bytes made at once.
const SOME: usize = 512;

impl Bytes {
    fn new(key: Key) -> Self {
        Bytes { key, next: 0, bytes: [0; SOME], used: SOME }
    }

    fn read(&mut self, mut to: &mut [u8]) {
        while !to.is_empty() {
            if self.used == SOME {
                let mut blocks = [[0; 4]; SOME / 16];
                self.key.fill(self.next, &mut blocks);
                self.next += blocks.len() as u64;
                for (four, word) in self.bytes.as_chunks_mut().0.iter_mut().zip(blocks.as_flattened()) {
                    *four = word.to_le_bytes();
                }
                self.used = 0;
            }
            let n = to.len().min(SOME - self.used);
            let (head, tail) = to.split_at_mut(n);
            head.copy_from_slice(&self.bytes[self.used..][..n]);
            self.used += n;
            to = tail;
        }
    }
}
