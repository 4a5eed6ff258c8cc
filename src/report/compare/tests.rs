//! What may stand side by side, and what is marked.

use super::sample::twins;
use super::*;

fn kinds(comparison: &Comparison) -> Vec<(&'static str, &'static str)> {
    findings(comparison).iter().map(|finding| (finding.class, finding.kind)).collect()
}

#[test]
fn studies_that_are_tested_alike_share_a_table_of_scores() {
    let comparison = twins();
    assert_eq!(kinds(&comparison), []);
    assert_eq!(comparison.alike(), [vec![0, 1]]);
    let page = page(&comparison).unwrap();
    assert!(page.contains("All studies are finished, have the same labels"));
    assert!(page.contains("Tested on A") && !page.contains("Tested on B"));
    let row = &comparison.studies[0].effects[0];
    let shown = crate::report::format::delta(comparison.studies[0].headline.unit, row.delta);
    assert_eq!(page.matches(&format!("<span class=\"figures\">{shown} [")).count(), 2, "{shown} of both");
    assert!(page.contains("<code>images.size</code></th><td><bdi>96</bdi></td><td><bdi>224</bdi></td>"));
    assert!(!page.contains("<code>train.epochs</code>") && !page.contains("<code>name</code>"));
    assert!(page.contains("ablatrix compare small.toml large.toml"));
    assert!(page.contains("\"name\":\"flip, small\"") && page.contains("\"name\":\"flip, large\""));
}

#[test]
fn what_is_not_comparable_is_marked_and_scores_stand_apart() {
    let mut comparison = twins();
    let other = &mut comparison.studies[1];
    other.labels[0] = "wood".into();
    other.tests[0].images_id = "j".into();
    other.headline.metric = "f1_macro".into();
    other.headline.name = "macro F1".into();
    other.thresholds = "0.5 for all labels".into();
    other.equivalence = 0.01;
    other.baseline = "flip".into();
    other.variants[5].ops = "median_blur".into();
    other.runs_done = 12;
    assert_eq!(
        kinds(&comparison),
        [
            ("bad", "Other labels"),
            ("bad", "Other test images"),
            ("bad", "Another metric"),
            ("care", "Other thresholds"),
            ("care", "Another margin"),
            ("care", "Another baseline"),
            ("care", "Same name, other ops"),
            ("care", "Unfinished"),
        ]
    );
    let all = findings(&comparison);
    assert!(all[0].text.contains("(without plastic, with wood)"), "{}", all[0].text);
    assert_eq!(comparison.alike(), [vec![0], vec![1]]);
    let page = page(&comparison).unwrap();
    assert!(page.contains("Tested on A") && page.contains("Tested on B"));
    assert!(page.contains("macro F1 on the test part B"));
    assert!(page.contains("\"equivalence\":null"), "a band of one study is not that of all");
    let text = markdown(&comparison);
    assert!(text.contains("- **Other labels**:") && text.contains("## Scores on test part B"));
}

#[test]
fn the_same_images_with_other_labels_are_another_truth() {
    let mut comparison = twins();
    comparison.studies[1].tests[0].truth_id = "u".into();
    assert_eq!(kinds(&comparison), [("bad", "Other truth")]);
    assert_eq!(comparison.alike().len(), 2);
}

#[test]
fn the_order_of_labels_is_no_difference() {
    let mut comparison = twins();
    comparison.studies[1].labels.reverse();
    assert_eq!(kinds(&comparison), []);
    assert_eq!(comparison.alike(), [vec![0, 1]]);
}

#[test]
fn hostile_names_of_studies_show_as_text() {
    let mut comparison = twins();
    comparison.studies[1].name = "</script><img src=x onerror=alert(1)>".into();
    comparison.studies[1].question = "<b onclick=alert(2)>".into();
    comparison.studies[1].settings.insert("images.size".into(), "<i>".into());
    let page = page(&comparison).unwrap();
    assert!(!page.contains("<img src=x") && !page.contains("<b onclick") && !page.contains("<bdi><i>"));
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(markdown(&comparison).contains("\\<img src=x") && !markdown(&comparison).contains(" <img"));
}
