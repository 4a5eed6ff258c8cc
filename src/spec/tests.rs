//! Specs read whole: layers, matrix points, and every fault with its place.

use std::path::Path;

use super::ops::{Action, Fill, Group, Noise};
use super::settings::{
    AdaptiveSeeds, Aim, Architecture, Evaluate, Experiment, FetchSize, Freeze, Gives, LabelSource,
    LabelsFrom, Optimizer, Rule, Schedule, Threshold, Unmapped,
};
use super::{Loaded, Override, Overrides, Point, SpecError, load};

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

/// The experiment of a spec without faults.
pub(super) fn experiment(text: &str) -> Experiment {
    read(text, &[]).unwrap().experiment
}

pub(super) fn read(text: &str, sets: &[&str]) -> Result<Loaded, SpecError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.toml");
    std::fs::write(&path, text).unwrap();
    let items = sets.iter().map(|set| Override::parse(set).unwrap()).collect();
    load(&path, &Overrides { items, profile: None })
}

/// `message @ text under the mark ? help` for each fault.
pub(super) fn faults(text: &str, sets: &[&str]) -> Vec<String> {
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
    assert_eq!(experiment.labels.sources[0].groups.keys().collect::<Vec<_>>(), ["plastic", "metal"]);
    assert_eq!(experiment.labels.sources[0].unmapped, Unmapped::Group("metal".into()));
    let Optimizer { rule, lr, weight_decay, .. } = &experiment.train.optimizer;
    assert_eq!(*rule, Rule::Adam { betas: [0.9, 0.999], epsilon: 1e-8 });
    assert_eq!((*lr, *weight_decay), (1e-4, 0.0));
    assert!(matches!(experiment.train.schedule, Schedule::Exponential { warmup_epochs: 2, decay: 0.8, .. }));
    assert_eq!(experiment.augment.ops.keys().collect::<Vec<_>>(), ["flip", "colour"]);
    assert_eq!(experiment.evaluate, Evaluate::at(Threshold::PerLabel { aim: Aim::F1, min_positives: 5 }));
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
        loaded.points.iter().map(|p| (p.experiment.train.optimizer.lr, p.experiment.images.size)).collect();
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
            "`loss` is `bec`, expected one of `bce`, `focal`, `asymmetric` @ \"bec\"",
            "`p` is `1.5`, expected 0 to 1 @ 1.5",
            "`op` is `chanel_shuffle`, and there is no such op @ \"chanel_shuffle\" ? did you mean `channel_shuffle`?",
        ]
    );
}

#[test]
fn fills_are_levels_or_names() {
    let with =
        |fill: &str| GOOD.replace("\"horizontal_flip\"", &format!("\"coarse_dropout\", fill = {fill}"));
    for (fill, expected) in
        [("200", Fill::Level(200)), ("\"random\"", Fill::Random), ("\"random_uniform\"", Fill::RandomUniform)]
    {
        let Action::Noise(Noise::CoarseDropout { fill, .. }) =
            experiment(&with(fill)).augment.ops["flip"].action
        else {
            panic!("no dropout");
        };
        assert_eq!(fill, expected);
    }
    let expected = "expected integer in 0..255, `random`, `random_uniform`";
    for (fill, help) in [("256", ""), ("0.5", ""), ("\"randm\"", " ? did you mean `random`?")] {
        assert_eq!(faults(&with(fill), &[]), [format!("`fill` is `{fill}`, {expected} @ {fill}{help}")]);
    }
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
        faults(&text, &[]),
        [
            "matrix point train.optimizer.lr = `0.0001`, images.size = `4`: `size` is `4`, expected 16 to 1024 @ 4"
        ]
    );
}

#[test]
fn a_misspelt_key_of_the_matrix_is_one_fault() {
    let text = GOOD.replace("\"train.optimizer.lr\" = [1e-4, 3e-4]", "\"train.epoch\" = [1, 2]");
    assert_eq!(
        faults(&text, &[]),
        [
            "matrix point train.epoch = `1`, images.size = `64`: unknown key `epoch` in `[train]` @ \"train.epoch\" \
             ? did you mean `epochs`?"
        ]
    );
}

#[test]
fn a_matrix_can_be_set_with_or_without_quotes() {
    for set in [
        "matrix.\"train.optimizer.lr\"=[1e-4,1e-3]",
        "matrix.train.optimizer.lr = [1e-4,1e-3]",
        "matrix . 'train.optimizer.lr'=[1e-4,1e-3]",
    ] {
        let loaded = read(GOOD, &[set]).unwrap();
        let rates: Vec<_> = loaded.points.iter().map(|p| p.experiment.train.optimizer.lr).collect();
        assert_eq!(rates, [1e-4, 1e-4, 1e-3, 1e-3], "{set}");
    }
    let loaded = read(GOOD, &["labels.groups.\"a=b\"=[\"x\"]"]).unwrap();
    assert_eq!(loaded.experiment.labels.sources[0].groups["a=b"], ["x"]);
}

#[test]
fn one_wrong_table_is_one_fault() {
    for section in ["train", "split", "model", "augment", "evaluate", "workers"] {
        let set = format!("{section}=3");
        let expected = format!("`{section}` is `3`, expected a table @ --set {set}");
        assert_eq!(faults(GOOD, &[&set]), [expected]);
    }
}

#[test]
fn a_value_that_was_meant_as_a_list_is_no_text() {
    let expected = "the value `[1,2` is not valid TOML: unclosed array, expected `]` @ --set seeds=[1,2 ? put the whole in \
                    quotes, so that the shell leaves it as it is: `--set 'seeds=[1, 2]'`";
    assert_eq!(faults(GOOD, &["seeds=[1,2"]), [expected]);
}

#[test]
fn text_without_quotes_is_told_to_have_some() {
    for word in ["flips", "train", "two words", "3x"] {
        let all = faults(&GOOD.replace("name = \"flips\"", &format!("name = {word}")), &[]).join("\n");
        assert!(all.contains("not valid TOML") && all.contains("text stands in quotes"), "{word}: {all}");
    }
}

#[test]
fn another_choice_replaces_a_table_and_the_same_one_is_merged() {
    let schedule = |loaded: &Loaded| loaded.experiment.train.schedule.clone();
    let text = GOOD.replace("warmup_epochs = 2", "start_lr = 1e-5, warmup_epochs = 2");
    assert_eq!(schedule(&read(&text, &["train.schedule.name=static"]).unwrap()), Schedule::Static);
    let merged = schedule(&read(&text, &["train.schedule={name=\"exponential\", decay=0.5}"]).unwrap());
    assert!(matches!(merged, Schedule::Exponential { warmup_epochs: 2, decay: 0.5, .. }), "{merged:?}");
    // Whichever way round they are given, a choice comes before the values of what is chosen.
    let from_static = GOOD.replace("schedule = { name = \"exponential\", warmup_epochs = 2 }\n", "");
    let sets = ["train.schedule.decay=0.5", "train.schedule.name=exponential"];
    let risen = schedule(&read(&from_static, &sets).unwrap());
    assert!(matches!(risen, Schedule::Exponential { decay: 0.5, .. }), "{risen:?}");

    let sweep = "matrix.train.schedule=[{name=\"static\"}, {name=\"exponential\"}]";
    let swept = read(&text, &[sweep, "matrix.images.size=[64]", "matrix.train.optimizer.lr=[1e-4]"]).unwrap();
    let schedules: Vec<_> = swept.points.iter().map(|point| &point.experiment.train.schedule).collect();
    assert_eq!(schedules[0], &Schedule::Static);
    assert!(matches!(schedules[1], Schedule::Exponential { start_lr: 1e-5, .. }), "{schedules:?}");

    let op = |set: &str| read(GOOD, &[set]).unwrap().experiment.augment.ops["flip"].clone();
    assert_eq!(op("augment.ops.flip={op=\"rotate\", limit=[0, 5]}").p, 0.5);
    assert!(matches!(
        op("augment.ops.flip.one_of=[{op=\"rotate\"}]").action,
        Action::Group(Group::OneOf { .. })
    ));
}

#[test]
fn seeds_are_counted_listed_or_added_until_it_is_decided() {
    let with = |seeds: &str| GOOD.replace("seeds = [3, 5]", seeds);
    let seeds = |text: &str| {
        let experiment = read(&with(text), &[]).unwrap().experiment;
        (experiment.seeds, experiment.adaptive)
    };
    assert_eq!(seeds("seeds = 2"), (vec![1, 2], None));
    let (all, adaptive) = seeds("seeds = { min = 2, max = 4, until = \"decided\" }");
    assert_eq!((all, adaptive), (vec![1, 2, 3, 4], Some(AdaptiveSeeds { min: 2, max: 4 })));
    assert_eq!(seeds("seeds = { max = 20 }").1, Some(AdaptiveSeeds { min: 3, max: 20 }));
    // A later layer may say it in another way.
    let sets = ["seeds={ min = 2, max = 3 }"];
    assert_eq!(read(GOOD, &sets).unwrap().experiment.adaptive, Some(AdaptiveSeeds { min: 2, max: 3 }));
    assert_eq!(read(&with("seeds = { max = 20 }"), &["seeds=5"]).unwrap().experiment.seeds.len(), 5);

    let wrong = |seeds: &str| faults(&with(seeds), &[]).join("\n");
    assert_eq!(
        wrong("seeds = { min = 5, max = 4 }"),
        "`max` is `4`, expected at least `min`, which is `5` @ 4"
    );
    assert_eq!(wrong("seeds = { min = 1 }"), "`min` is `1`, expected 2 to 1000 @ 1");
    assert!(wrong("seeds = { until = \"bored\" }").contains("decided"));
    assert!(wrong("seeds = { most = 4 }").contains("max"));
}

#[test]
fn early_stopping_can_be_switched_off() {
    let text = GOOD.replace("[train]", "[train]\nearly_stopping = { patience = 3 }");
    assert!(read(&text, &[]).unwrap().experiment.train.early_stopping.is_some());
    assert_eq!(read(&text, &["train.early_stopping=none"]).unwrap().experiment.train.early_stopping, None);
    let swept = read(&text, &["matrix.train.early_stopping=[\"none\", {patience=4}]"]).unwrap();
    let patience =
        |point: &Point| point.experiment.train.early_stopping.as_ref().map(|stopping| stopping.patience);
    assert_eq!(swept.points.iter().map(patience).collect::<Vec<_>>()[..2], [None, Some(4)]);
    assert_eq!(
        faults(&text, &["train.early_stopping=never"]),
        ["`early_stopping` is `never`, expected a table or `none` @ --set train.early_stopping=never"]
    );
}

#[test]
fn a_base_that_is_missing_or_goes_round_is_shown_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("gone.toml", "name = \"x\"\nextends = \"nowhere.toml\"\n");
    write("a.toml", "extends = \"sub/../b.toml\"\n");
    write("b.toml", "extends = \"sub/../a.toml\"\n");
    write("self.toml", "extends = \"sub/../self.toml\"\n");
    for (name, expected) in [
        ("gone.toml", "there is no spec `/nowhere.toml` to extend @ \"nowhere.toml\""),
        (
            "a.toml",
            "specs extend one another in a circle: `a.toml`, `b.toml` and `a.toml` again @ \"sub/../a.toml\"",
        ),
        (
            "self.toml",
            "specs extend one another in a circle: `self.toml` and `self.toml` again @ \"sub/../self.toml\"",
        ),
    ] {
        let error = load(&folder.path().join(name), &Overrides::default()).unwrap_err();
        let fault = &error.faults[0];
        let place = fault.place.clone().unwrap();
        let shown = format!("{} @ {}", fault.message, &error.sources[place.source].text[place.range]);
        assert_eq!(shown.replace(&folder.path().display().to_string(), ""), expected);
        assert_eq!(error.faults.len(), 1);
    }
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
        (
            "[matrix]",
            "[augment.grid]\npolicies.both = [\"zzz\"]\n[matrix]",
            "not in `[augment.ops]` @ \"zzz\" ? known there: `flip`, `colour`",
        ),
        ("op = \"horizontal_flip\", ", "", "names no op"),
        ("[matrix]", "[report]\nbaseline = \"flop\"\n[matrix]", "`baseline` is `flop`"),
        ("\"images.size\"", "\"workers.slots\"", "`workers.slots` cannot be swept"),
        ("[64, 96]", "64", "expected a list of values to try"),
        ("[matrix]", "[split]\ntrain = 0.9\n[matrix]", "`train` + `val` + `test` is 1.2"),
        ("[matrix]", "[tracking]\nmlflow = \"http://u:secret@h\"\n[matrix]", "do not belong in a spec"),
        (
            "[matrix]",
            "[split]\nnear_duplicates = 64\n[matrix]",
            "`near_duplicates` is `64`, expected 0 to 63",
        ),
        ("[matrix]", "[split]\nnear_duplicates = true\n[matrix]", "expected 0 to 63 or `off`"),
        (
            "[matrix]",
            "[split]\ncaptures = \"column\"\n[matrix]",
            "`captures = \"column\"` needs `dataset.format",
        ),
        (
            "[matrix]",
            "[balance]\nmethod = \"sampler\"\nmax_copies = 3\n[matrix]",
            "`max_copies` is 3 with `method = \"sampler\"`, which makes no copies",
        ),
        (
            "[matrix]",
            "[balance]\nmethod = \"loss_weights\"\nmax_copies = 3\n[matrix]",
            "which makes no copies",
        ),
        ("[matrix]", "[balance]\nmax_copies = -1\n[matrix]", "`max_copies` is `-1`, expected 0 to 10000"),
        ("[matrix]", "[balance]\nmethod = \"sample\"\n[matrix]", "? did you mean `sampler`?"),
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

/// GOOD with scenes beside its categories.
fn with_scenes(scenes: &str) -> String {
    GOOD.replace("[labels]", "[labels]\nfrom = [\"category\", \"scene\"]") + scenes
}

#[test]
fn labels_of_several_sources_have_tables_of_their_own() {
    let scenes =
        "\n[labels.scene]\nunmapped = \"dry\"\n[labels.scene.groups]\nwet = [\"Water\"]\ndry = [\"Clean\"]\n";
    let labels = read(&with_scenes(scenes), &[]).unwrap().experiment.labels;
    let shown = |source: &LabelsFrom| (source.from, source.unmapped.clone(), source.groups.len());
    assert_eq!(
        labels.sources.iter().map(shown).collect::<Vec<_>>(),
        [
            (LabelSource::Category, Unmapped::Group("metal".into()), 2),
            (LabelSource::Scene, Unmapped::Group("dry".into()), 2),
        ]
    );
    assert_eq!(labels.tables().map(|(table, _)| table).collect::<Vec<_>>(), ["labels", "labels.scene"]);
    let bare = read(&with_scenes(""), &[]).unwrap().experiment.labels;
    assert_eq!(shown(&bare.sources[1]), (LabelSource::Scene, Unmapped::Error, 0));
    let one = read(GOOD, &["labels.from=[\"category\"]"]).unwrap().experiment.labels;
    assert_eq!(one, read(GOOD, &[]).unwrap().experiment.labels);
}

#[test]
fn faults_of_several_sources_point_to_their_table() {
    for (scenes, expected) in [
        (
            "[labels.scene.groups]\nmetal = [\"Water\"]",
            "two labels are called `metal`: one is made of `category`, one of `scene` @ [\"Water\"] ? give one of \
             them another name",
        ),
        (
            "[labels.scene]\nunmapped = \"metal\"",
            "`unmapped` is `metal`, expected `error`, `ignore` or one of the groups @ \"metal\"",
        ),
        (
            "[labels.scene]\nfrom = \"x\"",
            "unknown key `from` in `[labels.scene]` @ from ? known here: `groups`, `unmapped`",
        ),
        (
            "[labels.supercategory]\nunmapped = \"ignore\"",
            "`[labels.supercategory]` is there, but `from` does not name `supercategory` @ [labels.supercategory]",
        ),
        (
            "[labels.category]\nunmapped = \"ignore\"",
            "`category` is the first that labels are made of @ [labels.category] ? write its `unmapped` in `[labels]` and \
             its groups in `[labels.groups]`",
        ),
    ] {
        assert_eq!(faults(&with_scenes(&format!("\n{scenes}\n")), &[]), [expected]);
    }
    for (from, expected) in [
        ("[]", "`from` is an empty list, expected what labels are made of"),
        ("[\"scene\", \"scene\"]", "`from` has `scene` twice"),
        ("[\"category\", \"scenes\"]", "? did you mean `scene`?"),
        ("[\"category\", \"folder\"]", "`from` does not fit `dataset.format = \"coco\"`"),
        ("[\"category\", 3]", "expected a list of strings"),
        ("3", "expected one of `category`"),
    ] {
        let all = faults(GOOD, &[&format!("labels.from={from}")]).join("\n");
        assert!(all.contains(expected), "{from}: {all}");
    }
}

#[test]
fn the_defaults_are_all_known_keys() {
    let loaded = read("name = \"d\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n[augment.grid]\ndesign = \"none\"\n", &[]).unwrap();
    assert_eq!(loaded.points.len(), 1);
    assert_eq!(loaded.experiment.train.epochs, 10);
    assert_eq!(loaded.experiment.dataset.annotations, Path::new(""));
}

/// `[split]` with `keys`.
fn split_of(keys: &str) -> String {
    GOOD.replace("[train]", &format!("[split]\n{keys}\n[train]"))
}

#[test]
fn folds_take_their_test_share_and_leave_the_rest_in_proportion() {
    for (keys, folds, train, val, test) in [
        ("folds = 5", 5, 0.8 * 0.7 / 0.85, 0.8 * 0.15 / 0.85, 0.2),
        ("folds = 4\nmethod = \"iterative\"\ntrain = 0.6\nval = 0.2", 4, 0.5625, 0.1875, 0.25),
        (
            "folds = 3\ntrain = 0.5\nval = 0.17\ntest = 0.33",
            3,
            2.0 / 3.0 * 0.5 / 0.67,
            2.0 / 3.0 * 0.17 / 0.67,
            1.0 / 3.0,
        ),
    ] {
        let split = read(&split_of(keys), &[]).unwrap().experiment.split;
        assert_eq!(split.folds, folds);
        for (found, expected) in [(split.train, train), (split.val, val), (split.test, test)] {
            assert!((found - expected).abs() < 1e-12, "{keys}: {split:?}");
        }
        assert_eq!(split.each_fold().len(), folds as usize);
    }
    let split = read(GOOD, &[]).unwrap().experiment.split;
    assert_eq!((split.folds, split.each_fold()), (0, vec![None]));
    // Keys of studies without folds are what they were.
    assert!(!serde_json::to_string(&split).unwrap().contains("folds"));
}

#[test]
fn folds_that_cannot_be_say_why() {
    let cases = [
        ("folds = 1", "`folds` is 1, expected 0 (none) or 2 to 20 @ 1"),
        ("folds = 21", "`folds` is `21`, expected 0 to 20 @ 21"),
        (
            "method = \"kfold\"",
            "`method` is `kfold`, expected one of `combination`, `iterative`, `column`, `none` @ \"kfold\" ? folds are made with \
             either of the first two: write `folds = 5` beside `method = \"iterative\"`",
        ),
        (
            "folds = 5\ntest = 0.3",
            "`test` is 0.3, but with `folds = 5` each fold tests on 1/5 of the images @ 0.3 ? remove `test`; `train` and \
             `val` share the rest in their proportion",
        ),
        ("folds = 5\nval = 0.0", "`val` is 0, so that part would be empty in each fold @ 0.0"),
        (
            "folds = 5\nmethod = \"none\"",
            "`folds` is 5, but `method = \"none\"` gives one part per image @ 5",
        ),
        (
            "folds = 5\nmethod = \"column\"",
            "`folds` is 5, but `method = \"column\"` gives one part per image @ 5 ? write `method = \"combination\"` or \
             `\"iterative\"`, or remove `folds`",
        ),
    ];
    for (keys, expected) in cases {
        let found = faults(&split_of(keys), &[]);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{keys}: {found:?}");
    }
    let swept = faults(&GOOD.replace("\"images.size\" = [64, 96]", "\"split.folds\" = [0, 5]"), &[]);
    assert!(swept[0].starts_with("`split.folds` cannot be swept @ [0, 5]"), "{swept:?}");
}

/// [`GOOD`] with these lines in `[model]`.
fn with_model(lines: &str) -> String {
    GOOD.replace("[train]", &format!("[model]\n{lines}\n[train]"))
}

#[test]
fn every_architecture_is_read_by_its_name_and_has_one_in_json() {
    for architecture in Architecture::ALL {
        let text = with_model(&format!("name = \"{}\"", architecture.name()))
            .replace("\"images.size\" = [64, 96]", "")
            .replace("[train]", "[images]\nsize = 96\n[train]");
        let model = experiment(&text).model;
        assert_eq!((model.name, &model.module), (architecture, &None));
        let json = serde_json::to_value(architecture).unwrap();
        assert_eq!(json, architecture.name());
        assert_eq!(serde_json::from_value::<Architecture>(json).unwrap(), architecture);
    }
    assert!(Architecture::ALL.is_sorted_by_key(|architecture| architecture.name()));
    let [fault] = faults(&with_model("name = \"resnet43\""), &[]).try_into().unwrap();
    assert!(
        fault.contains("`name` is `resnet43`") && fault.ends_with("? did you mean `resnet34`?"),
        "{fault}"
    );
}

#[test]
fn pictures_that_a_model_would_shrink_to_nothing_are_a_fault() {
    let text = with_model("name = \"inception_v3\"");
    let fault = "`size` is `64`, expected at least `75` for the model `inception_v3` @ 64";
    let found = faults(&text, &[]);
    assert!(found.iter().any(|found| found.contains("`size` is `64`, expected at least `75`")), "{found:?}");
    let text =
        text.replace("\"images.size\" = [64, 96]\n", "").replace("[train]", "[images]\nsize = 64\n[train]");
    assert_eq!(faults(&text, &[]), [fault]);
    assert_eq!(read(&text, &["images.size=75"]).unwrap().experiment.images.size, 75);
}

#[test]
fn what_is_frozen_is_a_share_or_a_list_of_names() {
    let freeze = |lines: &str| experiment(&with_model(lines)).model.freeze;
    assert_eq!(freeze(""), Freeze::Share(0.0));
    assert_eq!(freeze("freeze = 1"), Freeze::Share(1.0));
    let names = freeze("freeze = [\"conv_stem\", \"blocks.0\"]");
    assert_eq!(names, Freeze::Names(vec!["conv_stem".into(), "blocks.0".into()]));
    assert_eq!(serde_json::to_string(&names).unwrap(), "[\"conv_stem\",\"blocks.0\"]");
    assert_eq!(serde_json::to_string(&Freeze::Share(0.5)).unwrap(), "0.5");
    assert!(freeze("freeze = []").is_none());
    let help = "for instance `freeze = 0.5`, or `freeze = [\"conv_stem\", \"blocks.0\"]`";
    let text = "`freeze` is `\"conv_stem\"`, expected 0 to 1, or a list of names of layers @ \"conv_stem\"";
    assert_eq!(faults(&with_model("freeze = \"conv_stem\""), &[]), [format!("{text} ? {help}")]);
    assert_eq!(faults(&with_model("freeze = 1.5"), &[]), ["`freeze` is `1.5`, expected 0 to 1 @ 1.5"]);
}

#[test]
fn a_torchscript_module_is_named_by_its_path() {
    let loaded = read(&with_model("name = \"torchscript:nets/m.pt\""), &[]).unwrap();
    let model = &loaded.experiment.model;
    let module = model.module.as_ref().unwrap();
    assert_eq!((model.name, module.gives), (Architecture::Torchscript, Gives::Features));
    assert!(module.path.is_absolute() && module.path.ends_with("nets/m.pt"), "{}", module.path.display());
    assert!(loaded.shown().contains("name = \"torchscript:m.pt\""), "{}", loaded.shown());

    assert_eq!(
        faults(&with_model("name = \"torchscript:\""), &[]),
        ["`name` is `torchscript:`, expected the path of a module behind it @ \"torchscript:\""]
    );
    let found = faults(
        &with_model("name = \"torchscript:m.pt\"\ngives = \"logits\"\nhead = [8]\ndropout = 0.1"),
        &[],
    );
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("`head` is given, but `gives` is `logits`"), "{found:?}");
    let [fault] = faults(&with_model("gives = \"logits\""), &[]).try_into().unwrap();
    assert!(
        fault.starts_with("`gives` is `logits`, which only a TorchScript module can @ \"logits\""),
        "{fault}"
    );
}
