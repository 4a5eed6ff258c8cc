//! The objects: each category as outlines and surfaces, drawn anew for every object.

mod bits;
mod bottles;
mod films;
mod metals;
mod papers;
mod vessels;

use super::canvas::Polygon;
use super::surface::Surface;
use crate::seed::Draws;

/// One piece of an object, with one surface.
pub struct Part {
    /// By the non-zero rule, in object lengths.
    pub outline: Vec<Polygon>,
    /// What it is made of.
    pub surface: Surface,
}

/// An object about 1 long, along x, with its middle at the origin.
pub struct Shape {
    /// From the lowest to the uppermost.
    pub parts: Vec<Part>,
    /// How far it stands above the ground, for its shadow; in object lengths.
    pub height: f32,
}

impl Shape {
    /// The outlines of all parts.
    pub fn outlines(&self) -> Vec<Polygon> {
        self.parts.iter().flat_map(|part| part.outline.iter().cloned()).collect()
    }

    fn new(height: f32) -> Self {
        Shape { parts: Vec::new(), height }
    }

    fn part(mut self, outline: Polygon, surface: Surface) -> Self {
        self.parts.push(Part { outline: vec![outline], surface });
        self
    }

    fn parts(mut self, outline: Vec<Polygon>, surface: Surface) -> Self {
        self.parts.push(Part { outline, surface });
        self
    }
}

/// An object of the category.
pub fn build(category_id: usize, draws: &mut Draws) -> Shape {
    match category_id {
        0 => metals::foil_ball(draws),
        1 => metals::battery(draws),
        2 => metals::blister(draws, false),
        3 => metals::blister(draws, true),
        4 => bottles::opaque(draws),
        5 => bottles::clear(draws),
        6 => bottles::glass(draws),
        7 => bottles::plastic_cap(draws),
        8 => metals::crown_cap(draws),
        9 => bits::shards(draws),
        10 => metals::food_can(draws),
        11 => metals::aerosol(draws),
        12 => metals::drink_can(draws),
        13 => papers::tube(draws),
        14 => papers::carton(draws),
        15 => papers::egg_carton(draws),
        16 => papers::drink_carton(draws),
        17 => papers::corrugated(draws),
        18 => papers::meal_carton(draws),
        19 => papers::pizza_box(draws),
        20 => vessels::paper_cup(draws),
        21 => vessels::clear_cup(draws),
        22 => vessels::foam_cup(draws),
        23 => vessels::glass_cup(draws),
        24 => vessels::coloured_cup(draws),
        25 => bits::food(draws),
        26 => bottles::jar(draws),
        27 => vessels::plastic_lid(draws),
        28 => metals::lid(draws),
        29 => bits::fragment(draws),
        30 => papers::magazine(draws),
        31 => papers::tissue(draws),
        32 => papers::wrapping(draws),
        33 => papers::sheet(draws),
        34 => papers::bag(draws, false),
        35 => papers::bag(draws, true),
        36 => films::film(draws),
        37 => films::six_pack_rings(draws),
        38 => films::garbage_bag(draws),
        39 => films::wrapper(draws),
        40 => films::carrier_bag(draws),
        41 => films::woven_bag(draws),
        42 => films::crisp_packet(draws),
        43 => vessels::tub(draws),
        44 => vessels::lunch_box(draws),
        45 => vessels::food_container(draws),
        46 => vessels::foam_container(draws),
        47 => vessels::pot(draws),
        48 => films::glove(draws),
        49 => bits::utensil(draws),
        50 => metals::pop_tab(draws),
        51 => bits::rope(draws),
        52 => metals::scrap(draws),
        53 => bits::shoe(draws),
        54 => bottles::squeezed_tube(draws),
        55 => bits::plastic_straw(draws),
        56 => bits::paper_straw(draws),
        57 => bits::styrofoam(draws),
        59 => bits::cigarette(draws),
        _ => bits::unlabeled(draws),
    }
}
