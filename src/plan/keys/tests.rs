//! What changes keys, and what does not.

use super::*;
use crate::plan::Plan;
use crate::spec::settings::Device;
use crate::spec::{Overrides, load};

const SPEC: &str = "name = \"k\"\nseeds = [7]\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n\
    [augment.grid]\ndesign = \"none\"\n";

fn plan(text: &str) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.toml");
    std::fs::write(&path, text).unwrap();
    Plan::new(&load(&path, &Overrides::default()).unwrap()).unwrap()
}

/// Fields about folds in the key of each node.
fn folds(plan: &Plan) -> Vec<(String, Vec<String>)> {
    let of_node = |node: &Node| {
        let key = settings(node.stage, &node.variant, node.seed, node.fold).finish();
        let fields = key.fields.iter().filter(|field| field.name.contains("fold"));
        (node.name.clone(), fields.map(|field| format!("{}={}", field.name, field.value)).collect())
    };
    plan.nodes.iter().map(of_node).collect()
}

/// The kind of device is a part of keys; which GPU, and who chose the kind, is not.
#[test]
fn a_key_knows_the_kind_of_device_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.toml");
    let keys = |wish: &str, settled: Option<Device>| {
        std::fs::write(&path, format!("{SPEC}[workers]\ndevice = \"{wish}\"\n")).unwrap();
        let mut loaded = load(&path, &Overrides::default()).unwrap();
        settled.into_iter().for_each(|device| loaded.settle_device(device));
        let of_node = |node: &Node| settings(node.stage, &node.variant, node.seed, node.fold).finish().key;
        Plan::new(&loaded).unwrap().nodes.iter().map(of_node).collect::<Vec<_>>()
    };
    let [cpu, cuda] = ["cpu", "cuda"].map(|wish| keys(wish, None));
    assert_eq!(keys("auto", Some(Device::Cpu)), cpu);
    assert_eq!(keys("auto", Some(Device::Cuda)), cuda);
    assert_eq!(keys("cuda:1", Some(Device::Cuda)), cuda);
    let differs = cpu.iter().zip(&cuda).filter(|(a, b)| a != b).count();
    assert_eq!(differs, 2, "training and prediction");
}

/// The second of a kind draws otherwise than the first, alone too.
#[test]
fn a_key_knows_which_of_its_kind_an_op_is() {
    let spec = SPEC.replace("none", "add_one");
    let ops = "[augment.ops]\na = { op = \"transpose\" }\nb = { op = \"transpose\", p = 0.1 }\n";
    let plan = plan(&format!("{spec}{ops}"));
    let train = |name: &str| {
        let node = plan.nodes.iter().find(|n| n.stage == Stage::Train && n.run.starts_with(name)).unwrap();
        settings(node.stage, &node.variant, node.seed, node.fold).finish()
    };
    let which = |name: &str| train(name).fields.iter().any(|field| field.name.starts_with("policy_nth"));
    assert_eq!([which("none"), which("a"), which("b")], [false, false, true]);
}

#[test]
fn without_folds_no_key_knows_of_them() {
    let plan = plan(SPEC);
    assert!(folds(&plan).iter().all(|(_, fields)| fields.is_empty()), "{:?}", folds(&plan));
    assert_eq!((plan.runs[0].name.as_str(), plan.runs[0].fold), ("none/seed=7", None));
}

#[test]
fn with_folds_the_split_knows_how_many_and_each_run_which() {
    let plan = plan(&format!("{SPEC}[split]\nfolds = 2\n"));
    let found = folds(&plan);
    let told: Vec<String> = found
        .iter()
        .filter(|(_, fields)| !fields.is_empty())
        .map(|(name, fields)| format!("{name}: {}", fields.join(", ")))
        .collect();
    let run = |fold: u32| {
        ["train", "predict", "evaluate"].map(|stage| format!("{stage} none/seed=7/fold={fold}: fold={fold}"))
    };
    let expected: Vec<String> =
        std::iter::once("split: split.folds=2".to_owned()).chain(run(0)).chain(run(1)).collect();
    assert_eq!(told, expected);
}

/// The key's fields of each arm's training, by the arm's name.
fn trainings(grid: &str) -> HashMap<String, Fingerprint> {
    let ops = "flip = { op = \"horizontal_flip\", p = 0.4 }\nnoise = { op = \"gauss_noise\", std = [0.1, 0.2] }\n\
               turn = { op = \"rotate\" }\nhue = { op = \"hue_saturation_value\" }\n";
    let spec = SPEC.replace("[augment.grid]\ndesign = \"none\"\n", "");
    let plan = plan(&format!("{spec}[augment.ops]\n{ops}[augment.grid]\n{grid}\n"));
    let trainings = plan.nodes.iter().filter(|node| node.stage == Stage::Train);
    trainings
        .map(|node| {
            let key = settings(node.stage, &node.variant, node.seed, node.fold).finish();
            (node.variant.arm.clone(), key)
        })
        .collect()
}

#[test]
fn what_an_arm_does_enters_its_key_and_neither_its_name_nor_the_design() {
    let factorial = trainings("design = \"factorial\"");
    assert_eq!(factorial.len(), 16);
    let distinct: std::collections::HashSet<_> = factorial.values().map(|key| &key.key).collect();
    assert_eq!(distinct.len(), 16);
    let same = |arm: &str, other: HashMap<String, Fingerprint>, name: &str| {
        assert_eq!(factorial[arm].key, other[name].key, "{arm} {name}");
    };
    for arm in ["none", "flip", "noise", "turn", "hue"] {
        same(arm, trainings("design = \"add_one\""), arm);
    }
    let fractional = trainings("design = \"fractional\"");
    assert_eq!(fractional.len(), 8);
    for arm in fractional.keys() {
        same(arm, fractional.clone(), arm);
    }
    same("flip+noise+turn+hue", trainings("design = \"drop_one\""), "all");
    same("flip+turn+hue", trainings("design = \"drop_one\""), "without-noise");
    same("none", trainings("design = \"drop_one\""), "none");
    let policies =
        "design = \"policies\"\npolicies.paper = [\"noise\", \"hue\"]\npolicies.back = [\"hue\", \"noise\"]";
    same("noise+hue", trainings(policies), "paper");
    assert_ne!(
        factorial["noise+hue"].key,
        trainings(policies)["back"].key,
        "another order is another policy"
    );
    // The level that is the op's own value is the op.
    let levels = trainings("levels.noise.std = [[0.1, 0.2], [0.1, 0.3]]");
    same("noise", levels.clone(), "noise(std=0.1..0.2)");
    assert!(factorial.values().all(|key| key.key != levels["noise(std=0.1..0.3)"].key));
}

/// The page shows pictures of the store as the first seed's training changes them.
#[test]
fn the_report_reads_the_pixels_and_what_is_done_to_them() {
    let spec = format!(
        "{}[augment.ops]\nflip = {{ op = \"horizontal_flip\", p = 0.5 }}\n[augment.grid]\ndesign = \"add_one\"\n",
        SPEC.replace("[augment.grid]\ndesign = \"none\"\n", "")
    );
    let report = |text: &str| {
        let plan = plan(text);
        let node = &plan.nodes[plan.report()];
        let inputs: Vec<String> = node.inputs.iter().map(|input| input.name.clone()).collect();
        let of = |name: &str| node.extra.iter().find(|(extra, _)| *extra == name).unwrap().1.clone();
        (inputs, of("variants"), of("runs"))
    };
    let (inputs, variants, runs) = report(&spec);
    for name in
        ["pixels.pixels.u8", "pixels.pixel_rows.parquet", "label.labels.parquet", "split.split.parquet"]
    {
        assert!(inputs.iter().any(|input| input == name), "{name}: {inputs:?}");
    }
    for (from, to) in [("p = 0.5", "p = 0.6"), ("horizontal", "vertical"), ("flip =", "turn =")] {
        assert_ne!(report(&spec.replacen(from, to, 1)).1, variants, "{to}");
    }
    let levels = format!("{spec}levels.flip.p = [0.2, 0.4]\n");
    assert_ne!(report(&levels).1, variants);
    assert_ne!(report(&levels.replace("0.4", "0.3")).1, report(&levels).1);
    assert_ne!(report(&spec.replace("[7]", "[8]")).2, runs);
}

#[test]
fn many_keys_are_the_keys_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::cache::Store::open(folder.path()).unwrap();
    let sources = Sources::new(&store);
    let text = SPEC.replace("[7]", "[7, 8]").replace("\"none\"", "\"add_one\"");
    let plan = plan(&format!(
        "{text}[augment.ops]\nflip = {{ op = \"horizontal_flip\", p = 0.5 }}\n[split]\nfolds = 2\n[matrix]\n\"train.epochs\" = [3, 4]\n"
    ));
    let outputs = |stage: Stage| {
        let of = |name: &&str| {
            (name.to_string(), crate::cache::Output { digest: Digest::of(name.as_bytes()), bytes: 1 })
        };
        stage.outputs().iter().map(of).collect()
    };
    let entries: Vec<Entry> = plan
        .nodes
        .iter()
        .map(|node| Entry {
            stage: node.stage.as_str().into(),
            key: Digest::of(node.name.as_bytes()),
            outputs: outputs(node.stage),
            provenance: Default::default(),
        })
        .collect();
    let mut keys = Keys::default();
    let mut seen = std::collections::HashSet::new();
    // Those that read nothing outside the cache.
    for node in plan.nodes.iter().filter(|node| node.stage > Stage::Scan) {
        let one = fingerprint(node, |i| &entries[i], &sources).unwrap().key;
        assert_eq!(keys.key(node, |i| &entries[i], &sources).unwrap(), one, "{}", node.name);
        seen.insert((node.stage, one));
    }
    let trainings = seen.iter().filter(|(stage, _)| *stage == Stage::Train).count();
    assert_eq!(trainings, plan.runs.len());
    assert_eq!(plan.runs.len(), 16);
}

/// Fields about the model in the keys of the first training and prediction.
fn of_model(model: &str) -> [Vec<String>; 2] {
    let plan = plan(&SPEC.replace("[augment.grid]", &format!("[model]\n{model}\n[augment.grid]")));
    [Stage::Train, Stage::Predict].map(|stage| {
        let node = plan.nodes.iter().find(|node| node.stage == stage).unwrap();
        let key = settings(node.stage, &node.variant, node.seed, node.fold).finish();
        let fields = key.fields.into_iter().filter(|field| field.name.starts_with("model."));
        fields.map(|field| format!("{}={}", &field.name["model.".len()..], field.value)).collect()
    })
}

#[test]
fn settings_of_the_model_enter_where_they_are_read_and_matter() {
    let usual = of_model("name = \"resnet18\"");
    assert_eq!(usual[0], ["name=\"resnet18\"", "head=[]", "dropout=0", "freeze=0"]);
    assert_eq!(usual[1], ["name=\"resnet18\"", "head=[]"]);
    // Nothing is frozen that could be let go.
    assert_eq!(of_model("name = \"resnet18\"\nunfreeze_after = 3"), usual);
    let [train, predict] = of_model("name = \"resnet18\"\nfreeze = [\"conv1\"]\nunfreeze_after = 3");
    assert!(train.contains(&"freeze=[\"conv1\"]".to_owned()), "{train:?}");
    assert!(train.contains(&"unfreeze_after=3".to_owned()), "{train:?}");
    assert_eq!(predict, usual[1]);
    for fields in of_model("name = \"torchscript:m.pt\"\nnormalise = \"none\"") {
        for field in ["name=\"torchscript\"", "gives=\"features\"", "normalise=\"none\""] {
            assert!(fields.contains(&field.to_owned()), "{fields:?}");
        }
        assert!(fields.iter().all(|field| !field.contains("m.pt")), "{fields:?}");
    }
}

/// The keys' fields of a stage of the first variant, without those of all keys.
fn of_stage(plan: &Plan, stage: Stage) -> Vec<String> {
    let node = plan.nodes.iter().find(|node| node.stage == stage).unwrap();
    let key = settings(node.stage, &node.variant, node.seed, node.fold).finish();
    key.fields.into_iter().map(|field| format!("{}={}", field.name, field.value)).collect()
}

#[test]
fn maps_are_made_where_they_are_asked_for_and_change_no_other_key() {
    let with = |keys: &str| plan(&format!("{SPEC}[model]\nname = \"resnet18\"\n[explain]\n{keys}\n"));
    let (without, off) = (with(""), with("layer = \"layer2\"\nimages = 3\nfaithfulness = 1"));
    let on = with("method = \"grad_cam\"");
    let names = |plan: &Plan| plan.nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&without), names(&off));
    let more: Vec<String> = names(&on).into_iter().filter(|name| !names(&without).contains(name)).collect();
    assert_eq!(more, ["regions", "explain none/seed=7"]);
    for stage in Stage::ALL.into_iter().filter(|stage| !matches!(stage, Stage::Regions | Stage::Explain)) {
        assert_eq!(of_stage(&on, stage), of_stage(&without, stage), "{stage:?}");
    }
    assert!(without.nodes[without.report()].extra == off.nodes[off.report()].extra);
    let explained = |keys: &str| of_stage(&with(&format!("method = \"grad_cam\"\n{keys}")), Stage::Explain);
    let usual = explained("");
    assert_eq!(explained("layer = \"layer4\""), usual, "the last layer by its name");
    assert_eq!(explained("images = 40"), usual, "the number of pictures is the report's");
    assert_ne!(explained("layer = \"layer3\""), usual);
    assert_ne!(explained("faithfulness = 0"), usual);
    let report = |images: u32| {
        let plan = with(&format!("method = \"grad_cam\"\nimages = {images}"));
        plan.nodes[plan.report()].extra.clone()
    };
    assert_ne!(report(3), report(4));
}

/// A spec that says much; what it leaves out is as `defaults.toml` has it.
const RICH: &str = "name = \"k\"\nseeds = [7]\n[dataset]\nformat = \"csv\"\nannotations = \"a.csv\"\nimages = \"d\"\nlabel_column = \"tags\"\n\
    [labels]\nfrom = \"columns\"\nunmapped = \"ignore\"\n[labels.groups]\nhard = [\"glass\", \"metal\"]\nsoft = [\"paper\"]\n\
    [split]\nmethod = \"iterative\"\nfolds = 3\nseed = 5\n[balance]\nmethod = \"oversample\"\nexponent = 0.5\nmax_copies = 4\n\
    [images]\nsize = 96\nfit = \"pad\"\n\
    [model]\nname = \"resnet18\"\nfreeze = [\"conv1\"]\nunfreeze_after = 2\nnormalise = \"symmetric\"\nhead = [32]\ndropout = 0.25\n\
    [train]\nepochs = 12\nbatch_size = 16\nema = 0.99\nclip_norm = 2.0\nloss = { name = \"bce\", positive_weights = \"balanced\" }\n\
    optimizer = { name = \"adamw\", lr = 3e-4 }\nschedule = { name = \"cosine\", warmup_epochs = 2 }\n\
    early_stopping = { metric = \"val_map_macro\", patience = 4 }\n\
    [augment.ops]\nflip = { op = \"horizontal_flip\" }\nsome = { some_of = [{ op = \"rotate\" }, { op = \"gauss_noise\" }], n = 1 }\n\
    mix = { op = \"mixup\" }\n[augment.grid]\ndesign = \"policies\"\npolicies.all = [\"flip\", \"some\", \"mix\"]\n\
    [evaluate]\nthreshold = \"per_label_f1\"\ncalibration = \"platt\"\n[explain]\nmethod = \"grad_cam\"\nlayer = \"layer3\"\n";

/// The beginnings of keys.
const PLAIN_KEYS: [&str; 11] = [
    "ingest 44e2985046bc",
    "scan cb74d928b59b",
    "label f321043cde43",
    "split b1cc9170acbb",
    "balance 071b24883422",
    "pixels a899940c7343",
    "references 754654eb8b39",
    "train b278f7603042",
    "predict 71ff0d2fb1c5",
    "evaluate 2a65df74178b",
    "report 1e17af728150",
];

const RICH_KEYS: [&str; 13] = [
    "ingest 05991da5c6df",
    "scan cb74d928b59b",
    "label d45de319b642",
    "split 4cf07542627e",
    "balance b0e2340f94a7",
    "pixels 0b012f4e178e",
    "regions bf04dabd7600",
    "references cacebccaf06d",
    "train 6fe14f88aea0",
    "predict f66f97633fba",
    "evaluate e52ecdbc62c0",
    "explain 916a6410c286",
    "report 1e17af728150",
];

/// Another key makes all results stale that were made under the old one. Where that is meant, a stage's version was raised or a default
/// changed, and the keys here change with it.
#[test]
fn keys_stay_what_they_are() {
    let keys = |text: &str, run: &str| -> Vec<String> {
        let plan = plan(text);
        let of_stage = |stage: Stage| {
            let of_run =
                |node: &&Node| node.stage == stage && (node.run.is_empty() || node.run.starts_with(run));
            let node = plan.nodes.iter().find(of_run)?;
            let key = settings(stage, &node.variant, node.seed, node.fold).finish().key;
            Some(format!("{} {}", stage.as_str(), key.short()))
        };
        Stage::ALL.into_iter().filter_map(of_stage).collect()
    };
    assert_eq!(keys(SPEC, "none"), PLAIN_KEYS);
    assert_eq!(keys(RICH, "all"), RICH_KEYS);
}

/// Each parameter of each op is a field of the training's key: families of ops are not taken apart in `whole`.
#[test]
fn every_parameter_of_every_op_enters() {
    let manual = crate::spec::ops::Action::manual();
    assert!(manual.len() > 40);
    for op in manual {
        let spec = SPEC.replace("none", "add_one");
        let plan = plan(&format!("{spec}[augment.ops]\nx = {{ op = \"{}\" }}\n", op.name));
        let of_op = |node: &&Node| node.stage == Stage::Train && node.run.starts_with("x/");
        let node = plan.nodes.iter().find(of_op).unwrap();
        let key = settings(node.stage, &node.variant, node.seed, node.fold).finish();
        for parameter in ["p"].into_iter().chain(["op"]).chain(op.parameters.iter().map(|one| one.name)) {
            let name = match parameter {
                "p" => "policy[0].p".to_owned(),
                other => format!("policy[0].action.{other}"),
            };
            let is_it = |field: &&Field| {
                field
                    .name
                    .strip_prefix(&name)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            assert!(
                key.fields.iter().any(|field| is_it(&field)),
                "`{parameter}` of `{}`: {:?}",
                op.name,
                key.fields
            );
        }
    }
}
