//! COCO JSON.

use serde_json::{Value, json};

use super::lab::{Lab, Said};

const DATASET: &str =
    "format = \"coco\"\nannotations = \"annotations.json\"\nimages = \"images\"\ncheck_images = false";

/// Twelve images with an object each, of two categories in turn.
fn sound() -> Value {
    let images: Vec<Value> = (0..12)
        .map(|id| json!({"id": id, "width": 20, "height": 10, "file_name": format!("batch/{id}.jpg")}))
        .collect();
    let annotations: Vec<Value> = (0..12)
        .map(|id| {
            json!({"id": id, "image_id": id, "category_id": id % 2, "bbox": [1, 2, 8, 4], "area": 30.5, "iscrowd": 0,
                   "segmentation": [[1, 2, 9, 2, 9, 6]]})
        })
        .collect();
    let categories = json!([{"id": 0, "name": "Can"}, {"id": 1, "name": "Bottle"}]);
    json!({"images": images, "annotations": annotations, "categories": categories})
}

fn with(pointer: &str, value: Value) -> String {
    let mut root = sound();
    *root.pointer_mut(pointer).unwrap() = value;
    root.to_string()
}

fn without(pointer: &str, key: &str) -> String {
    let mut root = sound();
    root.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    root.to_string()
}

fn said(text: impl AsRef<[u8]>) -> String {
    let lab = Lab::new();
    lab.put("annotations.json", text);
    lab.check(DATASET, "category")
}

#[test]
fn json_that_is_none_or_of_another_form() {
    let text = sound().to_string();
    let mut all = Said::default();
    let cases: Vec<(&str, String)> = vec![
        ("a sound file", text.clone()),
        ("an empty file", String::new()),
        ("blanks only", " \n\n".into()),
        ("no JSON at all", "file_name,Can\n1.jpg,1\n".into()),
        ("cut in the middle", text[..700].into()),
        ("a comma too many", text.replacen("\"Can\"}", "\"Can\",}", 1)),
        ("a key in single quotes", "{'images': []}".into()),
        ("text behind the end", text.clone() + "\n}"),
        ("two files in one", text.clone() + &text),
        ("a list", "[1, 2]".into()),
        ("lists in lists without end", "[".repeat(100_000)),
        ("a section twice", text.replacen("\"images\"", "\"annotations\":[],\"images\"", 1)),
        ("no images", without("", "images")),
        ("no annotations", without("", "annotations")),
        ("no categories", without("", "categories")),
        ("images that are null", with("/images", json!(null))),
        ("an empty list of images", with("/images", json!([]))),
        ("an empty list of categories and annotations", {
            let mut root = sound();
            (root["annotations"], root["categories"]) = (json!([]), json!([]));
            root.to_string()
        }),
        ("an empty list of annotations", with("/annotations", json!([]))),
        ("an image without a width", without("/images/3", "width")),
        ("an image without a name", without("/images/3", "file_name")),
        ("an annotation without a box", without("/annotations/3", "bbox")),
        ("an annotation without an image", without("/annotations/3", "image_id")),
        ("a category without a name", without("/categories/1", "name")),
        ("a width in quotes", with("/images/3/width", json!("20"))),
        ("an id in quotes", with("/images/3/id", json!("3"))),
        ("an id with a fraction", with("/images/3/id", json!(3.5))),
        ("an id beyond all ids", with("/images/3/id", json!(u64::MAX))),
        ("a name that is a number", with("/images/3/file_name", json!(3))),
        ("a box of three numbers", with("/annotations/3/bbox", json!([1, 2, 3]))),
        ("a box with null", with("/annotations/3/bbox/0", json!(null))),
        ("a box in quotes", with("/annotations/3/bbox/0", json!("1"))),
        ("a box with NaN", text.replacen("[1,2,8,4]", "[NaN,2,8,4]", 1)),
        ("a box with Infinity", text.replacen("[1,2,8,4]", "[1,2,Infinity,4]", 1)),
        ("a number beyond all numbers", text.replacen("30.5", "1e999", 1)),
        ("a crowd of two", with("/annotations/3/iscrowd", json!(2))),
        ("a mask that is text", with("/annotations/3/segmentation", json!("polygon"))),
        ("a byte order mark and NUL bytes", "\u{feff}\0\0".into()),
    ];
    for (case, text) in cases {
        all.add(case, said(text));
    }
    let mut latin = text.replacen("batch/3", "K\u{fffd}ln/3", 1).into_bytes();
    let place = latin.windows(3).position(|bytes| bytes == "\u{fffd}".as_bytes()).unwrap();
    latin.splice(place..place + 3, [0xf6]);
    all.add("a name in Latin-1", said(latin));
    all.add("UTF-16", said(text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()));
    all.compare("coco_form.txt", 40);
}

#[test]
fn records_that_contradict_each_other() {
    let mut all = Said::default();
    let rle = |size: Value, counts: Value| {
        with("/annotations/3/segmentation", json!({"size": size, "counts": counts}))
    };
    for (case, text) in [
        ("two images with one id", with("/images/3/id", json!(2))),
        ("two categories with one id", with("/categories/1/id", json!(0))),
        ("two annotations with one id", with("/annotations/3/id", json!(2))),
        ("an annotation of no image", with("/annotations/3/image_id", json!(99))),
        ("an annotation of no category", with("/annotations/3/category_id", json!(99))),
        ("an image without size", with("/images/3/width", json!(0))),
        ("an image of negative size", with("/images/3/height", json!(-10))),
        ("a box of negative width", with("/annotations/3/bbox/2", json!(-8))),
        ("a box of no height", with("/annotations/3/bbox/3", json!(0))),
        ("a box outside its image", with("/annotations/3/bbox/0", json!(20))),
        ("a box partly outside", with("/annotations/3/bbox/0", json!(-3))),
        ("a negative area", with("/annotations/3/area", json!(-1))),
        ("a polygon with half a point", with("/annotations/3/segmentation/0", json!([1, 2, 3]))),
        ("a polygon beyond all pictures", with("/annotations/3/segmentation/0/0", json!(1e39))),
        ("run lengths without counts", with("/annotations/3/segmentation", json!({"size": [10, 20]}))),
        ("run lengths without a size", with("/annotations/3/segmentation", json!({"counts": [200]}))),
        ("run lengths of another size", rle(json!([20, 10]), json!([100, 100]))),
        ("run lengths that do not fill the image", rle(json!([10, 20]), json!([100, 50]))),
        ("a negative run", rle(json!([10, 20]), json!([300, -100]))),
        ("compressed run lengths with a space", rle(json!([10, 20]), json!("T3 T3"))),
        ("compressed run lengths that are cut", rle(json!([10, 20]), json!("T3T"))),
        ("compressed run lengths that are sound", rle(json!([10, 20]), json!("T3T3"))),
        ("a name that climbs out", with("/images/3/file_name", json!("../secret.jpg"))),
        ("an absolute name", with("/images/3/file_name", json!("/etc/passwd"))),
        ("a name of Windows", with("/images/3/file_name", json!("C:\\photos\\3.jpg"))),
        ("an empty name", with("/images/3/file_name", json!(""))),
        ("a name with a line end", with("/images/3/file_name", json!("3\n.jpg"))),
        ("names that differ in case only", with("/images/3/file_name", json!("Batch/2.JPG"))),
        ("names that differ in folders only", with("/images/3/file_name", json!("batch_2.jpg"))),
        ("a scene that is not there", {
            let mut root = sound();
            root["scene_annotations"] = json!([{"image_id": 3, "background_ids": [7]}]);
            root["scene_categories"] = json!([{"id": 1, "name": "Indoor"}]);
            root.to_string()
        }),
        ("thirty faults at once", {
            let mut root = sound();
            let object = root["annotations"][0].clone();
            for id in 100..130 {
                root["annotations"].as_array_mut().unwrap().push(object.clone());
                root["annotations"].as_array_mut().unwrap()[id - 88]["image_id"] = json!(id);
            }
            root.to_string()
        }),
    ] {
        all.add(case, said(text));
    }
    all.compare("coco_records.txt", 31);
}

#[test]
fn no_file_of_annotations() {
    let mut all = Said::default();
    let lab = Lab::new();
    all.add("no file", lab.check(DATASET, "category"));
    std::fs::create_dir(lab.path("annotations.json")).unwrap();
    all.add("a folder in place of the file", lab.check(DATASET, "category"));
    std::fs::remove_dir(lab.path("annotations.json")).unwrap();
    lab.pipe("annotations.json");
    all.add("a pipe in place of the file", lab.check(DATASET, "category"));
    all.compare("coco_file.txt", 3);
}
