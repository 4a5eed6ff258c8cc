//! Specs that together lead the reader to every key that there is. What is wrong with them does not matter: a reader goes on.

use super::shape::Shape;
use crate::spec::layers::Layers;
use crate::spec::load::read;
use crate::spec::ops::{Action, Group};
use crate::spec::reader::{Asked, Reading};

/// Tables of `[train]` whose keys depend on their `name`.
pub(super) const CHOSEN: [&str; 3] = ["loss", "optimizer", "schedule"];

/// What leads to keys that a plain spec does not have: tables that are left out, and those of the user's own names.
const MORE: [&str; 5] = [
    "extends = \"base.toml\"\nseeds = {}\n[dataset]\nformat = \"coco\"\n[dataset.generate]\n[train.early_stopping]\n\
     [tracking]\nmlflow = \"http://127.0.0.1\"",
    "[dataset]\nformat = \"coco\"\n[labels]\nfrom = [\"category\", \"supercategory\", \"scene\"]\n[labels.groups]\na = [\"b\"]\n\
     [labels.supercategory.groups]\na = [\"b\"]\n[labels.scene.groups]\na = [\"b\"]",
    "[labels]\nfrom = [\"folder\", \"category\", \"columns\"]\n[labels.category.groups]\na = [\"b\"]\n\
     [labels.columns.groups]\na = [\"b\"]",
    "[labels]\nfrom = [\"category\", \"folder\"]\n[labels.folder.groups]\na = [\"b\"]",
    "[augment.ops]\nx = { op = \"rotate\" }\n[augment.grid.levels]\nx = { p = [0.1] }\n[augment.grid.policies]\ny = [\"x\"]\n\
     [matrix]\n\"train.epochs\" = [1]",
];

/// All keys of a spec, and the ops.
pub(super) fn keys() -> Keys {
    let mut root = Shape::default();
    root.grow(asked(""));
    MORE.iter().for_each(|text| root.grow(asked(text)));
    for table in CHOSEN {
        let chosen = root.at_mut(&["train", table]);
        let names = chosen.keys.get("name").map(Shape::names).unwrap_or_default();
        // Which keys they have hangs on the name.
        chosen.keys.clear();
        chosen.variants = names.into_iter().map(|name| variant(table, name)).collect();
    }
    Keys { root, ops: ops() }
}

/// All keys of a spec.
pub(super) struct Keys {
    /// The whole spec.
    pub root: Shape,
    /// Each op, and each group, with its keys.
    pub ops: Vec<(String, Shape)>,
}

/// The keys of a table of `[train]` with one `name`.
fn variant(table: &str, name: String) -> (String, Shape) {
    let mut root = Shape::default();
    root.grow(asked(&format!("[train]\n{table} = {{ name = \"{name}\" }}")));
    let shape = std::mem::take(root.at_mut(&["train", table]));
    (name, shape)
}

fn ops() -> Vec<(String, Shape)> {
    let of = |name: &str, op: String| {
        let mut root = Shape::default();
        root.grow(asked(&format!("[augment.ops]\nx = {{ {op} }}")));
        let ops = root.at_mut(&["augment", "ops"]);
        (name.to_owned(), ops.own.take().map(|own| *own).unwrap_or_default())
    };
    let alone = Action::names().into_iter().map(|name| of(name, format!("op = \"{name}\"")));
    let flip = "{ op = \"horizontal_flip\" }";
    let groups = Group::KEYS.into_iter().map(|key| match key {
        "some_of" => of(key, format!("{key} = [{flip}], n = 1")),
        _ => of(key, format!("{key} = [{flip}]")),
    });
    alone.chain(groups).collect()
}

/// What the reader asks a spec for.
fn asked(text: &str) -> Vec<Asked> {
    match Layers::of_text(text) {
        Ok(layers) => {
            let reading = Reading::watched(&layers);
            read(&reading);
            reading.into_asked()
        }
        // The texts stand above.
        Err(error) => unreachable!("{error}"),
    }
}
