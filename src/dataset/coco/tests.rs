//! A small file as it should be, and everything that can be wrong with one.

use std::io::Write;

use serde_json::{Value, json};

use super::import;
use crate::dataset::{Imported, NoticeKind};

fn sound() -> Value {
    json!({
        "info": {"year": 2019, "nested": [{"id": 1}]},
        "annotations": [
            {"id": 2, "image_id": 10, "category_id": 0, "bbox": [1, 2, 3.5, 4], "iscrowd": 0,
             "segmentation": [[1.0, 2.0, 4.5, 2.0, 4.5, 6.0]], "area": 12.5, "score": null},
            {"id": 1.0, "image_id": 3, "category_id": 7, "bbox": [0, 0, 10, 20], "iscrowd": true,
             "segmentation": {"counts": [5, 3, 192], "size": [20, 10]}},
        ],
        "images": [
            {"id": 10, "width": 30, "height": 40.0, "file_name": "batch_1/000006.JPG", "flickr_url": null,
             "coco_url": "https://example.org/6.jpg", "flickr_640_url": "https://example.org/6_z.jpg"},
            {"id": 3, "width": 10, "height": 20, "file_name": "batch_2/000001.jpg", "license": 4,
             "coco_url": "", "flickr_url": "https://example.org/1_o.jpg", "flickr_640_url": ""},
        ],
        "categories": [
            {"id": 7, "name": "Drink can", "supercategory": "Can"},
            {"id": 0, "name": "Battery"},
        ],
        "scene_annotations": [
            {"image_id": 3, "background_ids": [1, 0, 7]},
            {"image_id": 3, "background_ids": [0]},
        ],
        "scene_categories": [{"id": 0, "name": "Clean"}, {"id": 1, "name": "Water"}],
    })
}

fn read(text: impl AsRef<[u8]>) -> Result<Imported, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("annotations.json");
    std::fs::File::create(&path).unwrap().write_all(text.as_ref()).unwrap();
    let place = format!("{}/", dir.path().display());
    import(&path).map_err(|error| error.to_string().replace(&place, ""))
}

/// The sound file with the value at `pointer` replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut root = sound();
    *root.pointer_mut(pointer).unwrap() = value;
    root
}

fn without(pointer: &str, key: &str) -> Value {
    let mut root = sound();
    root.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    root
}

#[test]
fn a_sound_file_becomes_tables() {
    let imported = read(sound().to_string()).unwrap();
    let images: Vec<_> =
        imported.images.iter().map(|row| (row.image_id, row.file_name.as_str(), row.path.as_str())).collect();
    assert_eq!(
        images,
        [(3, "batch_2_000001.jpg", "batch_2/000001.jpg"), (10, "batch_1_000006.jpg", "batch_1/000006.JPG"),]
    );
    assert_eq!((imported.images[1].width, imported.images[1].height), (30, 40));
    let urls = imported.images.iter().map(|row| (row.url.as_deref(), row.url_small.as_deref()));
    let six = (Some("https://example.org/6.jpg"), Some("https://example.org/6_z.jpg"));
    assert_eq!(urls.collect::<Vec<_>>(), [(Some("https://example.org/1_o.jpg"), None), six]);
    let [first, second] = &imported.annotations[..] else { panic!("{:?}", imported.annotations) };
    assert_eq!((first.annotation_id, first.is_crowd, first.area), (1, true, 3.0));
    assert_eq!((first.mask_rle.as_deref(), first.segmentation.len()), (Some("53P6"), 0));
    assert_eq!((second.bbox_x, second.bbox_y, second.bbox_w, second.bbox_h), (1.0, 2.0, 3.5, 4.0));
    assert_eq!(second.segmentation, [[1.0, 2.0, 4.5, 2.0, 4.5, 6.0]]);
    let categories: Vec<_> =
        imported.categories.iter().map(|row| (row.name.as_str(), row.supercategory.as_str())).collect();
    assert_eq!(categories, [("Battery", ""), ("Drink can", "Can")]);
    let scenes: Vec<_> = imported.scenes.iter().map(|row| (row.image_id, row.scene.as_str())).collect();
    assert_eq!(scenes, [(3, "Clean"), (3, "Water")]);
    let notices: Vec<_> = imported.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert_eq!(notices, ["scene annotations that refer to nothing: `scene 7 of image 3`"]);
}

#[test]
fn the_order_of_records_and_a_byte_order_mark_mean_nothing() {
    let plain = read(sound().to_string()).unwrap();
    let mut turned = sound();
    for key in ["images", "annotations", "categories", "scene_annotations", "scene_categories"] {
        turned[key].as_array_mut().unwrap().reverse();
    }
    assert_eq!(read(format!("\u{feff}{turned:#}\n")).unwrap(), plain);
}

#[test]
fn boxes_are_cut_or_left_out() {
    let with_box = |bbox: [f64; 4]| read(with("/annotations/0/bbox", json!(bbox)).to_string()).unwrap();
    for bbox in [[1.0, 1.0, 0.0, 5.0], [30.0, 1.0, 5.0, 5.0], [-9.0, 1.0, 9.0, 5.0]] {
        let imported = with_box(bbox);
        assert_eq!(imported.annotations.len(), 1, "{bbox:?}");
        assert_eq!(imported.notices[0].kind, NoticeKind::BoxesDropped);
    }
    let imported = with_box([-2.0, 35.0, 40.0, 10.0]);
    let row = &imported.annotations[1];
    assert_eq!((row.bbox_x, row.bbox_y, row.bbox_w, row.bbox_h), (0.0, 35.0, 30.0, 5.0));
    assert_eq!(imported.notices[0].message, "annotations whose boxes were cut at the border: `2`");
    // Rounding is cut in silence.
    let imported = with_box([0.0, 0.0, 30.004, 40.0]);
    assert_eq!(imported.annotations[1].bbox_w, 30.0);
    assert_eq!(imported.notices.len(), 1);
}

#[test]
fn contradictions_are_named_together() {
    for (root, faults) in [
        (
            with("/images/1/id", json!(10)),
            vec![
                "image ids that occur more than once: `10`",
                "annotations of images that are not there: `1 (image 3)`",
            ],
        ),
        (
            with("/categories/0/id", json!(0)),
            vec![
                "category ids that occur more than once: `0`",
                "annotations of categories that are not there: `1 (category 7)`",
            ],
        ),
        (with("/scene_categories/0/id", json!(1)), vec!["scene ids that occur more than once: `1`"]),
        (
            with("/annotations/0/image_id", json!(99)),
            vec!["annotations of images that are not there: `2 (image 99)`"],
        ),
        (
            with("/annotations/0/category_id", json!(99)),
            vec!["annotations of categories that are not there: `2 (category 99)`"],
        ),
        (
            with("/annotations/0/bbox/2", json!(-1)),
            vec!["annotations of impossible size: `2 (-1 x 4, area 12.5)`"],
        ),
        (
            with("/annotations/0/area", json!(-3)),
            vec!["annotations of impossible size: `2 (3.5 x 4, area -3.0)`"],
        ),
        (
            with("/annotations/0/area", json!(1e300)),
            vec!["annotations of impossible size: `2 (3.5 x 4, area 1e300)`"],
        ),
        (
            with("/annotations/0/segmentation/0", json!([1, 2, 3])),
            vec!["annotations whose polygons are no lists of x, y: `2`"],
        ),
        (with("/images/0/width", json!(0)), vec!["images without a size: `10 (0 x 40)`"]),
        (with("/images/0/height", json!(-40)), vec!["images without a size: `10 (30 x -40)`"]),
        (
            with("/images/0/file_name", json!("../x.jpg")),
            vec!["images whose name cannot be used: `10 (../x.jpg climbs out of the images folder)`"],
        ),
        (
            with("/images/0/file_name", json!("/x.jpg")),
            vec![
                "images whose name cannot be used: `10 (/x.jpg is absolute, expected a name below the images folder)`",
            ],
        ),
        (
            with("/images/0/file_name", json!("")),
            vec!["images whose name cannot be used: `10 (an empty name names no file)`"],
        ),
        (
            with("/images/0/file_name", json!("BATCH_2/000001.JPG")),
            vec![
                "images with the same name in lower case: `BATCH_2/000001.JPG and batch_2/000001.jpg \
             (batch_2_000001.jpg)`",
            ],
        ),
    ] {
        let error = read(root.to_string()).unwrap_err();
        let (title, list) = error.split_once("\n  ").unwrap_or_else(|| panic!("{error}"));
        assert!(title.starts_with("`annotations.json` has "), "{error}");
        assert_eq!(list.split("\n  ").collect::<Vec<_>>(), faults, "{error}");
    }
}

#[test]
fn masks_are_kept_whatever_their_form() {
    let area_of = |segmentation: Value, area: Value| {
        let mut root = with("/annotations/0/segmentation", segmentation);
        root["annotations"][0]["area"] = area;
        let row = read(root.to_string()).unwrap().annotations[1].clone();
        (row.mask_rle, row.segmentation.len(), row.area)
    };
    // Image 10 is 30 wide and 40 high: 1200 pixels.
    let listed = area_of(json!({"counts": [100, 1000, 100], "size": [40, 30]}), json!(null));
    assert_eq!(listed, (Some("T3Xo0T3".into()), 0, 1000.0));
    let compressed = area_of(json!({"size": [40, 30], "counts": listed.0}), json!(7.5));
    assert_eq!(compressed, (listed.0, 0, 7.5));
    let polygon = area_of(json!([[0, 0, 4, 0, 4, 3], [10, 10, 10, 12, 12, 12, 12, 10]]), json!(null));
    assert_eq!(polygon, (None, 2, 10.0));
    assert_eq!(area_of(json!([]), json!(null)), (None, 0, 14.0));
}

#[test]
fn masks_that_do_not_fit_are_named() {
    let fault = |segmentation: Value| {
        let error = read(with("/annotations/0/segmentation", segmentation).to_string()).unwrap_err();
        error.split_once("\n  ").unwrap().1.to_owned()
    };
    let rle = |counts: Value| json!({"counts": counts, "size": [40, 30]});
    let unreadable = "run-length masks that cannot be read: ";
    assert_eq!(
        fault(json!({"counts": [1200], "size": [30, 40]})),
        "run-length masks of another size than their images: `2 (40 x 30, image 30 x 40)`"
    );
    assert_eq!(fault(rle(json!([100, 100]))), format!("{unreadable}`2 (200 pixels, expected 1200)`"));
    assert_eq!(fault(rle(json!([1300, -100]))), format!("{unreadable}`2 (a run is -100 pixels long)`"));
    assert_eq!(fault(rle(json!("P"))), format!("{unreadable}`2 (`counts` is cut short)`"));
}

#[test]
fn annotations_that_share_an_id_get_their_own() {
    let imported = read(with("/annotations/1/id", json!(2)).to_string()).unwrap();
    let ids: Vec<_> = imported.annotations.iter().map(|row| (row.annotation_id, row.image_id)).collect();
    assert_eq!(ids, [(2, 3), (3, 10)]);
    assert_eq!(imported.notices[0].message, "annotation ids that occur more than once, made unique: `2`");
    let mut root = with("/annotations/1/id", json!(i64::MAX));
    root["annotations"][0]["id"] = json!(i64::MAX);
    let error = read(root.to_string()).unwrap_err();
    assert!(error.ends_with("annotation ids that occur more than once: `9223372036854775807`"), "{error}");
}

#[test]
fn all_faults_of_a_kind_are_counted() {
    let mut root = sound();
    let object = root["annotations"][0].clone();
    for id in 100..130 {
        let mut object = object.clone();
        object["id"] = json!(id);
        object["image_id"] = json!(5);
        root["annotations"].as_array_mut().unwrap().push(object);
    }
    let error = read(root.to_string()).unwrap_err();
    assert!(error.starts_with("`annotations.json` has 30 faults\n"), "{error}");
    assert!(error.contains("`100 (image 5)`, ") && error.ends_with("and 20 more"), "{error}");
}

#[test]
fn what_is_no_coco_json_is_named_with_its_place() {
    let text = |root: Value| root.to_string();
    for (file, problem) in [
        (text(without("", "images")), "missing field `images`"),
        (text(without("", "annotations")), "missing field `annotations`"),
        (text(without("", "categories")), "missing field `categories`"),
        (text(without("/images/0", "width")), "missing field `width`"),
        (text(without("/images/0", "id")), "missing field `id`"),
        (text(without("/annotations/0", "bbox")), "missing field `bbox`"),
        (text(with("/images/0/width", json!("30"))), "invalid type: string \"30\", expected a whole number"),
        (
            text(with("/images/0/id", json!(1.5))),
            "invalid value: floating point `1.5`, expected a whole number",
        ),
        (text(with("/images/0/id", json!(u64::MAX))), "invalid value: integer `18446744073709551615`"),
        (text(with("/images/0/file_name", json!(6))), "invalid type: integer `6`, expected a string"),
        (text(with("/images/0/file_name", json!(null))), "invalid type: null, expected a string"),
        (text(with("/annotations/0/bbox", json!([1, 2, 3]))), "invalid length 3"),
        (text(with("/annotations/0/bbox/1", json!(null))), "invalid type: null, expected a number"),
        (text(with("/annotations/0/bbox/1", json!("2"))), "invalid type: string \"2\", expected a number"),
        (text(with("/annotations/0/iscrowd", json!(2))), "invalid value: integer `2`, expected 0 or 1"),
        (
            text(with("/annotations/0/segmentation", json!("x"))),
            "invalid type: string \"x\", expected a list of",
        ),
        (text(with("/annotations/0/segmentation", json!({"size": [1, 1]}))), "missing field `counts`"),
        (text(sound()).replace("12.5", "NaN"), "expected a value; JSON knows neither NaN nor Infinity"),
        (text(sound()).replace("12.5", "1e999"), "number out of range"),
        (text(sound()).replace("[[1.0", "[[1e300"), "number out of range"),
        (text(sound()) + "x", "trailing characters"),
        (text(sound())[..200].into(), "the file ends within"),
    ] {
        let error = read(&file).unwrap_err();
        let place =
            error.strip_prefix("cannot read `annotations.json`, line ").unwrap_or_else(|| panic!("{error}"));
        assert!(place.contains(&format!(": {problem}")), "{error}");
    }
    let error = read(b"{\"images\": [{\"file_name\": \"\xff\"}]}").unwrap_err();
    assert!(error.contains("bytes that are not UTF-8"), "{error}");
    for (file, found) in [
        ("", "empty"),
        (" \n", "empty"),
        ("[1, 2]", "another kind of file"),
        ("\"coco\"", "another kind of file"),
        ("file_name,a\n", "another kind of file"),
    ] {
        let expected = format!("`annotations.json` is {found}, expected COCO JSON, which begins with `{{`");
        assert_eq!(read(file).unwrap_err(), expected);
    }
    let error = read("{\0\"\0").unwrap_err();
    assert_eq!(error, "`annotations.json` is UTF-16 or no text at all, expected UTF-8");
    let error = read(text(with("/images", json!([])))).unwrap_err();
    assert_eq!(error, "`annotations.json` has no images");
}

#[test]
fn the_place_of_a_fault_is_shown() {
    let file = "\u{feff}{\n  \"images\": [\n    {\"id\": 3, \"width\": \"ten\"}]}";
    assert_eq!(
        read(file).unwrap_err(),
        "cannot read `annotations.json`, line 3, column 28: invalid type: string \"ten\", expected a whole \
         number, after `{\"id\": 3, \"width\": \"ten\"`"
    );
    let error = import(std::path::Path::new("/no/such/annotations.json")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read annotations `/no/such/annotations.json`");
}
