//! `[evaluate]` read: rules with what they read, and what is wrong with them.

use super::settings::{Aim, CalibrationMethod, Evaluate, Threshold};
use super::tests::{faults, read};

fn spec(keys: &str) -> String {
    format!(
        "name = \"d\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n\
         [augment.grid]\ndesign = \"none\"\n[evaluate]\n{keys}\n"
    )
}

fn evaluate(keys: &str) -> Evaluate {
    read(&spec(keys), &[]).unwrap_or_else(|error| panic!("{keys}: {error:?}")).experiment.evaluate
}

#[test]
fn a_rule_takes_what_it_reads_along() {
    let per_label = |aim, min_positives| Threshold::PerLabel { aim, min_positives };
    assert_eq!(evaluate(""), Evaluate::at(per_label(Aim::F1, 5)));
    assert_eq!(evaluate("threshold = 0.3").threshold, Threshold::Fixed(0.3));
    assert_eq!(evaluate("threshold = \"global_f1\"").threshold, Threshold::Global { aim: Aim::F1 });
    // What is not read makes no difference, and so no result stale.
    assert_eq!(
        evaluate("threshold = 0.3\nprecision_floor = 0.5\nmin_positives = 9"),
        evaluate("threshold = 0.3")
    );
    let of_beta = evaluate("threshold = \"per_label_f_beta\"\nbeta = 0.5\nmin_positives = 3");
    assert_eq!((of_beta.threshold, of_beta.beta), (per_label(Aim::FBeta(0.5), 3), 0.5));
    let floor = evaluate("threshold = \"global_precision\"\nprecision_floor = 0.8");
    assert_eq!(floor.threshold, Threshold::Global { aim: Aim::Precision(0.8) });
    let platt = evaluate("calibration = \"platt\"\nthreshold = \"per_label_precision\"");
    assert_eq!(platt.calibration, CalibrationMethod::Platt { min_positives: 5 });
    assert_eq!(platt.threshold, per_label(Aim::Precision(0.9), 5));
    assert_eq!(evaluate("calibration = \"temperature\"").calibration, CalibrationMethod::Temperature);
}

#[test]
fn faults_say_what_may_stand_there() {
    let of = |keys: &str| faults(&spec(keys), &[]).join("\n");
    let found = of("threshold = \"per_label_f2\"");
    assert!(
        found.contains("`threshold` is `\"per_label_f2\"`, expected 0 to 1, or one of `global_f1`"),
        "{found}"
    );
    assert!(found.contains("@ \"per_label_f2\" ? did you mean `per_label_f1`?"), "{found}");
    assert!(
        of("threshold = true").contains("`threshold` is `true`, expected 0 to 1"),
        "{}",
        of("threshold = true")
    );
    assert!(of("threshold = 1.5").contains("`threshold` is `1.5`"), "{}", of("threshold = 1.5"));
    for (keys, key) in [
        ("precision_floor = 1.2", "precision_floor"),
        ("min_positives = 0", "min_positives"),
        ("beta = 0", "beta"),
        ("calibration = \"plat\"", "calibration"),
    ] {
        assert!(of(keys).contains(&format!("`{key}` is")), "{}", of(keys));
    }
    assert!(of("calibration = \"plat\"").contains("did you mean `platt`?"));
    assert!(of("precision = 0.9").contains("unknown key `precision`"));
}

#[test]
fn what_no_rule_reads_is_mentioned() {
    let notices = |keys: &str, matrix: &str| read(&format!("{}{matrix}", spec(keys)), &[]).unwrap().notices();
    assert_eq!(notices("threshold = \"per_label_f1\"\nmin_positives = 3", ""), [""; 0]);
    let unread = notices("threshold = 0.4\nmin_positives = 3\nprecision_floor = 0.8", "");
    assert_eq!(unread.len(), 2, "{unread:?}");
    assert!(unread[0].contains("`precision_floor`") && unread[1].contains("`min_positives`"), "{unread:?}");
    assert_eq!(notices("calibration = \"platt\"\nthreshold = 0.4\nmin_positives = 3", ""), [""; 0]);
    let swept = "[matrix]\n\"evaluate.threshold\" = [0.4, \"global_precision\"]\n";
    assert_eq!(notices("precision_floor = 0.8", swept), [""; 0]);
}
