//! Every table there and back, the same bytes twice, and files that are not what they should be.

use std::path::PathBuf;

use super::export::{to_csv, to_json_lines};
use super::rows::*;
use super::*;

fn place(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("table.parquet")
}

/// Writes twice, compares the bytes, reads back.
fn round_trip<T: Table>(table: &T) -> T {
    let dir = tempfile::tempdir().unwrap();
    let path = place(&dir);
    write(&path, table, "test").unwrap();
    let first = std::fs::read(&path).unwrap();
    write(&path, table, "test").unwrap();
    assert!(first == std::fs::read(&path).unwrap(), "two writings of `{}` differ", T::NAME);
    read(&path).unwrap()
}

fn images() -> Vec<ImageRow> {
    let row = |image_id, url: Option<&str>| ImageRow {
        image_id,
        file_name: format!("batch_1_{image_id}.jpg"),
        path: format!("batch_1/{image_id}.JPG"),
        width: 4000,
        height: 3000,
        digest: String::new(),
        url: url.map(str::to_owned),
        url_small: url.map(|url| format!("{url}?small")),
    };
    vec![row(-3, None), row(i64::MAX, Some("https://example.org/ä.jpg"))]
}

fn annotations() -> Vec<AnnotationRow> {
    let row = |annotation_id, segmentation| AnnotationRow {
        annotation_id,
        image_id: 7,
        category_id: 2,
        bbox_x: 0.5,
        bbox_y: 1.25,
        bbox_w: 10.0,
        bbox_h: 20.0,
        area: 123.456,
        is_crowd: annotation_id == 1,
        segmentation,
        mask_rle: (annotation_id == 0).then(|| "52203".to_owned()),
    };
    vec![row(0, vec![]), row(1, vec![vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.5], vec![]]), row(2, vec![vec![0.1; 8]])]
}

fn predictions() -> PredictionTable {
    PredictionTable {
        run: "none/seed=1".into(),
        labels: vec!["glass".into(), "paper, \"old\"".into()],
        image_ids: vec![4, 9],
        parts: vec![Part::Val, Part::Test],
        logits: vec![0.1, f32::NAN, -1e-30, f32::INFINITY],
    }
}

#[test]
fn tables_come_back_as_they_went() {
    assert_eq!(round_trip(&images()), images());
    assert_eq!(round_trip(&annotations()), annotations());
    let categories = vec![CategoryRow { category_id: 1, name: "Can".into(), supercategory: String::new() }];
    assert_eq!(round_trip(&categories), categories);
    let scenes = vec![SceneRow { image_id: 1, scene: "Water".into() }];
    assert_eq!(round_trip(&scenes), scenes);
    let labels = LabelTable {
        labels: vec!["b".into(), "a".into(), "c".into()],
        image_ids: vec![1, 5],
        positives: vec![true, false, false, true, true, false],
    };
    assert_eq!(round_trip(&labels), labels);
    let split: Vec<_> = [Part::Train, Part::Val, Part::Test]
        .into_iter()
        .map(|part| SplitRow { image_id: 1, fold: 2, part })
        .collect();
    assert_eq!(round_trip(&split), split);
    for (fold, chance) in [(0, None), (2, Some(0.125))] {
        let index = vec![TrainIndexRow { fold, image_id: 1, copies: 131, weight: 0.5, chance }];
        assert_eq!(round_trip(&index), index);
        assert_eq!(index.to_batch().unwrap().column_by_name("fold").is_some(), fold > 0);
    }
    let pixels = vec![PixelRow { image_id: 1, row: u64::MAX, digest: "00".into() }];
    assert_eq!(round_trip(&pixels), pixels);
    let hash = std::array::from_fn(|i| 251 - i as u8);
    let hashes = vec![PictureHashRow { image_id: -1, hash, detail: 7 }];
    assert_eq!(round_trip(&hashes), hashes);
    let captures = vec![CaptureRow { image_id: 1, capture: "batch_1".into() }];
    assert_eq!(round_trip(&captures), captures);
    let metrics = vec![MetricRow {
        run: "r".into(),
        variant: "v".into(),
        seed: u64::MAX,
        fold: 3,
        label: None,
        metric: "map_macro".into(),
        value: 0.25,
    }];
    assert_eq!(round_trip(&metrics), metrics);
    let of = |reference| ReferenceRow {
        variant: "v".into(),
        reference,
        fold: 2,
        label: Some("glass".into()),
        metric: "ap".into(),
        value: 0.25,
    };
    let references = Reference::ALL.map(of).to_vec();
    assert_eq!(round_trip(&references), references);
    let effects = vec![EffectRow {
        variant: "v".into(),
        baseline: "none".into(),
        label: Some("glass".into()),
        metric: "ap".into(),
        delta: 0.1,
        low: -0.1,
        high: 0.3,
        p_adjusted: 1.0,
        n_seeds: 5,
        verdict: "not enough evidence".into(),
    }];
    assert_eq!(round_trip(&effects), effects);
    let contrasts = vec![ContrastRow {
        kind: "interaction".into(),
        aliases: "blur × hue".into(),
        effect: EffectRow {
            variant: "flip × noise".into(),
            baseline: "each without the other".into(),
            label: None,
            metric: "map_macro".into(),
            delta: -0.1,
            low: -0.2,
            high: 0.05,
            p_adjusted: 0.3,
            n_seeds: 3,
            verdict: "not enough evidence".into(),
        },
    }];
    assert_eq!(round_trip(&contrasts), contrasts);
}

#[test]
fn nan_and_infinity_are_kept() {
    let (table, back) = (predictions(), round_trip(&predictions()));
    let bits = |logits: &[f32]| logits.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&back.logits), bits(&table.logits));
    assert_eq!((&back.run, &back.labels, &back.parts), (&table.run, &table.labels, &table.parts));
    let history = vec![HistoryRow {
        run: "r".into(),
        epoch: 1,
        lr: 1e-4,
        train_loss: 0.7,
        val: Validation { f1_macro: 0.25, ece_macro: 0.125, ..Validation::NONE },
        seconds: 1.5,
        images_per_second: 100.0,
        wait_share: 0.0,
        finished_ms: 1_700_000_000_123,
    }];
    let back = round_trip(&history);
    assert!(back[0].val.loss.is_nan() && back[0].lr == 1e-4);
    assert_eq!((back[0].val.f1_macro, back[0].val.ece_macro), (0.25, 0.125));
}

#[test]
fn tables_without_rows_keep_their_columns() {
    assert_eq!(round_trip(&Vec::<AnnotationRow>::new()), vec![]);
    let labels = LabelTable { labels: vec!["a".into()], ..LabelTable::default() };
    assert_eq!(round_trip(&labels), labels);
    assert_eq!(round_trip(&LabelTable::default()), LabelTable::default());
}

#[test]
fn many_row_groups_come_back_in_order() {
    let row = |image_id| TrainIndexRow { fold: 0, image_id, copies: 1, weight: 1.0, chance: None };
    let rows: Vec<_> = (0..200_000).map(row).collect();
    assert_eq!(round_trip(&rows), rows);
}

#[test]
fn another_table_or_version_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write(&place(&dir), &images(), "ingest").unwrap();
    let error = read::<Vec<SplitRow>>(&place(&dir)).unwrap_err().to_string();
    assert!(error.ends_with("holds table `images` version 2, expected table `split` version 1"), "{error}");
}

#[test]
fn labels_that_cannot_be_columns_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let twice = LabelTable { labels: vec!["a".into(), "a".into()], ..LabelTable::default() };
    let taken = PredictionTable { labels: vec!["part".into()], ..PredictionTable::default() };
    let short = LabelTable { labels: vec!["a".into()], image_ids: vec![1], positives: vec![] };
    let cause = |error: TableError| std::error::Error::source(&error).unwrap().to_string();
    let error = write(&place(&dir), &twice, "label").unwrap_err();
    assert_eq!(cause(error), "label `a` has the name of another column");
    let error = write(&place(&dir), &taken, "predict").unwrap_err();
    assert_eq!(cause(error), "label `part` has the name of another column");
    let error = write(&place(&dir), &short, "label").unwrap_err();
    assert_eq!(cause(error), "`positives` has 0 values, expected 1");
}

/// Whatever is done to a file's bytes, reading it ends in an error that names it, or in rows; never in a panic.
#[test]
fn broken_files_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = place(&dir);
    write(&path, &annotations(), "ingest").unwrap();
    let whole = std::fs::read(&path).unwrap();
    let named = |error: TableError| {
        let text = error.to_string();
        assert!(text.contains("`annotations`") && text.contains("table.parquet"), "{text}");
    };
    for len in (0..whole.len()).step_by(41) {
        std::fs::write(&path, &whole[..len]).unwrap();
        named(read::<Vec<AnnotationRow>>(&path).unwrap_err());
    }
    for place in (0..whole.len()).step_by(5) {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (place % 8);
        std::fs::write(&path, &bytes).unwrap();
        if let Err(error) = read::<Vec<AnnotationRow>>(&path) {
            named(error);
        }
    }
    std::fs::remove_file(&path).unwrap();
    named(read::<Vec<AnnotationRow>>(&path).unwrap_err());
}

#[test]
fn any_table_can_be_shown() {
    let dir = tempfile::tempdir().unwrap();
    type To = fn(&[export::Source], &mut dyn std::io::Write) -> Result<(), export::ExportError>;
    let show_as = |to: To, names: Vec<(&'static str, &str)>| {
        let mut out = Vec::new();
        to(&[export::Source { path: &place(&dir), names }], &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let show = |to: To| show_as(to, vec![]);
    write(&place(&dir), &predictions(), "predict").unwrap();
    assert_eq!(
        show(to_csv),
        "run,part,image_id,glass,\"paper, \"\"old\"\"\"\n\
         none/seed=1,val,4,0.1,NaN\nnone/seed=1,test,9,-1e-30,inf\n"
    );
    assert_eq!(
        show(to_json_lines).lines().next().unwrap(),
        r#"{"run":"none/seed=1","part":"val","image_id":4,"glass":0.1,"paper, \"old\"":null}"#
    );
    let renamed = show_as(to_csv, vec![("run", "plain/seed=1"), ("variant", "plain")]);
    assert_eq!(renamed.matches("\nplain/seed=1,").count(), 2, "{renamed}");
    write(&place(&dir), &annotations()[1..2].to_vec(), "ingest").unwrap();
    let csv = show(to_csv);
    assert!(
        csv.ends_with("1,7,2,0.5,1.25,10.0,20.0,123.456,1,\"[[1.0,2.0,3.0,4.0,5.0,6.5],[]]\",\n"),
        "{csv}"
    );
}
