//! Colours in linear light, as [red, green, blue] in 0 to 1.
//!
//! The screen value of a colour is the square root of its light: a gamma of 2, which needs no `pow`.

use super::noise;
use crate::seed::Draws;

/// Linear light.
pub type Rgb = [f32; 3];

/// From screen values in 0 to 1.
pub fn screen(red: f32, green: f32, blue: f32) -> Rgb {
    [red * red, green * green, blue * blue]
}

/// A grey of the screen value `v`.
pub fn grey(v: f32) -> Rgb {
    screen(v, v, v)
}

/// From hue (in turns), saturation and value.
pub fn hsv(hue: f32, saturation: f32, value: f32) -> Rgb {
    let sector = (hue - hue.floor()) * 6.0;
    // Each channel is a trapezoid over the hue circle.
    let channel = |offset: f32| {
        let k = (offset + sector) % 6.0;
        value * (1.0 - saturation * k.min(4.0 - k).clamp(0.0, 1.0))
    };
    screen(channel(5.0), channel(3.0), channel(1.0))
}

/// A strong colour of any hue.
pub fn vivid(draws: &mut Draws) -> Rgb {
    hsv(draws.f32(), draws.range_f32(0.55, 0.95), draws.range_f32(0.5, 0.95))
}

/// A weak, light colour of any hue.
pub fn pale(draws: &mut Draws) -> Rgb {
    hsv(draws.f32(), draws.range_f32(0.05, 0.3), draws.range_f32(0.75, 0.95))
}

/// Nearly white.
pub fn white(draws: &mut Draws) -> Rgb {
    hsv(draws.range_f32(0.08, 0.6), draws.range_f32(0.0, 0.08), draws.range_f32(0.82, 0.96))
}

/// The brown of cardboard.
pub fn brown(draws: &mut Draws) -> Rgb {
    hsv(draws.range_f32(0.075, 0.105), draws.range_f32(0.3, 0.5), draws.range_f32(0.5, 0.75))
}

/// `a` to `b` as `t` goes from 0 to 1.
#[inline]
pub fn blend(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [noise::mix(a[0], b[0], t), noise::mix(a[1], b[1], t), noise::mix(a[2], b[2], t)]
}

/// Each channel times `factor`.
#[inline]
pub fn scale(a: Rgb, factor: f32) -> Rgb {
    [a[0] * factor, a[1] * factor, a[2] * factor]
}
