//! What labels are made of, and what is said where that does not fit.

use super::*;
use crate::spec::settings::LabelSource;
use crate::tables::rows::{AnnotationRow, CategoryRow, ImageRow, SceneRow};

fn imported() -> Imported {
    let image = |image_id| ImageRow {
        image_id,
        file_name: format!("{image_id}.jpg"),
        path: format!("{image_id}.jpg"),
        width: 10,
        height: 10,
        digest: String::new(),
        url: None,
        url_small: None,
    };
    let category = |(category_id, name, above): (i64, &str, &str)| CategoryRow {
        category_id,
        name: name.into(),
        supercategory: above.into(),
    };
    let object = |(image_id, category_id)| AnnotationRow {
        annotation_id: image_id * 10 + category_id,
        image_id,
        category_id,
        bbox_x: 0.0,
        bbox_y: 0.0,
        bbox_w: 1.0,
        bbox_h: 1.0,
        area: 1.0,
        is_crowd: false,
        segmentation: vec![],
        mask_rle: None,
    };
    let categories =
        [(1, "Glass jar", "Jar"), (2, "Drink can", "Can"), (3, "Food Can", "Can"), (5, "Battery", "")];
    Imported {
        images: [1, 2, 7].map(image).into(),
        annotations: [(1, 1), (1, 2), (2, 3), (2, 3)].map(object).into(),
        categories: categories.map(category).into(),
        scenes: vec![SceneRow { image_id: 7, scene: "Water".into() }],
        scene_categories: [(0, "Clean", ""), (1, "Water", "")].map(category).into(),
        ..Imported::default()
    }
}

fn settings(from: LabelSource, unmapped: Unmapped, groups: &[(&str, &[&str])]) -> Labels {
    let groups = groups
        .iter()
        .map(|(label, names)| (label.to_string(), names.iter().map(ToString::to_string).collect()))
        .collect();
    Labels { sources: vec![LabelsFrom { from, unmapped, groups }], min_positives: 0 }
}

#[test]
fn a_name_may_be_in_several_groups() {
    let groups: [(&str, &[&str]); 2] =
        [("metal", &["Drink can", "Glass jar", "Food Can"]), ("glass", &["Glass jar"])];
    let labelled =
        label_table(&settings(LabelSource::Category, Unmapped::Error, &groups), &imported()).unwrap();
    assert_eq!(labelled.table.labels, ["metal", "glass"]);
    assert_eq!(labelled.table.image_ids, [1, 2, 7]);
    assert_eq!(labelled.table.positives, [true, true, true, false, false, false]);
    assert_eq!(labelled.notices[0].message, "names in several groups: `Glass jar (metal, glass)`");
}

#[test]
fn without_groups_each_name_that_occurs_is_a_label() {
    let labels = |from| label_table(&settings(from, Unmapped::Error, &[]), &imported()).unwrap().table.labels;
    assert_eq!(labels(LabelSource::Category), ["Drink can", "Food Can", "Glass jar"]);
    assert_eq!(labels(LabelSource::Supercategory), ["Can", "Jar"]);
    assert_eq!(labels(LabelSource::Scene), ["Water"]);
    let given = LabelTable {
        labels: vec!["b".into(), "a".into()],
        image_ids: vec![1, 2, 7],
        positives: vec![true; 6],
    };
    let imported = Imported { labels_given: Some(given), ..imported() };
    let labelled = label_table(&settings(LabelSource::Columns, Unmapped::Error, &[]), &imported).unwrap();
    assert_eq!((labelled.table.labels, labelled.notices), (vec!["a".to_owned(), "b".to_owned()], vec![]));
}

#[test]
fn without_groups_names_that_no_image_has_are_told() {
    let of = |from, imported: &Imported| {
        label_table(&settings(from, Unmapped::Error, &[]), imported).unwrap().notices
    };
    let notices = of(LabelSource::Category, &imported());
    assert_eq!((notices.len(), notices[0].kind, notices[0].count), (1, NoticeKind::NamesUnused, 1));
    assert_eq!(notices[0].message, "category that no image has, left out of the labels: `Battery`");
    assert_eq!(of(LabelSource::Supercategory, &imported()), []);
    // The images of a category were set aside.
    let mut fewer = imported();
    fewer.images.retain(|image| image.image_id != 2);
    let message = &of(LabelSource::Category, &fewer)[0].message;
    assert_eq!(message, "categories that no image has, left out of the labels: `Food Can`, `Battery`");
    let given = LabelTable {
        labels: vec!["a".into(), "never".into()],
        image_ids: vec![1, 2, 7],
        positives: [true, false].repeat(3),
    };
    let imported = Imported { labels_given: Some(given), ..imported() };
    let message = &of(LabelSource::Columns, &imported)[0].message;
    assert_eq!(message, "column that no image has, left out of the labels: `never`");
}

#[test]
fn names_in_no_group_are_dealt_with_as_told() {
    let groups: [(&str, &[&str]); 1] = [("jar", &["Glass jar"])];
    let with = |unmapped| label_table(&settings(LabelSource::Category, unmapped, &groups), &imported());
    assert_eq!(
        with(Unmapped::Error).unwrap_err().to_string(),
        "`labels.unmapped` is `error`, but 2 categories stand in no group: `Drink can`, `Food Can`"
    );
    let ignored = with(Unmapped::Ignore).unwrap();
    assert_eq!(ignored.table.labels, ["jar"]);
    assert_eq!(ignored.notices[0].message, "categories in no group, left out: `Drink can`, `Food Can`");
    let gathered = with(Unmapped::Group("rest".into())).unwrap();
    assert_eq!(gathered.table.labels, ["jar", "rest"]);
    assert_eq!(gathered.table.positives, [true, true, false, true, false, false]);
}

#[test]
fn unknown_names_come_with_the_nearest() {
    let groups: [(&str, &[&str]); 2] = [("can", &["drink_can", "Food can"]), ("x", &["Zeppelin", "Battery"])];
    let error =
        label_table(&settings(LabelSource::Category, Unmapped::Ignore, &groups), &imported()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`labels.groups` has 3 names that the dataset does not know\n  \
         `drink_can` in `can`, did you mean `Drink can`?\n  \
         `Food can` in `can`, did you mean `Food Can`?\n  `Zeppelin` in `x`"
    );
}

#[test]
fn sources_that_the_dataset_lacks_are_named() {
    let message = |from, imported: &Imported| {
        label_table(&settings(from, Unmapped::Error, &[]), imported).unwrap_err().to_string()
    };
    assert_eq!(
        message(LabelSource::Columns, &imported()),
        "`labels.from` names `columns`, but the dataset has no columns of labels"
    );
    assert_eq!(
        message(LabelSource::Scene, &Imported::default()),
        "`labels.from` names `scene`, but the dataset has no scenes"
    );
    let empty = Imported { annotations: vec![], ..imported() };
    assert_eq!(message(LabelSource::Category, &empty), "no image has a category, so there is no label");
}

#[test]
fn a_label_without_images_is_noticed() {
    let groups: [(&str, &[&str]); 2] = [("battery", &["Battery"]), ("jar", &["Glass jar"])];
    let labelled =
        label_table(&settings(LabelSource::Category, Unmapped::Ignore, &groups), &imported()).unwrap();
    assert_eq!(labelled.notices[1].message, "labels that no image has: `battery`");
}

/// Materials of the categories, and scenes.
fn two(scene_unmapped: Unmapped, scenes: &[(&str, &[&str])]) -> Labels {
    let jars: [(&str, &[&str]); 2] = [("jar", &["Glass jar"]), ("can", &["Drink can", "Food Can"])];
    let mut labels = settings(LabelSource::Category, Unmapped::Error, &jars);
    labels.sources.extend(settings(LabelSource::Scene, scene_unmapped, scenes).sources);
    labels
}

#[test]
fn labels_of_several_sources_stand_side_by_side() {
    let labelled = label_table(&two(Unmapped::Error, &[]), &imported()).unwrap();
    assert_eq!(labelled.table.labels, ["jar", "can", "Water"]);
    assert_eq!(labelled.table.positives, [true, true, false, false, true, false, false, false, true]);

    let mut turned = two(Unmapped::Error, &[]);
    turned.sources.reverse();
    let turned = label_table(&turned, &imported()).unwrap().table;
    assert_eq!(turned.labels, ["Water", "jar", "can"]);
    assert_eq!(turned.positives, [false, true, true, false, false, true, true, false, false]);
}

#[test]
fn each_source_has_its_own_rest_and_its_own_faults() {
    let message = |labels: Labels| label_table(&labels, &imported()).unwrap_err().to_string();
    let dry: [(&str, &[&str]); 1] = [("dry", &["Clean"])];
    assert_eq!(
        message(two(Unmapped::Error, &dry)),
        "`labels.scene.unmapped` is `error`, but 1 scene stands in no group: `Water`"
    );
    let ignored = label_table(&two(Unmapped::Ignore, &dry), &imported()).unwrap();
    let messages: Vec<_> = ignored.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert_eq!(messages, ["scene in no group, left out: `Water`", "labels that no image has: `dry`"]);
    assert_eq!(
        message(two(Unmapped::Ignore, &[("wet", &["Watter"])])),
        "`labels.scene.groups` has a name that the dataset does not know\n  `Watter` in `wet`, did you mean `Water`?"
    );
    assert_eq!(
        message(two(Unmapped::Ignore, &[("can", &["Water"])])),
        "two labels are called `can`: one is made of `category`, one of `scene`"
    );
    let mut plain = two(Unmapped::Ignore, &[]);
    plain.sources[0].groups.insert("Water".into(), vec!["Battery".into()]);
    assert_eq!(message(plain), "two labels are called `Water`: one is made of `category`, one of `scene`");
}
