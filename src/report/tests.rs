//! What a page must hold, whatever the study: read from the bytes of the page.
//!
//! With `ABLATRIX_REPORT_OUT` set to a folder, the pages are kept there to be looked at in a browser.

use super::sample::{SMALL, Size, study};
use super::*;
use crate::tables::rows::EffectRow;

/// Makes the page, and keeps it where `ABLATRIX_REPORT_OUT` says so.
pub(super) fn written(name: &str, study: &Study) -> String {
    let text = page(study).unwrap();
    let kept = std::env::var_os("ABLATRIX_REPORT_OUT");
    let folder = tempfile::tempdir().unwrap();
    let folder = kept.map_or_else(|| folder.path().to_owned(), std::path::PathBuf::from);
    let path = folder.join(format!("{name}.html"));
    std::fs::write(&path, &text).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    text
}

/// The page without its scripts and style: what a reader sees, and the data.
pub(super) fn content(page: &str) -> String {
    let mut rest = page;
    let mut out = String::new();
    while let Some(start) = rest.find("<script>") {
        out.push_str(&rest[..start]);
        let end = rest[start..].find("</script>").unwrap();
        rest = &rest[start + end..];
    }
    out.push_str(rest);
    out
}

#[test]
fn a_study_gives_the_same_page_twice() {
    let study = study(SMALL);
    let page = written("small", &study);
    assert_eq!(page, super::page(&study).unwrap());
    assert!(page.len() < 1_500_000, "{}", page.len());
}

#[test]
fn numbers_on_the_page_are_the_studys() {
    let mut study = study(SMALL);
    study.effects[0].row = EffectRow {
        variant: "flip".into(),
        baseline: "none".into(),
        label: None,
        metric: "map_macro".into(),
        delta: 0.0213,
        low: 0.0079,
        high: 0.0331,
        p_adjusted: 0.0124,
        n_seeds: 5,
        verdict: "helps".into(),
    };
    let page = content(&page(&study).unwrap());
    assert!(page.contains("+2.1 points mAP [+0.8, +3.3], 5 seeds"));
    assert!(
        page.contains(">+2.1</td>") && page.contains(">[+0.8, +3.3]</td>") && page.contains(">0.012</td>")
    );
    assert!(
        page.contains(r#""delta":2.13,"low":0.79,"high":3.31,"text":"+2.1""#),
        "the forest plot has them too"
    );

    let first: Vec<f64> = study.runs[..5]
        .iter()
        .map(|r| match &r.state {
            RunState::Done(result) => super::scores::aggregate(&result.scores, "map_macro"),
            _ => panic!("the baseline's runs are done"),
        })
        .collect();
    let mean = first.iter().sum::<f64>() / 5.0;
    let sd = (first.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
    assert!(
        page.contains(&format!(">{:.1} ± {:.1}</td>", 100.0 * mean, 100.0 * sd)),
        "mean and sd of the baseline"
    );
    for value in first {
        assert!(page.contains(&format!(">{:.1}</td>", 100.0 * value)), "each run's score");
    }
    assert!(page.contains("1,084") && page.contains("2,710"), "rows before and after balancing");
}

#[test]
fn failed_missing_and_degenerate_runs_are_said() {
    let page = content(&page(&study(SMALL)).unwrap());
    assert!(page.contains("28 done, 1 failed, 1 missing"));
    assert!(page.contains("worker killed by signal 9 twice"));
    assert!(page.contains("not run yet: the study was interrupted"));
    assert!(page.contains("1 run: answers “plastic” for every image"));
    assert!(page.contains("5 seeds; 1 of 10 runs is flagged, and its score says nothing about the variant"));
    assert!(page.contains("compared on fewer seeds than planned"));
    assert!(page.contains("labels with fewer than 10 positive test images"));
    assert!(page.contains("hold the same bytes"), "warnings of other rooms");
}

#[test]
fn a_study_that_is_under_way_says_how_many_runs_are_to_come() {
    let mut study = study(SMALL);
    for run in study.runs.iter_mut().filter(|run| run.variant == "brightness" && run.seed > 2) {
        run.state = RunState::ToCome;
    }
    let page = content(&page(&study).unwrap());
    assert!(page.contains("The study is under way: 3 of 30 runs are still to come."));
    assert!(page.contains("25 done, 1 failed, 1 missing, 3 to come"));
    assert_eq!(page.matches("<td class=\"state\">○ to come</td>").count(), 3);
    assert!(summary_md(&study).contains("**The study is under way: 3 of 30 runs still to come.**"));
    let whole = content(&super::page(&super::sample::study(SMALL)).unwrap());
    assert!(!whole.contains("under way") && !whole.contains("to come"));
}

#[test]
fn a_variant_without_results_is_named() {
    let mut study = study(SMALL);
    study.effects.retain(|e| e.row.variant != "noise");
    for run in study.runs.iter_mut().filter(|r| r.variant == "noise") {
        run.state = RunState::Failed { message: "out of memory".into() };
    }
    let page = content(&page(&study).unwrap());
    assert!(page.contains("<strong>not compared</strong>, 0 of 5 runs finished (5 failed, 0 missing)"));
    assert!(page.contains("1 could not be compared"));
    assert!(summary_md(&study).contains("- ✕ **noise**: not compared, 0 of 5 runs finished"));
}

#[test]
fn what_each_augmentation_does_is_shown_before_and_after() {
    let mut study = study(SMALL);
    let augmented = study.augmented.as_mut().unwrap();
    augmented.ops[1].name = "<b onclick=alert(1)>".into();
    augmented.ops[1].tiles[0].drawn = "angle=-12.3 <i>".into();
    let section = |page: &str| {
        let start = page.find("<section id=\"augmentations\"").unwrap();
        page[start..start + page[start..].find("</section>").unwrap()].to_owned()
    };
    let text = section(&page(&study).unwrap());
    assert!(text.contains("3 pictures of the training part, before and after."), "{text}");
    assert!(text.contains("draws with seed 1 in its first epoch"));
    assert!(text.contains("Tiles have 96 of the model&#x27;s 224 pixels a side"));
    // Each picture once, one tile for each of five ops but one that changed nothing, and each picture beside them.
    assert_eq!(text.matches("<image id=\"picture-").count(), 3);
    assert_eq!(text.matches("<img class=\"tile\"").count(), 14);
    assert_eq!(text.matches("<use href=\"#picture-1\"/>").count(), 6);
    assert_eq!(text.matches("data:image/jpeg;base64,").count(), 17);
    assert!(text.contains("alt=\"batch_2_000002.jpg after flip\""));
    assert!(text.contains("<p><bdi>applied</bdi></p>") && text.contains("<p><bdi>unchanged</bdi></p>"));
    assert!(
        text.contains("<bdi>value=+2.1</bdi>")
            && text.contains("<bdi>batch_2_000001.jpg</bdi>: <bdi>paper</bdi>")
    );
    assert!(text.contains("&lt;b onclick=alert(1)&gt;") && text.contains("angle=-12.3 &lt;i&gt;"));
    assert!(!text.contains("<b onclick") && !text.contains("Left out") && !text.contains("<details>"));
}

#[test]
fn the_same_pictures_are_shown_for_every_variant_with_hits_and_misses() {
    let mut study = study(SMALL);
    let section = |study: &Study| {
        let page = page(study).unwrap();
        let start = page.find("<section id=\"attention\"").unwrap();
        page[start..start + page[start..].find("</section>").unwrap()].to_owned()
    };
    let text = section(&study);
    assert!(text.contains("Grad-CAM of the layer conv_head: where on a test image"), "{text}");
    assert!(
        text.contains("Deletion and insertion, in 8 steps") && text.contains("Maps are those of seed 1;")
    );
    assert!(text.contains("Not shown: 3 more variants, the last ones of the design."), "{text}");
    assert!(text.contains("Left out, so that all tiles stay within 1.5 MB: 1 more picture."));
    assert!(text.contains("Without maps: <bdi>noise&#x2f;seed=3: memory is out</bdi>."));
    // A picture each, and of three variants all but an empty map and a picture that one did not see.
    assert_eq!(text.matches("class=\"looked\"").count(), 2);
    assert_eq!(text.matches("data:image/jpeg;base64,").count(), 2 + 6 - 2);
    assert_eq!(text.matches("<span class=\"hit\">hit: 71.0 ≥ 43.0</span>").count(), 3);
    assert_eq!(text.matches("<span class=\"miss\">miss: 12.0 &lt; 43.0</span>").count(), 2);
    assert!(text.contains("inside 61.8, points inside; active 17.9"));
    assert!(text.contains("the map is 0 everywhere") && text.contains("no test image of this run"));
    assert!(
        text.contains("<td class=n>42.0 ± 1.6</td><td class=n>10.4</td><td class=n>55.0 ± 0.0</td>"),
        "{text}"
    );
    assert!(text.contains("<td class=n>1,560</td><td class=n>3</td>"));

    let attention = study.attention.as_mut().unwrap();
    (attention.has_objects, attention.steps, attention.overlays) = (false, 0, None);
    let text = section(&study);
    assert!(text.contains("The dataset says nothing of where objects are"));
    for absent in ["Pointing game", "Deletion", "class=\"looked\"", "The same images"] {
        assert!(!text.contains(absent), "{absent}");
    }
    study.attention = None;
    let page = page(&study).unwrap();
    assert!(!page.contains("id=\"attention\"") && !page.contains("#attention"));
}

#[test]
fn the_surest_mistakes_are_shown_with_how_sure_and_how_many_runs() {
    let mut study = study(SMALL);
    let section = |page: &str| {
        let start = page.find("<section id=\"mistakes\"").unwrap();
        page[start..start + page[start..].find("</section>").unwrap()].to_owned()
    };
    let text = section(&page(&study).unwrap());
    assert!(text.contains("<bdi>none</bdi>: Said, and not labelled"), "{text}");
    assert!(text.contains("<bdi>flip</bdi>: Labelled, and not said"));
    assert!(
        text.contains("<b><bdi>paper</bdi></b> 97.0, said from 43.0 on")
            && text.contains("wrong in 4 of 5 runs")
    );
    assert!(text.contains("<bdi>batch_4_000000.jpg</bdi>: <bdi>plastic</bdi>"));
    assert!(text.contains("stay within 0.3 MB: 1 mistake."));
    assert_eq!(text.matches("data:image/jpeg;base64,").count(), 6);
    study.mistakes.of.clear();
    let page = page(&study).unwrap();
    assert!(!page.contains("id=\"mistakes\"") && !page.contains("#mistakes"));
}

/// What scripts draw is in the data: nothing is left to be computed in a browser.
#[test]
fn charts_have_their_numbers_in_the_data() {
    let study = study(SMALL);
    let page = page(&study).unwrap();
    let start = page.find("id=\"report-data\">").unwrap() + "id=\"report-data\">".len();
    let data: serde_json::Value =
        serde_json::from_str(page[start..].split("</script>").next().unwrap()).unwrap();
    let flip = &data["labels"]["variants"][1];
    let counts = |run: &Run| match &run.state {
        RunState::Done(result) => result.counts[0].true_positives + result.counts[0].false_positives,
        _ => panic!("the runs of flip are done"),
    };
    let said: u64 = study.runs.iter().filter(|run| run.variant == "flip").map(counts).sum();
    assert_eq!(flip["said"][0].as_f64(), Some(said as f64 / 5.0));
    assert_eq!(data["answers"]["variants"][1]["precision"][0].as_array().unwrap().len(), RECALLS);
    assert_eq!(data["contrasts"][1]["rows"][0]["word"], "reinforces");
    assert_eq!(data["responses"][0]["series"][0]["points"][2]["text"], {
        let effect =
            study.effects.iter().find(|e| e.row.variant == "noise" && e.row.label.is_none()).unwrap();
        let unit = study.headline.unit;
        let (change, interval) = (
            super::format::delta(unit, effect.row.delta),
            super::format::interval(unit, effect.row.low, effect.row.high),
        );
        format!("{change} {interval}")
    });
    let mean = &data["curves"]["variants"][0]["mean"];
    assert_eq!(mean["sd"]["val_loss"].as_array().unwrap().len(), mean["epoch"].as_array().unwrap().len());
    assert!(page.contains("<div id=\"responses\"") && page.contains("data-chart=\"forest\" data-of=\"1\""));
}

#[test]
fn augmentations_that_are_left_out_are_said_and_many_fold_away() {
    let mut large = study(Size { variants: 30, ..SMALL });
    let augmented = large.augmented.as_mut().unwrap();
    augmented.left_out = LeftOut { arms: 57, pictures: 1, strips: 2, bytes: 1_100_000 };
    augmented.arms = augmented.ops[..2].to_vec();
    let text = page(&large).unwrap();
    assert!(text.contains("The 57 arms that combine these ops are not shown one by one."));
    assert!(text.contains("Left out, so that all tiles stay within 1.1 MB: 1 more picture."));
    assert!(text.contains("1.1 MB: 2 strips, the last ones of the design."));
    assert!(text.contains("<summary>17 more</summary>") && text.contains("Arms of several ops"));
    large.augmented = None;
    let text = page(&large).unwrap();
    assert!(!text.contains("id=\"augmentations\"") && !text.contains("#augmentations"));
}

#[test]
fn a_study_without_effects_is_a_whole_page() {
    let page = content(&written("empty", &study(Size { variants: 1, seeds: 1, labels: 3, epochs: 4 })));
    assert!(page.contains("There is nothing to compare: this study has no variant besides the baseline."));
    assert!(page.contains("only 1 seed"));
    assert!(page.contains("1 variant × 1 seed = 1 run: 1 done, 0 failed, 0 missing"));
    assert!(!page.contains("data-chart=\"forest\""));
    for id in ["answer", "labels", "training", "runs", "data", "provenance"] {
        assert!(page.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
}

#[test]
fn a_study_whose_runs_all_failed_is_a_whole_page() {
    let mut study = study(SMALL);
    study.effects.clear();
    for run in &mut study.runs {
        run.state = RunState::Failed { message: "no libtorch".into() };
    }
    let page = content(&written("failed", &study));
    assert!(page.contains("No effect could be measured"));
    assert!(page.contains("30 runs: no libtorch"));
    assert!(page.contains("and 22 more"));
}

#[test]
fn undefined_numbers_are_dashes() {
    let mut study = study(SMALL);
    for effect in &mut study.effects {
        (effect.row.low, effect.row.high, effect.row.p_adjusted, effect.p) =
            (f64::NAN, f64::NAN, f64::NAN, f64::NAN);
    }
    for run in &mut study.runs {
        if let RunState::Done(result) = &mut run.state {
            result.history.iter_mut().for_each(|h| h.val.loss = f64::NAN);
        }
    }
    study.references.clear();
    let page = content(&written("undefined", &study));
    assert!(page.contains("no interval"));
    assert!(page.contains("the constant predictors&#x27; score is not available"));
    assert!(!page.contains("NaN"));
}

#[test]
fn the_policy_lists_what_the_page_runs() {
    use base64::Engine;
    use sha2::Digest;
    let page = page(&study(SMALL)).unwrap();
    let policy =
        page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.starts_with("default-src &#x27;none&#x27;"), "{policy}");
    assert!(!policy.contains("unsafe"));
    let policy = policy.replace("&#x27;", "'").replace("&#x2f;", "/");
    let mut blocks: Vec<&str> =
        page.split("<script>").skip(1).map(|b| b.split("</script>").next().unwrap()).collect();
    blocks.push(page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap());
    assert_eq!(blocks.len(), 17);
    for block in blocks {
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(block.as_bytes()));
        assert!(policy.contains(&format!("'sha256-{hash}'")));
    }
    for outside in ["src=\"http", "href=\"http", "@import", "url(http"] {
        assert!(!content(&page).contains(outside), "{outside}");
    }
}

#[test]
fn a_large_study_stays_small() {
    let study = study(Size { variants: 200, seeds: 10, labels: 60, epochs: 50 });
    let page = written("large", &study);
    let uris = page.split("data:image/jpeg;base64,").skip(1);
    let pictures: usize = uris.map(|rest| rest.find('"').unwrap()).sum();
    assert!(page.len() - pictures < 3_000_000, "{} of which pictures {pictures}", page.len());
    let page = content(&page);
    assert!(page.contains("187 more verdicts"));
    assert!(page.contains("single runs are drawn for "));
    assert!(page.contains("more are in the cache"));
}

#[test]
fn contradictions_are_refused() {
    let mut short = study(SMALL);
    short.data.after.positives.pop();
    assert_eq!(
        page(&short).unwrap_err().to_string(),
        "`data.after` has `5` values, expected `6`, one for each label"
    );
    let mut stray = study(SMALL);
    stray.variants.pop();
    assert!(page(&stray).unwrap_err().to_string().contains("which is not among the study's variants"));
}

#[test]
fn the_summary_says_the_same() {
    let summary = summary_md(&study(SMALL));
    assert!(summary.starts_with("# Which augmentations help"));
    assert!(summary.contains("- ▲ **flip**: helps, +"));
    assert!(summary.contains("| flip | none | +"));
    assert!(summary.contains("- **Failed**: 1 run: worker killed"));
    assert!(summary.contains("| constant answer | – | 25.3 | 14.1 | – |"));
    assert!(summary.contains("| label prior | – | 25.3 | 24.3 | 0.4312 |"));
    assert!(summary.contains("| mean colour | – | 30.3 |"));
    assert!(summary.contains("225 test images would show a difference in mAP of about 3.4 points"));
    assert!(summary.contains("    ablatrix run experiments/taco-materials.toml"));
    assert!(summary.contains("## Change in AP of each label") && summary.contains("| label | none | "));
    let (glass, _) = summary.split_once("\n| other | ").unwrap();
    assert!(glass.contains("\n| glass | ") && glass.contains(" ▲ |"));
    assert!(summary.contains("## Cost\n\nComputing by workers took "));
}
