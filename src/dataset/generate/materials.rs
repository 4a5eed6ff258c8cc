//! The materials, each as a surface to be bent, creased and printed.

use super::colour::{Rgb, grey, hsv, scale, white};
use super::surface::{Bump, Form, Print, Surface};
use crate::seed::Draws;

/// Dull, opaque and flat: what the others start from.
fn plain(base: Rgb) -> Surface {
    Surface {
        base,
        ink: base,
        print: Print::Plain,
        form: Form::Flat,
        bump: Bump::None,
        gloss: 0.0,
        sharp: 0,
        metal: 0.0,
        opacity: 1.0,
        rim: 0.0,
    }
}

/// Painted or bare sheet metal: hard reflections.
pub fn metal(base: Rgb) -> Surface {
    Surface { gloss: 0.9, sharp: 5, metal: 0.75, ..plain(base) }
}

/// Bare aluminium.
pub fn aluminium(draws: &mut Draws) -> Surface {
    metal(hsv(0.58, 0.03, draws.range_f32(0.76, 0.92)))
}

/// Crumpled aluminium foil.
pub fn foil(draws: &mut Draws) -> Surface {
    let size = draws.range_f32(0.07, 0.13);
    Surface { metal: 0.92, gloss: 0.6, sharp: 5, bump: Bump::Facets { size, depth: 1.1 }, ..aluminium(draws) }
}

/// Glass of a tint: what lies below shows, edges are dark, highlights are small and bright.
pub fn glass(tint: Rgb, opacity: f32) -> Surface {
    Surface { gloss: 2.4, sharp: 6, opacity, rim: 0.95, ..plain(scale(tint, 0.8)) }
}

/// Opaque hard plastic: even colour, wide soft highlights.
pub fn plastic(base: Rgb) -> Surface {
    Surface { gloss: 0.4, sharp: 3, ..plain(base) }
}

/// Clear thin-walled plastic: pale, with many weak highlights.
pub fn clear_plastic(draws: &mut Draws) -> Surface {
    let base = hsv(draws.range_f32(0.5, 0.62), draws.range_f32(0.02, 0.14), 0.86);
    let bump = Bump::Facets { size: draws.range_f32(0.08, 0.16), depth: 0.28 };
    let opacity = draws.range_f32(0.2, 0.36);
    Surface { gloss: 0.9, sharp: 4, opacity, rim: 0.55, bump, ..plain(base) }
}

/// Thin film: folds, glints, and the ground below.
pub fn film(base: Rgb, opacity: f32, draws: &mut Draws) -> Surface {
    let bump = Bump::Folds { size: draws.range_f32(0.16, 0.3), depth: draws.range_f32(0.7, 1.2) };
    Surface { gloss: 0.8, sharp: 4, opacity, rim: 0.5, bump, ..plain(base) }
}

/// Paper: white, dull, with soft creases.
pub fn paper(base: Rgb, draws: &mut Draws) -> Surface {
    let bump = Bump::Facets { size: draws.range_f32(0.14, 0.32), depth: draws.range_f32(0.1, 0.3) };
    Surface { bump, ink: grey(0.2), ..plain(base) }
}

/// Board: dull and stiff, with fibres.
pub fn board(base: Rgb) -> Surface {
    Surface { bump: Bump::Grain { size: 0.012, depth: 0.1 }, ..plain(base) }
}

/// Foam: white beads.
pub fn foam(draws: &mut Draws) -> Surface {
    let size = draws.range_f32(0.022, 0.04);
    Surface { bump: Bump::Grain { size, depth: 0.55 }, gloss: 0.05, sharp: 2, ..plain(white(draws)) }
}

/// Cloth, rubber, food: dull and rough.
pub fn rough(base: Rgb, draws: &mut Draws) -> Surface {
    let size = draws.range_f32(0.03, 0.09);
    Surface { bump: Bump::Folds { size, depth: 0.8 }, ..plain(base) }
}

/// Rusty or dirty metal.
pub fn rust(draws: &mut Draws) -> Surface {
    let ink = hsv(draws.range_f32(0.04, 0.08), 0.75, draws.range_f32(0.3, 0.5));
    let print = Print::Stains { size: 0.2, amount: draws.range_f32(0.35, 0.7) };
    Surface { metal: 0.45, gloss: 0.3, ink, print, ..metal(grey(draws.range_f32(0.45, 0.65))) }
}

impl Surface {
    /// Bent so.
    pub fn form(self, form: Form) -> Self {
        Surface { form, ..self }
    }

    /// Creased so.
    pub fn bump(self, bump: Bump) -> Self {
        Surface { bump, ..self }
    }

    /// Printed so.
    pub fn print(self, print: Print, ink: Rgb) -> Self {
        Surface { print, ink, ..self }
    }

    /// Bent around a line along x.
    pub fn tube(self, radius: f32, taper: f32) -> Self {
        self.form(Form::Tube { y: 0.0, radius, taper })
    }

    /// Bulging around the origin.
    pub fn dome(self, rx: f32, ry: f32, flat: f32) -> Self {
        self.form(Form::Dome { x: 0.0, y: 0.0, rx, ry, flat })
    }

    /// Darker by `factor`, as the inside of a vessel.
    pub fn dark(self, factor: f32) -> Self {
        Surface { base: scale(self.base, factor), ink: scale(self.ink, factor), ..self }
    }
}
