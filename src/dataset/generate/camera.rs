//! The camera: from linear light to 8-bit screen values, with the faults of a phone.

use super::canvas::Canvas;
use super::noise::{Field, mix, step};
use crate::pixels::RgbImage;
use crate::seed::{Draws, Key};

/// How one picture is taken.
pub struct Camera {
    /// Per channel: the colour of the light that was not balanced out.
    gains: [f32; 3],
    /// Mean light of the picture.
    exposure: f32,
    /// Change of light over the picture's width and height.
    gradient: [f32; 2],
    /// Loss of light in the corners.
    vignette: f32,
    /// Strength of the contrast curve.
    contrast: f32,
    /// Share of a 3x3 blur.
    blur: f32,
    /// Peak of the noise, in screen values of 0 to 1.
    noise: f32,
    /// Shade of something outside the picture: its size as a share of the side, and its strength.
    shade: Option<(f32, f32)>,
}

impl Camera {
    /// Another camera, hour and hand.
    pub fn new(draws: &mut Draws) -> Self {
        let warmth = draws.normal() as f32 * 0.17;
        let warmth = warmth.clamp(-0.4, 0.5);
        let tint = draws.range_f32(-0.1, 0.1);
        let bright = draws.normal() as f32 * 0.38;
        Camera {
            gains: [1.0 + warmth, 1.0 + tint, 1.0 - warmth * 0.9],
            exposure: 0.2 * libm::exp2f(bright.clamp(-1.5, 1.2)),
            gradient: [draws.range_f32(-0.3, 0.3), draws.range_f32(-0.3, 0.3)],
            vignette: draws.range_f32(0.0, 0.5),
            contrast: draws.range_f32(0.0, 0.7),
            blur: if draws.chance(0.35) { draws.range_f32(0.3, 1.0) } else { 0.0 },
            noise: draws.range_f32(0.01, 0.06),
            shade: draws.chance(0.2).then(|| (draws.range_f32(0.3, 0.7), draws.range_f32(0.3, 0.6))),
        }
    }

    /// Takes the picture. `key` names the noise of the sensor and the shape of the shade.
    pub fn take(&self, canvas: &Canvas, key: Key) -> RgbImage {
        let (width, height) = (canvas.width, canvas.height);
        let n = canvas.light.len().max(1) as f32;
        let mean = canvas.light.iter().map(|c| 0.3 * c[0] + 0.6 * c[1] + 0.1 * c[2]).sum::<f32>() / n;
        let exposure = self.exposure / mean.max(1e-4);
        let shade = self.shade.map(|(size, strength)| {
            let period = size * width.max(height) as f32;
            (Field::new(width, height, [period, period], 3, key.child("shade").draws().next_u32()), strength)
        });
        let noise = key.child("sensor");
        let mut image = RgbImage::new(width, height);
        for y in 0..height {
            for x in 0..width {
                let (dx, dy) = (x as f32 / width as f32 - 0.5, y as f32 / height as f32 - 0.5);
                let mut gain =
                    exposure * (1.0 + 2.0 * (self.gradient[0] * dx + self.gradient[1] * dy)).max(0.2);
                gain *= 1.0 - self.vignette * (dx * dx + dy * dy) * 1.6;
                if let Some((field, strength)) = &shade {
                    gain *= 1.0 - strength * step(-0.05, 0.12, field.at(x, y));
                }
                let light =
                    if self.blur > 0.0 { self.blurred(canvas, x, y) } else { canvas.light[y * width + x] };
                let at = y * width + x;
                let block = noise.block(at as u64);
                let pixel = [0, 1, 2].map(|channel| {
                    let screen = self.tone(light[channel] * gain * self.gains[channel]);
                    let word = block[channel];
                    // Two bytes make a triangle around 0.
                    let grain = ((word & 255) as f32 + (word >> 24) as f32) / 255.0 - 1.0;
                    ((screen + grain * self.noise) * 255.0 + 0.5).clamp(0.0, 255.0) as u8
                });
                image.set_pixel(x, y, pixel);
            }
        }
        image
    }

    /// Linear light to a screen value: gamma 2, soft shoulder, contrast.
    fn tone(&self, light: f32) -> f32 {
        let light = light.max(0.0);
        let rolled = light * (1.0 + light * 0.16) / (1.0 + light * 0.5);
        let screen = rolled.sqrt().min(1.0);
        mix(screen, screen * screen * (3.0 - 2.0 * screen), self.contrast)
    }

    fn blurred(&self, canvas: &Canvas, x: usize, y: usize) -> [f32; 3] {
        let (x_end, y_end) = ((x + 2).min(canvas.width), (y + 2).min(canvas.height));
        let mut sum = [0.0f32; 3];
        let mut n = 0.0;
        for row in y.saturating_sub(1)..y_end {
            for light in &canvas.light[row * canvas.width + x.saturating_sub(1)..row * canvas.width + x_end] {
                sum = [sum[0] + light[0], sum[1] + light[1], sum[2] + light[2]];
                n += 1.0;
            }
        }
        let here = canvas.light[y * canvas.width + x];
        [0, 1, 2].map(|c| mix(here[c], sum[c] / n, self.blur))
    }
}
