//! The section about where models look: `[explain]`.

use super::fault::{Fault, nearest};
use super::reader::Table;
use super::settings::{AUTO_LAYER, Architecture, Explain, ExplainMethod, Model};

/// Reads `[explain]` for this network.
pub fn explain(root: &Table<'_>, model: &Model) -> Explain {
    let table = root.table("explain");
    let settings = Explain {
        method: table.choice(
            "method",
            &[
                ("none", None),
                ("grad_cam", Some(ExplainMethod::GradCam)),
                ("grad_cam_plus_plus", Some(ExplainMethod::GradCamPlusPlus)),
            ],
        ),
        layer: table.text("layer"),
        images: table.integer("images", 0..=1000) as u32,
        faithfulness: table.integer("faithfulness", 0..=1000) as u32,
    };
    if settings.method.is_some() {
        match model.name {
            Architecture::Torchscript => {
                let fault = Fault::new(
                    "`method` asks for maps of a layer, but the model is a TorchScript module, whose layers cannot be reached",
                );
                table.fault(
                    "method",
                    fault.help("write `method = \"none\"`, or take one of the built-in networks"),
                );
            }
            architecture => check_layer(&table, &settings.layer, architecture),
        }
    }
    table.finish();
    settings
}

/// Faults a layer that the network does not have, or that gives no map of its own.
fn check_layer(table: &Table<'_>, layer: &str, architecture: Architecture) {
    // What is no text is a fault already.
    if architecture.layer(layer).is_some() || !table.is_text("layer") {
        return;
    }
    let layers = architecture.layers();
    let part_of = layers
        .iter()
        .find(|known| layer.strip_prefix(known.as_str()).is_some_and(|rest| rest.starts_with('.')));
    if let Some(whole) = part_of {
        let fault =
            Fault::new(format!("`layer` is `{layer}`, a part of `{whole}`, which is looked at as a whole"));
        return table.fault("layer", fault.help(format!("write `layer = \"{whole}\"`")));
    }
    // A block by its stage, too: what stands before each of its dots.
    let ends =
        |name: &'_ str| name.match_indices('.').map(|(end, _)| end).chain([name.len()]).collect::<Vec<_>>();
    let mut known: Vec<&str> =
        layers.iter().flat_map(|name| ends(name).into_iter().map(move |end| &name[..end])).collect();
    known.dedup();
    known.push(AUTO_LAYER);
    let fault = Fault::new(format!("`layer` is `{layer}`, which `{}` does not have", architecture.name()));
    let help = match nearest(layer, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? It has `{AUTO_LAYER}`, {}", outermost(&layers)),
        None => format!("it has `{AUTO_LAYER}`, {}", outermost(&layers)),
    };
    table.fault("layer", fault.help(help));
}

/// The outermost names: of stages, not of their blocks.
fn outermost(layers: &[String]) -> String {
    let outer = |name: &String| match name.split('.').collect::<Vec<_>>()[..] {
        // Numbers alone say nothing: `blocks.3`, `features.12`.
        [first, second, ..]
            if second.parse::<u32>().is_ok() && !first.ends_with(|c: char| c.is_ascii_digit()) =>
        {
            format!("{first}.{second}")
        }
        [first, ..] => first.to_owned(),
        [] => String::new(),
    };
    let mut names: Vec<String> = layers.iter().map(outer).collect();
    names.dedup();
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
