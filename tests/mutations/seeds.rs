//! Sound inputs of each kind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ablatrix::fingerprint::{Builder, Digest};
use ablatrix::job::{Job, JobStage, PROTOCOL};
use ablatrix::spec::{Overrides, load};
use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::json;

use super::harness::{Lab, SPEC, stderr};
use super::parsers::Indexed;
use super::stored::{entries, find};

/// The tiny study, and one with most kinds of values.
pub fn specs() -> Vec<Vec<u8>> {
    let rich = SPEC
        .replace("design = \"add_one\"", "design = \"add_one\"\nlevels.flip.p = [0.1, 0.9]")
        .replace("colour = {", "noise = { op = \"gauss_noise\", std = [0.05, 0.11] }\ncolour = {")
        + "[matrix]\n\"train.optimizer.lr\" = [1e-4, 3e-4]\n\"train.schedule\" = [\"static\", { name = \"cosine\" }]\n\
           [evaluate]\nthreshold = 0.5\n[report]\nbaseline = \"none\"\n[workers]\nthreads = 1\n";
    vec![SPEC.into(), rich.into_bytes()]
}

/// With polygons, both kinds of run lengths, scenes and URLs.
pub fn coco() -> Vec<Vec<u8>> {
    let images: Vec<_> = (0..4)
        .map(|id| json!({"id": id, "width": 20, "height": 10, "file_name": format!("batch/{id}.jpg"), "coco_url": "https://host/x.jpg"}))
        .collect();
    let masks = [
        json!([[1, 2, 9, 2, 9, 6]]),
        json!({"size": [10, 20], "counts": "T3T3"}),
        json!({"size": [10, 20], "counts": [100, 50, 50]}),
        json!([[1.5, 2.25, 9, 2, 9, 6], [0, 0, 1, 0, 1, 1]]),
    ];
    let objects: Vec<_> = masks
        .iter()
        .enumerate()
        .map(|(id, mask)| {
            json!({"id": id, "image_id": id, "category_id": id % 2, "bbox": [1, 2, 8.5, 4e0], "area": 30.5, "iscrowd": 0,
                   "segmentation": mask})
        })
        .collect();
    let whole = json!({
        "images": images, "annotations": objects,
        "categories": [{"id": 0, "name": "Can", "supercategory": "Metal"}, {"id": 1, "name": "K\u{f6}ln"}],
        "scene_categories": [{"id": 0, "name": "Water"}],
        "scene_annotations": [{"image_id": 1, "background_ids": [0]}],
    });
    vec![whole.to_string().into_bytes(), serde_json::to_vec_pretty(&whole).unwrap()]
}

/// With commas, and with quotes, semicolons, a byte order mark and line ends of Windows.
pub fn csv() -> Vec<Vec<u8>> {
    vec![
        b"file_name,Can,Bottle\n1.jpg,1,0\na/2.jpg,0,1\n3.jpg,true,1.0\n".to_vec(),
        "\u{feff}file_name;\"Can; large\";K\u{f6}ln\r\n\"1.jpg\";1;0\r\n2.jpg;0;1\r\n".into(),
    ]
}

/// Labels in one column.
pub fn csv_separated() -> Vec<Vec<u8>> {
    vec![b"file_name,labels\n1.jpg,Can|Bottle\n2.jpg,\n\"3.jpg\",\" Can \"\n".to_vec()]
}

/// Every kind that is read, by Pillow; see tests/golden/pixels.
pub fn pictures() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pixels/decode");
    let names = [
        "rgb_420.jpg",
        "progressive.jpg",
        "restarts.jpg",
        "cmyk.jpg",
        "grey.jpg",
        "exif_6.jpg",
        "rgb.png",
        "palette.png",
        "grey_16.png",
        "rgba.png",
        "exif_6.png",
    ];
    names.iter().map(|name| fs::read(folder.join(name)).unwrap()).collect()
}

/// Two tensors and notes.
pub fn weights() -> Vec<Vec<u8>> {
    let header = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"F16","shape":[4],"data_offsets":[16,24]}}"#;
    vec![[&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[7; 24]].concat()]
}

/// With a column for each label, of several types; and with lists of labels, and labels in one text.
pub fn parquet() -> Vec<Vec<u8>> {
    let flags: ArrayRef = Arc::new(BooleanArray::from_iter((0..12).map(|i| Some(i % 2 == 0))));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..12).map(|i| i % 3 / 2)));
    vec![table(vec![("file_name", names()), ("Can", flags), ("K\u{f6}ln", numbers)])]
}

/// Labels in one column: as text, and as lists.
pub fn parquet_separated() -> Vec<Vec<u8>> {
    let texts: ArrayRef =
        Arc::new(StringArray::from_iter((0..12).map(|i| (i % 4 > 0).then_some("Can|Bottle"))));
    let mut lists = ListBuilder::new(StringBuilder::new());
    for i in 0..12 {
        lists.append_value(["Can", "Bottle"].into_iter().take(i % 3).map(Some));
    }
    vec![
        table(vec![("file_name", names()), ("labels", texts)]),
        table(vec![("file_name", names()), ("labels", Arc::new(lists.finish()))]),
    ]
}

fn names() -> ArrayRef {
    Arc::new(StringArray::from_iter_values((0..12).map(|i| format!("{i}.jpg"))))
}

fn table(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let compressed = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(compressed)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// The body of an index of files, as it is saved, but for the digest of its file.
pub fn indexes() -> Vec<Vec<u8>> {
    let indexed = Indexed::new();
    let digest = indexed.digest();
    let body = second_line(&fs::read(&indexed.place).unwrap());
    let text = String::from_utf8(body).unwrap();
    vec![text.replace(digest.as_str(), Digest::of(Indexed::KNOWN).as_str()).into_bytes()]
}

/// What lies below its digest.
pub fn second_line(sealed: &[u8]) -> Vec<u8> {
    sealed.split(|byte| *byte == b'\n').nth(1).unwrap().to_vec()
}

/// What a run of the tiny study left in its cache.
pub struct Stored {
    /// Tables of images, whole files.
    pub images: Vec<Vec<u8>>,
    /// Tables of annotations: of drawn scenes, with masks.
    pub annotations: Vec<Vec<u8>>,
    /// Tables of parts.
    pub split: Vec<Vec<u8>>,
    /// Records of results.
    pub records: Vec<Vec<u8>>,
}

/// Runs a study of drawn scenes up to its split.
pub fn stored() -> Stored {
    let lab = Lab::without_worker();
    let dataset = "format = \"coco\"\nannotations = \"scenes/annotations.json\"\nimages = \"scenes\"\n\
                   [dataset.generate]\nimages = 24\nside = 64";
    let spec = SPEC.replace("format = \"folders\"\nimages = \"images\"", dataset);
    lab.write_spec(&spec.replace("from = \"folder\"", "from = \"supercategory\"\nmin_positives = 0"));
    let output = lab.call("cache", "run", &["--until", "split"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let all = entries(&lab.path("cache/entries"));
    let tables = |stage: &str, name: &str| -> Vec<Vec<u8>> {
        let of = all.iter().filter(|(_, entry)| entry["fingerprint"]["stage"] == stage);
        let digests = of.filter_map(|(_, entry)| entry["outputs"][name]["digest"].as_str());
        digests.map(|digest| fs::read(find(&lab.path("cache/objects"), digest).unwrap()).unwrap()).collect()
    };
    Stored {
        images: tables("scan", "images.parquet"),
        annotations: tables("ingest", "annotations.parquet"),
        split: tables("split", "split.parquet"),
        records: all.iter().map(|(path, _)| fs::read(path).unwrap()).collect(),
    }
}

/// All that a worker says.
pub fn events() -> Vec<Vec<u8>> {
    let key = "a".repeat(64);
    let row = json!({"epoch": 1, "lr": 0.1, "train_loss": null, "val_loss": 1.5, "val_map_macro": 0.2, "seconds": 1.0,
        "images_per_second": 9.0, "finished_ms": 1});
    let all = [
        json!({"event": "ready", "protocol": PROTOCOL, "version": "1", "libtorch": "2.11.0"}),
        json!({"event": "started", "key": key, "resumed_epochs": 0, "resumed_steps": 0, "epochs": 2}),
        json!({"event": "beat", "key": key, "steps": u64::MAX}),
        json!({"event": "epoch", "key": key, "row": row}),
        json!({"event": "notice", "key": key, "message": "\u{1b}[31m", "once": true}),
        json!({"event": "finished", "key": key}),
        json!({"event": "interrupted", "key": key}),
        json!({"event": "refused", "message": "x"}),
        json!({"event": "failed", "key": key, "kind": "final", "message": "x"}),
    ];
    all.iter().map(|event| event.to_string().into_bytes()).collect()
}

/// A training with ops, as a worker gets it.
pub fn jobs() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("tiny.toml");
    fs::write(&spec, SPEC).unwrap();
    let experiment =
        load(&spec, &Overrides::default()).unwrap_or_else(|error| panic!("{error:?}")).experiment;
    let job = Job {
        protocol: PROTOCOL,
        stage: JobStage::Train,
        run: "none/seed=1".into(),
        fingerprint: Builder::new("train", 1).finish(),
        model: experiment.model.clone(),
        train: experiment.train.clone(),
        explain: experiment.explain.clone(),
        images: experiment.images.clone(),
        policy: vec![],
        inputs: BTreeMap::new(),
        cache: PathBuf::from("cache"),
        seed: 1,
        fold: 0,
        threads: 1,
        checkpoint_minutes: 0.0,
        device: experiment.workers.device,
        beat_seconds: 0.0,
        alone: true,
    };
    vec![serde_json::to_vec(&job).unwrap()]
}

/// For each target of `fuzz/`, sound inputs of all kinds that it takes.
pub fn corpora() -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let Stored { images, annotations, split, records } = stored();
    let bodies = records.iter().map(|record| second_line(record)).collect();
    BTreeMap::from([
        ("spec", specs()),
        ("coco", coco()),
        ("csv", [csv(), csv_separated()].concat()),
        ("parquet", [parquet(), parquet_separated()].concat()),
        ("pictures", pictures()),
        ("weights", weights()),
        ("tables", [images, annotations, split].concat()),
        ("records", [records, bodies, indexes()].concat()),
        ("messages", [events(), jobs()].concat()),
    ])
}
