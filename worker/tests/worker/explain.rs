//! Where a model looks, from a job to tables in the cache.

use ablatrix::job::{FailureKind, WorkerEvent, input, output};
use ablatrix::metrics::attention::{active_area, energy_inside, pointing_hit};
use ablatrix::pixels::Region;
use ablatrix::spec::settings::ExplainMethod::{GradCam, GradCamPlusPlus};
use ablatrix::spec::settings::{AUTO_LAYER, ExplainMethod};
use ablatrix::tables::attention::{AttentionMapRow, AttentionRow, RegionRow};
use ablatrix::tables::rows::Part;
use ablatrix_worker::attention::{gradients, to_side, weighed};
use ablatrix_worker::model::Network;
use rustix::process::Signal;
use tch::Tensor;

use super::harness::*;

/// A layer with four places to each side.
const LAYER: &str = "blocks.1";

/// The left half of the pictures, as run lengths.
fn left_half() -> String {
    let half = (SIDE * SIDE / 2) as u32;
    ablatrix::tables::rle::compress(&[0, half, half])
}

/// Objects of `red` in the left half of each image that has it, and none of the others.
fn study() -> Study {
    let mut study = Study::new();
    let red = (1..=30).filter(|&image_id| positives(image_id)[0]);
    let region = |image_id: i64| RegionRow {
        image_id,
        label: "red".into(),
        side: SIDE as u32,
        has_boxes: true,
        mask_rle: left_half(),
    };
    study.put(input::REGIONS, &red.map(region).collect::<Vec<_>>());
    study
}

/// Images of the test part, each with its labels.
fn tested() -> Vec<(i64, usize)> {
    let images = (1..=30).filter(|&image_id| part(image_id) == Part::Test);
    images
        .flat_map(|id| (0..3).filter(move |&label| positives(id)[label]).map(move |label| (id, label)))
        .collect()
}

#[test]
fn measures_are_those_of_the_maps_of_the_model() {
    let study = study();
    let train = study.train_job(1);
    assert_eq!(study.run_file(&train).0, Some(0));
    for (method, steps) in [(GradCam, 3), (GradCamPlusPlus, 0)] {
        let job = study.explain_job(&train, method, LAYER, steps);
        let (code, events) = study.run_file(&job);
        assert_eq!(code, Some(0), "{events:?}");
        let rows: Vec<AttentionRow> = study.table(&job, output::ATTENTION);
        let maps: Vec<AttentionMapRow> = study.table(&job, output::ATTENTION_MAPS);
        let pairs: Vec<_> = rows.iter().map(|row| (row.image_id, label_of(&row.label))).collect();
        assert_eq!(pairs, tested());
        assert_eq!(maps.iter().map(|map| (map.image_id, label_of(&map.label))).collect::<Vec<_>>(), pairs);

        let network = trained(&study, &job);
        for (row, kept) in rows.iter().zip(&maps) {
            assert_eq!(row.run, train.run);
            let (probability, map) = map_of(&network, method, row.image_id, label_of(&row.label));
            assert!((row.probability - probability).abs() < 1e-5, "{row:?} {probability}");
            let region = Region::of_rle(SIDE as u32, &left_half()).unwrap();
            let is_red = row.label == "red";
            assert_eq!((row.object_area, row.has_boxes), (is_red.then_some(0.5), is_red.then_some(true)));
            let expected = energy_inside(&map, region.pixels()).filter(|_| is_red);
            assert_eq!(row.energy_inside.is_some(), expected.is_some());
            let difference = row.energy_inside.zip(expected).map_or(0.0, |(a, b)| (a - b).abs());
            assert!(difference < 1e-3, "{row:?} {expected:?}");
            assert_eq!(row.pointing_hit, pointing_hit(&map, region.pixels()).filter(|_| is_red));
            let expected = active_area(&map);
            let difference = row.active_area.zip(expected).map_or(0.0, |(a, b)| (a - b).abs());
            assert!(
                row.active_area.is_some() == expected.is_some() && difference < 0.01,
                "{row:?} {expected:?}"
            );
            let curves = [row.deletion, row.insertion];
            assert!(curves.iter().all(|area| area.is_some() == (steps > 0 && expected.is_some())), "{row:?}");
            assert!(curves.iter().flatten().all(|area| (0.0..=1.0).contains(area)), "{row:?}");
            assert_eq!((kept.height, kept.width, kept.values.len()), (4, 4, 16));
            assert_eq!(kept.values.iter().max(), Some(if expected.is_some() { &255 } else { &0 }));
        }
        assert!(rows.iter().any(|row| row.energy_inside.is_some()), "nothing was compared");
    }
}

/// Another process gives the same bytes.
#[test]
fn the_same_job_gives_the_same_bytes() {
    let tables = || {
        let study = study();
        let train = study.train_job(1);
        assert_eq!(study.run_file(&train).0, Some(0));
        let job = study.explain_job(&train, GradCam, LAYER, 4);
        assert_eq!(study.run_file(&job).0, Some(0));
        [output::ATTENTION, output::ATTENTION_MAPS].map(|name| study.bytes(&job, name))
    };
    assert!(tables() == tables());
}

#[test]
fn maps_of_one_place_are_empty_and_said_to_be() {
    let study = study();
    let train = study.train_job(1);
    let mut worker = Serving::start();
    worker.send(&train);
    worker.events_of_job();
    // At 32 pixels the last layer has one place.
    let job = study.explain_job(&train, GradCam, AUTO_LAYER, 2);
    worker.send(&job);
    assert!(matches!(worker.event(), Some(WorkerEvent::Started { .. })));
    let Some(WorkerEvent::Notice { message, once, .. }) = worker.event() else { panic!("no notice") };
    assert!(message.contains("`blocks.5.0` has one place for a picture of 32 x 32") && once, "{message}");
    assert!(matches!(worker.event(), Some(WorkerEvent::Finished { .. })));
    let rows: Vec<AttentionRow> = study.table(&job, output::ATTENTION);
    assert_eq!(rows.len(), tested().len());
    for row in rows {
        assert_eq!((row.energy_inside, row.pointing_hit, row.active_area), (None, None, None));
        assert_eq!((row.deletion, row.insertion), (None, None));
        assert_eq!(row.object_area.is_some(), row.label == "red");
    }
}

#[test]
fn a_layer_that_is_not_there_and_a_region_of_another_picture_are_refused() {
    let mut study = study();
    let train = study.train_job(1);
    assert_eq!(study.run_file(&train).0, Some(0));
    let failed = |events: Vec<WorkerEvent>| match events.last() {
        Some(WorkerEvent::Failed { kind: FailureKind::Final, message, .. }) => message.clone(),
        other => panic!("{other:?}"),
    };
    let (code, events) = study.run_file(&study.explain_job(&train, GradCam, "layer4", 0));
    assert_eq!(code, Some(1));
    assert!(failed(events).contains("no maps of the layer `layer4` of `mobilenet_v3_small`"));

    let (image_id, _) = tested()[0];
    let label = LABELS[tested()[0].1];
    for (side, runs, why) in [
        (8, left_half(), "its side is 8, expected 32"),
        (32, ablatrix::tables::rle::compress(&[0, 64]), "the runs have 64 pixels, expected 1024"),
        (32, "P".to_owned(), "`counts` is cut short"),
    ] {
        let row = RegionRow { image_id, label: label.into(), side, has_boxes: false, mask_rle: runs };
        study.put(input::REGIONS, &vec![row]);
        let (code, events) = study.run_file(&study.explain_job(&train, GradCam, LAYER, 0));
        assert_eq!(code, Some(1));
        let message = failed(events);
        let expected = format!("no usable region of `{label}` in image `{image_id}`: {why}");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn it_stops_between_two_maps() {
    let study = study();
    let train = study.train_job(1);
    let mut worker = Serving::start();
    worker.send(&train);
    worker.events_of_job();
    // Steps enough for minutes.
    let job = study.explain_job(&train, GradCam, LAYER, 1000);
    worker.send(&job);
    assert!(matches!(worker.event(), Some(WorkerEvent::Started { .. })));
    worker.signal(Signal::TERM);
    assert!(matches!(worker.event(), Some(WorkerEvent::Interrupted { .. })));
    assert_eq!(worker.wait().code(), Some(75));
    assert!(study.store().lookup(&job.fingerprint.key).unwrap().is_none());
}

fn label_of(name: &str) -> usize {
    LABELS.iter().position(|label| *label == name).unwrap()
}

/// The network of a job with its trained weights.
fn trained(study: &Study, job: &ablatrix::job::Job) -> Network {
    tch::set_num_threads(1);
    let mut network = Network::new(&job.model, LABELS.len(), 1, tch::Device::Cpu).unwrap();
    let path = study.store().object(&job.inputs[input::MODEL]).unwrap();
    network.load_trained(&path).unwrap();
    network
}

/// The label's probability and its map, one number per pixel.
fn map_of(network: &Network, method: ExplainMethod, image_id: i64, label: usize) -> (f64, Vec<f32>) {
    let normalisation = network.normalisation();
    let channel = |i: usize, value: u8| {
        (f32::from(value) / 255.0 - normalisation.mean[i % 3]) / normalisation.std[i % 3]
    };
    let values: Vec<f32> =
        picture(image_id).into_iter().enumerate().map(|(i, value)| channel(i, value)).collect();
    let side = SIDE as i64;
    let image = Tensor::from_slice(&values).reshape([1, side, side, 3]).permute([0, 3, 1, 2]);
    let layer = network.architecture().layer(LAYER).unwrap();
    let tapped = network.forward_tapped(&image, &layer).unwrap().unwrap();
    let gradients = gradients(&tapped, &[label as i64], false).unwrap();
    let small = weighed(method, &tapped.activation_nchw, &gradients).unwrap();
    let map = Vec::try_from(to_side(&small, side).unwrap().reshape(-1)).unwrap();
    (tapped.logits_nl.detach().sigmoid().double_value(&[0, label as i64]), map)
}
