//! What papers take from a report: figures, and tables as CSV and LaTeX, beside the page.

use std::fs;

use super::harness::{Lab, SPEC, stdout};

#[test]
fn a_report_has_figures_and_tables_beside_its_page_and_none_of_an_older_study() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&SPEC.replace("\"add_one\"", "\"factorial\""));
    lab.run("cache");
    let folder = lab.path("reports/tiny");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let figures = || {
        let names = fs::read_dir(folder.join("figures")).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    let both = |names: &[&str]| -> Vec<String> {
        names.iter().flat_map(|name| [format!("{name}.png"), format!("{name}.svg")]).collect()
    };
    assert_eq!(figures(), both(&["curves", "effects", "interactions", "labels", "main_effects", "scores"]));
    for name in figures() {
        let bytes = fs::read(folder.join("figures").join(&name)).unwrap();
        if name.ends_with(".png") {
            assert!(image::load_from_memory(&bytes).unwrap().width() > 1000, "{name}");
        } else {
            assert!(String::from_utf8(bytes).unwrap().starts_with("<svg "), "{name}");
        }
    }

    // The rows are those of the tables, with what is missing left empty.
    for table in ["effects", "contrasts"] {
        let shown = stdout(&lab.call("cache", "table", &[table])).replace(",NaN", ",");
        assert_eq!(read(&format!("{table}.csv")).replace("\r\n", "\n"), shown, "{table}");
        assert!(shown.lines().count() > 3, "{shown}");
    }
    let tex = read("effects.tex");
    assert!(
        tex.contains("\\toprule")
            && tex.contains("\n    colour+flip & ") | tex.contains("\n    flip+colour & "),
        "{tex}"
    );

    lab.write_spec(SPEC);
    lab.run("cache");
    assert_eq!(figures(), both(&["curves", "effects", "labels", "scores"]));
    assert!(!read("effects.tex").contains("flip+colour") && read("contrasts.csv").lines().count() == 1);
}
