//! TACO's categories and scenes, with how often and how large they are drawn.
//!
//! Ids, names, supercategories and object counts are those of TACO's official `annotations.json` (Proença and Simões,
//! "TACO: Trash Annotations in Context for Litter Detection", 2020; annotations under the MIT licence).

/// A category; its id is its position in [`CATEGORIES`].
pub struct Category {
    /// As in TACO.
    pub name: &'static str,
    /// As in TACO.
    pub supercategory: &'static str,
    /// TACO's objects of it: the weight with which it is drawn.
    pub count: u32,
    /// Median long side as a share of the picture's. Larger than TACO's, so that little models can learn it;
    /// the order of sizes is kept.
    pub extent: f32,
}

const fn category(name: &'static str, supercategory: &'static str, count: u32, extent: f32) -> Category {
    Category { name, supercategory, count, extent }
}

/// All categories, by id.
pub const CATEGORIES: [Category; 60] = [
    category("Aluminium foil", "Aluminium foil", 62, 0.48),
    category("Battery", "Battery", 2, 0.45),
    category("Aluminium blister pack", "Blister pack", 6, 0.50),
    category("Carded blister pack", "Blister pack", 1, 0.52),
    category("Other plastic bottle", "Bottle", 50, 0.59),
    category("Clear plastic bottle", "Bottle", 285, 0.59),
    category("Glass bottle", "Bottle", 104, 0.60),
    category("Plastic bottle cap", "Bottle cap", 209, 0.42),
    category("Metal bottle cap", "Bottle cap", 80, 0.43),
    category("Broken glass", "Broken glass", 138, 0.48),
    category("Food Can", "Can", 34, 0.54),
    category("Aerosol", "Can", 10, 0.59),
    category("Drink can", "Can", 229, 0.54),
    category("Toilet tube", "Carton", 5, 0.50),
    category("Other carton", "Carton", 93, 0.55),
    category("Egg carton", "Carton", 11, 0.59),
    category("Drink carton", "Carton", 45, 0.55),
    category("Corrugated carton", "Carton", 64, 0.62),
    category("Meal carton", "Carton", 30, 0.59),
    category("Pizza box", "Carton", 3, 0.64),
    category("Paper cup", "Cup", 67, 0.54),
    category("Disposable plastic cup", "Cup", 104, 0.54),
    category("Foam cup", "Cup", 13, 0.52),
    category("Glass cup", "Cup", 6, 0.51),
    category("Other plastic cup", "Cup", 2, 0.52),
    category("Food waste", "Food waste", 8, 0.48),
    category("Glass jar", "Glass jar", 6, 0.55),
    category("Plastic lid", "Lid", 77, 0.48),
    category("Metal lid", "Lid", 10, 0.48),
    category("Other plastic", "Other plastic", 273, 0.45),
    category("Magazine paper", "Paper", 12, 0.60),
    category("Tissues", "Paper", 42, 0.48),
    category("Wrapping paper", "Paper", 12, 0.59),
    category("Normal paper", "Paper", 82, 0.54),
    category("Paper bag", "Paper bag", 27, 0.61),
    category("Plastified paper bag", "Paper bag", 0, 0.61),
    category("Plastic film", "Plastic bag & wrapper", 451, 0.57),
    category("Six pack rings", "Plastic bag & wrapper", 5, 0.57),
    category("Garbage bag", "Plastic bag & wrapper", 31, 0.64),
    category("Other plastic wrapper", "Plastic bag & wrapper", 260, 0.50),
    category("Single-use carrier bag", "Plastic bag & wrapper", 61, 0.64),
    category("Polypropylene bag", "Plastic bag & wrapper", 3, 0.64),
    category("Crisp packet", "Plastic bag & wrapper", 39, 0.55),
    category("Spread tub", "Plastic container", 9, 0.54),
    category("Tupperware", "Plastic container", 4, 0.57),
    category("Disposable food container", "Plastic container", 38, 0.57),
    category("Foam food container", "Plastic container", 15, 0.57),
    category("Other plastic container", "Plastic container", 6, 0.52),
    category("Plastic glooves", "Plastic glooves", 4, 0.54),
    category("Plastic utensils", "Plastic utensils", 37, 0.54),
    category("Pop tab", "Pop tab", 99, 0.40),
    category("Rope & strings", "Rope & strings", 29, 0.59),
    category("Scrap metal", "Scrap metal", 20, 0.52),
    category("Shoe", "Shoe", 7, 0.59),
    category("Squeezable tube", "Squeezable tube", 7, 0.54),
    category("Plastic straw", "Straw", 157, 0.56),
    category("Paper straw", "Straw", 4, 0.57),
    category("Styrofoam piece", "Styrofoam piece", 112, 0.50),
    category("Unlabeled litter", "Unlabeled litter", 517, 0.43),
    category("Cigarette", "Cigarette", 667, 0.42),
];

/// Where a picture is taken; the id is TACO's and the position in [`Scene::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// A clean, even surface.
    Clean,
    /// A floor.
    Indoor,
    /// Asphalt, concrete or slabs.
    Pavement,
    /// Sand, earth or gravel.
    Sand,
    /// More litter, too much to annotate.
    Trash,
    /// Grass or leaves.
    Vegetation,
    /// Water.
    Water,
}

impl Scene {
    /// By id.
    pub const ALL: [Scene; 7] = [
        Scene::Clean,
        Scene::Indoor,
        Scene::Pavement,
        Scene::Sand,
        Scene::Trash,
        Scene::Vegetation,
        Scene::Water,
    ];

    /// TACO's id.
    pub fn id(self) -> u32 {
        Self::ALL.iter().position(|scene| *scene == self).map_or(0, |id| id as u32)
    }

    /// TACO's name.
    pub fn name(self) -> &'static str {
        match self {
            Scene::Clean => "Clean",
            Scene::Indoor => "Indoor, Man-made",
            Scene::Pavement => "Pavement",
            Scene::Sand => "Sand, Dirt, Pebbles",
            Scene::Trash => "Trash",
            Scene::Vegetation => "Vegetation",
            Scene::Water => "Water",
        }
    }

    /// TACO's count of it, in scene annotations: the weight with which it is drawn.
    pub fn count(self) -> u32 {
        match self {
            Scene::Clean => 37,
            Scene::Indoor => 223,
            Scene::Pavement => 1260,
            Scene::Sand => 1809,
            Scene::Trash => 29,
            Scene::Vegetation => 2123,
            Scene::Water => 390,
        }
    }
}
