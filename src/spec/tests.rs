//! Specs read whole: layers, matrix points, and every fault with its place.

use std::path::Path;

use super::settings::{FetchSize, Optimizer, Schedule, Threshold, Unmapped};
use super::{Loaded, Override, Overrides, SpecError, load};

const GOOD: &str = r#"
name = "flips"
question = "Do flips help?"
seeds = [3, 5]
[dataset]
format = "coco"
annotations = "data/a.json"
images = "data"
[labels]
unmapped = "metal"
[labels.groups]
plastic = ["Bottle"]
metal = ["Can"]
[train]
optimizer = { name = "adam", lr = 1e-4 }
schedule = { name = "exponential", warmup_epochs = 2 }
[augment.ops]
flip = { op = "horizontal_flip", p = 0.5 }
colour = { p = 0.7, one_of = [ { op = "hue_saturation_value" }, { op = "channel_shuffle", p = 0.25 } ] }
[matrix]
"train.optimizer.lr" = [1e-4, 3e-4]
"images.size" = [64, 96]
"#;

fn read(text: &str, sets: &[&str]) -> Result<Loaded, SpecError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.toml");
    std::fs::write(&path, text).unwrap();
    let items = sets.iter().map(|set| Override::parse(set).unwrap()).collect();
    load(&path, &Overrides { items })
}

/// `message @ text under the mark ? help` for each fault.
fn faults(text: &str, sets: &[&str]) -> Vec<String> {
    let error = read(text, sets).unwrap_err();
    let shown = error.faults.iter().map(|fault| {
        let place = fault.place.as_ref().map(|p| &error.sources[p.source].text[p.range.clone()]);
        let help = fault.help.as_ref().map(|help| format!(" ? {help}")).unwrap_or_default();
        format!("{} @ {}{help}", fault.message, place.unwrap_or("-"))
    });
    shown.collect()
}

#[test]
fn a_whole_spec_is_read() {
    let loaded = read(GOOD, &[]).unwrap();
    let experiment = &loaded.experiment;
    assert_eq!(experiment.seeds, [3, 5]);
    assert_eq!(experiment.labels.groups.keys().collect::<Vec<_>>(), ["plastic", "metal"]);
    assert_eq!(experiment.labels.unmapped, Unmapped::Group("metal".into()));
    assert_eq!(experiment.train.optimizer, Optimizer::Adam { lr: 1e-4, weight_decay: 0.0 });
    assert!(matches!(experiment.train.schedule, Schedule::Exponential { warmup_epochs: 2, decay: 0.8, .. }));
    assert_eq!(experiment.augment.ops.keys().collect::<Vec<_>>(), ["flip", "colour"]);
    assert_eq!(experiment.evaluate.threshold, Threshold::PerLabelF1);
    assert!(experiment.dataset.images.is_absolute() || experiment.dataset.images.ends_with("data"));
}

#[test]
fn what_is_downloaded_is_read_but_not_part_of_the_reported_spec() {
    let small = read(GOOD, &["dataset.fetch.size=small"]).unwrap();
    assert_eq!(small.experiment.dataset.fetch.size, FetchSize::Small);
    let original = read(GOOD, &[]).unwrap();
    assert_eq!(original.experiment.dataset.fetch.size, FetchSize::Original);
    assert_eq!(small.shown(), original.shown());
}

#[test]
fn matrix_points_are_crossed_in_spec_order() {
    let loaded = read(GOOD, &[]).unwrap();
    let sizes: Vec<_> =
        loaded.points.iter().map(|p| (p.experiment.train.optimizer.lr(), p.experiment.images.size)).collect();
    assert_eq!(sizes, [(1e-4, 64), (1e-4, 96), (3e-4, 64), (3e-4, 96)]);
    assert_eq!(loaded.points[0].values.keys().collect::<Vec<_>>(), ["train.optimizer.lr", "images.size"]);
}

#[test]
fn later_layers_win() {
    let loaded = read(GOOD, &["train.epochs=3", "augment.ops.flip.p=0.25", "name=other"]).unwrap();
    assert_eq!(loaded.experiment.train.epochs, 3);
    assert_eq!(loaded.experiment.augment.ops["flip"].p, 0.25);
    assert_eq!(loaded.experiment.name, "other");
}

#[test]
fn an_extended_file_lies_below_and_keeps_its_own_folder() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base");
    std::fs::create_dir(&base).unwrap();
    std::fs::write(base.join("b.toml"), GOOD).unwrap();
    let path = folder.path().join("spec.toml");
    std::fs::write(&path, "extends = \"base/b.toml\"\nname = \"mine\"\n[train]\nepochs = 2\n").unwrap();
    let loaded = load(&path, &Overrides::default()).unwrap();
    assert_eq!(loaded.experiment.name, "mine");
    assert_eq!(loaded.experiment.train.epochs, 2);
    assert_eq!(loaded.experiment.dataset.images, base.join("data"));
}

#[test]
fn every_fault_comes_out_at_once_with_its_place() {
    let text = GOOD.replace("[train]", "[train]\nepoch = 3\nbatch_size = \"ten\"\nloss = \"bec\"");
    let text = text.replace("p = 0.5", "p = 1.5").replace("\"channel_shuffle\"", "\"chanel_shuffle\"");
    assert_eq!(
        faults(&text, &[]),
        [
            "unknown key `epoch` in `[train]` @ epoch ? did you mean `epochs`?",
            "`batch_size` is `\"ten\"`, expected an integer @ \"ten\"",
            "`loss` is `bec`, expected one of `bce` @ \"bec\"",
            "`p` is `1.5`, expected 0 to 1 @ 1.5",
            "`op` is `chanel_shuffle`, expected one of `horizontal_flip`, `vertical_flip`, `rotate`, \
             `random_brightness_contrast`, `hue_saturation_value`, `channel_shuffle`, `gauss_noise` @ \
             \"chanel_shuffle\" ? did you mean `channel_shuffle`?",
        ]
    );
}

#[test]
fn a_default_that_does_not_fit_is_shown_in_the_users_own_table() {
    let text = GOOD.replace("images = \"data\"\n", "");
    let expected = "`images` is missing in `[dataset]`: the folder with the images @ dataset";
    assert_eq!(faults(&text, &[]), [expected]);
}

#[test]
fn faults_of_overrides_and_of_matrix_points_are_placed_too() {
    assert_eq!(
        faults(GOOD, &["train.epochs=0"]),
        ["`epochs` is `0`, expected 1 to 100000 @ --set train.epochs=0"]
    );
    let text = GOOD.replace("[64, 96]", "[64, 4]");
    assert_eq!(
        faults(&text, &[])[0],
        "matrix point train.optimizer.lr = `0.0001`, images.size = `4`: `size` is `4`, expected 16 to 1024 @ \
         \"train.optimizer.lr\""
    );
}

#[test]
fn wrong_specs_say_what_is_wrong() {
    let cases: &[(&str, &str, &str)] = &[
        ("seeds = [3, 5]", "seeds = []", "`seeds` is an empty list"),
        ("seeds = [3, 5]", "seeds = [3, 3]", "`seeds` has 3 twice"),
        ("lr = 1e-4", "lr = nan", "`lr` is `NaN`"),
        ("lr = 1e-4", "lr = inf", "`lr` is `inf`"),
        ("lr = 1e-4", "lr = -0.1", "`lr` is `-0.1`, expected a number > 0"),
        ("lr = 1e-4", "lr = 99999999999999999999", "does not fit into 64 bits"),
        ("name = \"flips\"", "name = \"../x\"", "`name` is `../x`"),
        ("name = \"flips\"", "", "`name` is missing"),
        ("format = \"coco\"", "format = \"csv\"", "`from` does not fit"),
        ("plastic = [\"Bottle\"]", "plastic = []", "has no categories"),
        ("unmapped = \"metal\"", "unmapped = \"metall\"", "`unmapped` is `metall`"),
        ("flip = {", "none = {", "`none` is the name of the variant without augmentation"),
        ("flip = {", "\"a+b\" = {", "holds `+`"),
        ("op = \"horizontal_flip\", ", "", "names no op"),
        ("[matrix]", "[report]\nbaseline = \"flop\"\n[matrix]", "`baseline` is `flop`"),
        ("\"images.size\"", "\"workers.slots\"", "`workers.slots` cannot be swept"),
        ("[64, 96]", "64", "expected a list of values to try"),
        ("[matrix]", "[split]\ntrain = 0.9\n[matrix]", "`train` + `val` + `test` is 1.2"),
        ("[matrix]", "[tracking]\nmlflow = \"http://u:secret@h\"\n[matrix]", "do not belong in a spec"),
        ("question", "quesstion", "unknown key `quesstion`"),
        ("[train]", "[train", "not valid TOML"),
        ("seeds = [3, 5]", "seeds = 1\nseeds = 2", "duplicate key"),
    ];
    for (from, to, expected) in cases {
        let all = faults(&GOOD.replacen(from, to, 1), &[]).join("\n");
        assert!(all.contains(expected), "{to}: {all}");
        assert!(!all.contains("secret"), "{all}");
    }
}

#[test]
fn the_defaults_are_all_known_keys() {
    let loaded = read("name = \"d\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n[augment.grid]\ndesign = \"none\"\n", &[]).unwrap();
    assert_eq!(loaded.points.len(), 1);
    assert_eq!(loaded.experiment.train.epochs, 10);
    assert_eq!(loaded.experiment.dataset.annotations, Path::new(""));
}
