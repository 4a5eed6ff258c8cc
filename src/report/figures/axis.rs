//! Values to places: linear scales with round ticks.

use super::canvas::{Anchor, Canvas, Stroke, Type};
use super::ink::{AXIS, GRID};

/// A linear scale from values to points.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Least and largest value.
    pub domain: (f64, f64),
    /// Their places.
    pub range: (f64, f64),
    step: f64,
}

impl Axis {
    /// The scale that shows all of `values` that are finite, with some air; with about `ticks` ticks. `None` where there is none.
    pub fn over(values: impl IntoIterator<Item = f64>, range: (f64, f64), ticks: f64) -> Option<Self> {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        if low > high {
            return None;
        }
        // One value alone still needs a scale, and stands in its middle.
        let (low, high) = if high > low {
            (low, high)
        } else {
            let half = 0.05 * low.abs().max(1.0);
            (low - half, high + half)
        };
        let air = 0.04 * (high - low);
        let domain = (low - air, high + air);
        let mut axis = Axis { domain, range, step: round_step((domain.1 - domain.0) / ticks) };
        // One number alone says nothing of how far apart values are.
        while axis.ticks().len() < 2 {
            axis.step = round_step(0.4 * axis.step);
        }
        Some(axis)
    }

    /// The same with ticks at whole numbers only.
    pub fn with_whole_steps(self) -> Self {
        Axis { step: self.step.max(1.0), ..self }
    }

    /// The place of a value; beyond the ends for values beyond the domain.
    pub fn place(&self, value: f64) -> f64 {
        let ((low, high), (from, to)) = (self.domain, self.range);
        from + (value - low) / (high - low) * (to - from)
    }

    /// Round values within the domain, ascending, with their texts.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let (low, high) = self.domain;
        let decimals = (-self.step.log10().floor()).clamp(0.0, 12.0) as usize;
        let count = ((high - low) / self.step) as i64 + 1;
        let first = (low / self.step).ceil();
        let at = |i: i64| (first + i as f64) * self.step;
        (0..=count)
            .map(at)
            .filter(|value| *value <= high)
            .map(|value| (value, tick(value, decimals)))
            .collect()
    }

    /// Draws a horizontal axis below `bottom`, with lines of a grid up to `top`. Returns where its texts end.
    pub fn draw_horizontal(&self, canvas: &mut Canvas, (top, bottom): (f64, f64), title: &str) -> f64 {
        for (value, text) in self.ticks() {
            let x = self.place(value);
            canvas.line((x, top), (x, bottom), Stroke::solid(GRID, 0.5));
            canvas.line((x, bottom), (x, bottom + 3.0), Stroke::solid(AXIS, 0.5));
            canvas.text((x, bottom + 10.5), Type::SMALL.at(Anchor::Middle), &text);
        }
        canvas.line((self.range.0, bottom), (self.range.1, bottom), Stroke::solid(AXIS, 0.75));
        let middle = 0.5 * (self.range.0 + self.range.1);
        let room = 2.0 * middle.min(canvas.width() - middle);
        canvas.name((middle, bottom + 22.0), Type::SMALL.at(Anchor::Middle), room, title);
        bottom + 26.0
    }

    /// Draws a vertical axis left of `left`, with lines of a grid to `right`.
    pub fn draw_vertical(&self, canvas: &mut Canvas, (left, right): (f64, f64)) {
        for (value, text) in self.ticks() {
            let y = self.place(value);
            canvas.line((left, y), (right, y), Stroke::solid(GRID, 0.5));
            canvas.text((left - 3.0, y + 2.5), Type::SMALL.at(Anchor::End), &text);
        }
        canvas.line((left, self.range.0), (left, self.range.1), Stroke::solid(AXIS, 0.75));
    }
}

/// The least of 1, 2, 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|step| *step >= least).unwrap_or(least)
}

/// A value with a minus as such.
fn tick(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| b == b'0' || b == b'.') => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: [f64; 2]) -> Vec<String> {
        let axis = Axis::over(values, (0.0, 100.0), 5.0).unwrap();
        axis.ticks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(texts([-2.3, 3.1]), ["−2", "0", "2"]);
        assert_eq!(texts([0.12, 0.5]), ["0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(texts([7.0, 7.0]), ["6.8", "7.0", "7.2"]);
        assert_eq!(Axis::over([f64::NAN], (0.0, 1.0), 5.0), None);
    }

    #[test]
    fn places_are_linear_either_way() {
        let axis = Axis { domain: (-1.0, 3.0), range: (100.0, 20.0), step: 1.0 };
        assert_eq!([axis.place(-1.0), axis.place(1.0), axis.place(3.0)], [100.0, 60.0, 20.0]);
    }
}
