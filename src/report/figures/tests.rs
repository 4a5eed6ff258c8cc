//! What figures must be, whatever the study: read from their SVG, with texts set as they are drawn.
//!
//! With `ABLATRIX_REPORT_OUT` set to a folder, figures are kept there as SVG and PNG to be looked at.

use resvg::usvg::{Group, Node, Rect, roxmltree};

use super::super::sample::{SMALL, Size, study};
use super::super::study::{Contrast, RunState, Study};
use super::*;

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&amp;\u{202e}gnp.exe\u{0} 塑料 مرحبا ";

fn kept(name: &str, figures: &[Figure]) {
    let Some(folder) = std::env::var_os("ABLATRIX_REPORT_OUT").map(std::path::PathBuf::from) else { return };
    for figure in figures {
        let path = folder.join(format!("{name}-{}", figure.name));
        std::fs::write(path.with_extension("svg"), &figure.svg).unwrap();
        std::fs::write(path.with_extension("png"), png(&figure.svg).unwrap()).unwrap();
    }
}

/// A study with a contrast of each kind, some with names of their own.
fn with_contrasts(size: Size) -> Study {
    let mut study = study(size);
    let effect = study.effects[0].effect_named("lr = 0.01", "0.0001");
    for kind in ["trend", "axis", "axis_interaction"] {
        study.contrasts.push(Contrast { kind: kind.into(), aliases: Vec::new(), effect: effect.clone() });
    }
    study
}

trait Named {
    fn effect_named(&self, of: &str, against: &str) -> Self;
}

impl Named for super::super::study::Effect {
    fn effect_named(&self, of: &str, against: &str) -> Self {
        let mut effect = self.clone();
        (effect.row.variant, effect.row.baseline) = (of.into(), against.into());
        effect
    }
}

/// A study whose names are long, or mean to do harm.
fn hostile(size: Size) -> Study {
    let mut study = with_contrasts(size);
    let renamed = |name: &str| format!("{HOSTILE}{}{name}", "x".repeat(300));
    study.labels = study.labels.iter().map(|label| renamed(label)).collect();
    study.baseline = renamed(&study.baseline);
    for variant in &mut study.variants {
        variant.name = renamed(&variant.name);
        variant.arm = renamed(&variant.arm);
    }
    study.runs.iter_mut().for_each(|run| run.variant = renamed(&run.variant));
    for references in &mut study.references {
        references.variants.iter_mut().for_each(|name| *name = renamed(name));
    }
    let contrasts = study.contrasts.iter_mut().map(|contrast| &mut contrast.effect);
    for effect in study.effects.iter_mut().chain(contrasts) {
        effect.row.variant = renamed(&effect.row.variant);
        effect.row.baseline = renamed(&effect.row.baseline);
        effect.row.label = effect.row.label.as_deref().map(renamed);
    }
    for run in &mut study.runs {
        if let RunState::Done(result) = &mut run.state {
            for score in &mut result.scores {
                score.label = score.label.as_deref().map(renamed);
            }
        }
    }
    study
}

fn texts(group: &Group, found: &mut Vec<(String, Rect)>) {
    for node in group.children() {
        match node {
            Node::Group(group) => texts(group, found),
            Node::Text(text) => {
                let words: String = text.chunks().iter().map(|chunk| chunk.text().to_owned()).collect();
                found.push((words, text.abs_bounding_box()));
            }
            _ => {}
        }
    }
}

/// No two texts overlap, and none leaves the figure.
fn check_room(name: &str, figure: &Figure) {
    let tree = super::png::tree(&figure.svg).unwrap();
    let mut found = Vec::new();
    texts(tree.root(), &mut found);
    assert!(!found.is_empty(), "{name}: {} has no text", figure.name);
    // Boxes have the height of a line, with room above and below the letters.
    let (width, height) = (tree.size().width(), tree.size().height());
    let inner = |r: &Rect| (r.left(), r.top() + 0.25 * r.height(), r.right(), r.bottom() - 0.25 * r.height());
    for (at, (text, of)) in found.iter().enumerate() {
        let (left, top, right, bottom) = inner(of);
        let within = left > -1.0 && top > -1.0 && right < width + 1.0 && bottom < height + 1.0;
        assert!(within, "{name}: {} leaves the figure at `{text}`: {of:?}", figure.name);
        for (other, beside) in &found[at + 1..] {
            let (l, t, r, b) = inner(beside);
            let overlap = left < r - 0.5 && l < right - 0.5 && top < b && t < bottom;
            assert!(!overlap, "{name}: {}: `{text}` lies on `{other}`", figure.name);
        }
    }
}

#[test]
fn texts_have_room_in_small_large_and_hostile_studies() {
    let large = Size { variants: 90, seeds: 2, labels: 60, epochs: 3 };
    let few = Size { variants: 3, seeds: 1, labels: 24, epochs: 1 };
    for (name, study) in [
        ("small", with_contrasts(SMALL)),
        ("few", with_contrasts(few)),
        ("large", with_contrasts(large)),
        ("hostile", hostile(SMALL)),
    ] {
        let figures = figures(&study);
        kept(name, &figures);
        let names: Vec<&str> = figures.iter().map(|figure| figure.name).collect();
        assert_eq!(names, NAMES, "{name}");
        for figure in &figures {
            check_room(name, figure);
        }
    }
}

#[test]
fn names_stay_text() {
    for figure in figures(&hostile(SMALL)) {
        let document = roxmltree::Document::parse(&figure.svg).unwrap();
        let known = ["svg", "title", "desc", "rect", "text", "line", "polyline", "polygon", "circle"];
        for element in document.descendants().filter(roxmltree::Node::is_element) {
            assert!(known.contains(&element.tag_name().name()), "{element:?}");
            assert!(element.attributes().all(|a| !a.name().starts_with("on") && a.name() != "href"));
        }
        assert!(!figure.svg.contains('\u{202e}') && !figure.svg.contains('\u{0}'));
    }
}

#[test]
fn numbers_of_the_figure_are_those_of_the_page() {
    let study = study(SMALL);
    let svg = &figures(&study)[0].svg;
    for row in super::super::answer::rows(&study, &study.headline) {
        let text = format!(">{} {}</text>", row.delta, row.interval);
        assert!(svg.contains(&text), "{text}");
        assert!(svg.contains(&format!(">{}</text>", row.verdict.word)));
    }
    assert!(svg.contains("Change in mAP against “none” (points; right is better)"));
    assert_eq!(figures(&study), figures(&study));
}

#[test]
fn what_is_left_out_is_said() {
    let large = study(Size { variants: 90, seeds: 2, labels: 60, epochs: 3 });
    let figures = figures(&large);
    // Sentences may be broken into lines.
    let text = |name: &str| {
        let document = &figures.iter().find(|figure| figure.name == name).unwrap().svg;
        let document = roxmltree::Document::parse(document).unwrap();
        let lines =
            document.descendants().filter(|node| node.has_tag_name("text")).filter_map(|node| node.text());
        lines.collect::<Vec<_>>().join(" ")
    };
    assert!(text("effects").contains("49 variants are left out here: effects.csv has all"));
    assert!(text("scores").contains("50 variants are left out in the middle."));
    assert!(text("curves").contains("variants are left out: baselines and the largest effects"));
    assert!(text("labels").contains("left out, with the smallest changes"));
}

#[test]
fn a_study_without_results_has_no_figures_and_one_without_intervals_has() {
    let mut empty = study(SMALL);
    empty.effects.clear();
    empty.contrasts.clear();
    for run in &mut empty.runs {
        run.state = RunState::Missing { message: "it has not been run".into() };
    }
    assert_eq!(figures(&empty), []);

    let mut bare = study(SMALL);
    for effect in &mut bare.effects {
        (effect.row.low, effect.row.high) = (f64::NAN, f64::NAN);
    }
    bare.effects[0].row.delta = f64::NAN;
    for figure in figures(&bare) {
        assert!(!figure.svg.contains("NaN"), "{}", figure.name);
        check_room("bare", &figure);
    }
}

#[test]
fn pixels_are_those_of_the_figure() {
    let figure = &figures(&study(SMALL))[0];
    let picture = image::load_from_memory(&png(&figure.svg).unwrap()).unwrap().to_rgba8();
    assert_eq!(picture.width(), 2150);
    assert_eq!(picture.get_pixel(0, 0).0, [255; 4]);
    let of = |colour: [u8; 3]| picture.pixels().filter(|pixel| pixel.0[..3] == colour).count();
    // The blue of what helps, the band, and black letters.
    assert!(of([0x00, 0x72, 0xb2]) > 500 && of([0xe9, 0xec, 0xef]) > 5000 && of([0; 3]) > 2000);
}
