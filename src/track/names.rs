//! Names and values in the forms that MLflow accepts, and nothing lost in between.
//!
//! MLflow (3.x, `mlflow/utils/validation.py`) allows letters, digits and `_ - . space : /` in the names of
//! metrics, parameters and tags, up to 250 characters, and refuses names that are no plain relative path
//! (`a//b`, `/a`, `../a`). It cuts parameters at 6000 and tags at 8000 characters.

use serde_json::{Value, json};

use crate::fingerprint::Digest;

const NAME_CHARS: usize = 250;
const PARAM_CHARS: usize = 6000;
const TAG_CHARS: usize = 8000;
/// Below the 250 characters of the narrowest column that has ever held an id.
const ID_CHARS: usize = 200;

/// The name of a metric, parameter or tag. A name that must be changed gets four digits of a digest, so that
/// two names never become one.
pub(super) fn key(name: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || "_-. :/".contains(c);
    let replaced: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    let parts: Vec<&str> =
        replaced.split('/').filter(|part| !matches!(part.trim(), "" | "." | "..")).collect();
    let clean = if parts.is_empty() { "unnamed".to_owned() } else { parts.join("/") };
    marked(name, clean, NAME_CHARS)
}

/// The id by which a run is found again; it stands in a search, inside quotes.
pub(super) fn id(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.:/=+@, ".contains(c);
    let clean = text.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    marked(text, clean, ID_CHARS)
}

/// The value of a parameter.
pub(super) fn param(value: &str) -> String {
    cut(value, PARAM_CHARS)
}

/// The value of a tag.
pub(super) fn tag(value: &str) -> String {
    cut(value, TAG_CHARS)
}

/// A metric's value: NaN and infinity as the strings that protobuf's JSON knows.
pub(super) fn number(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

/// The reverse of [`number`]; the server stores infinity as the largest finite number.
pub(super) fn read_number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            other => other.parse().ok(),
        },
        other => other.as_f64(),
    }
    .map(|number| if number.abs() == f64::MAX { number.signum() * f64::INFINITY } else { number })
}

fn marked(original: &str, clean: String, limit: usize) -> String {
    if clean == original && clean.chars().count() <= limit {
        return clean;
    }
    let digest = Digest::of(original.as_bytes());
    let mark = digest.as_str().get(..4).unwrap_or_default();
    format!("{}.{mark}", clean.chars().take(limit - 5).collect::<String>())
}

fn cut(value: &str, limit: usize) -> String {
    if value.chars().count() <= limit {
        return value.to_owned();
    }
    let kept: String = value.chars().take(limit - 3).collect();
    format!("{kept}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_stay() {
        for name in ["train/loss", "ap/Aluminium foil", "train.optimizer.lr", "ap/Küche", "a:b_c-d"] {
            assert_eq!(key(name), name);
        }
    }

    #[test]
    fn bad_names_become_good_and_stay_different() {
        let (c_sharp, c_plus) = (key("ap/C#"), key("ap/C+"));
        assert!(c_sharp.starts_with("ap/C_.") && c_plus.starts_with("ap/C_."));
        assert_ne!(c_sharp, c_plus);
        for name in ["/a//b/", "../a", "", "..", "x\ny", &"é".repeat(400)] {
            let clean = key(name);
            assert!(!clean.starts_with('/') && !clean.contains("//") && !clean.contains(".."), "{clean}");
            assert!((1..=250).contains(&clean.chars().count()), "{clean}");
            assert!(clean.chars().all(|c| c.is_alphanumeric() || "_-. :/".contains(c)), "{clean}");
        }
    }

    #[test]
    fn arms_of_a_grid_stay_different() {
        let arms =
            ["noise(std=0.02..0.05)", "noise(std=0.05..0.11)", "flip+noise", "flip_noise", "without-flip"];
        let keys: Vec<String> = arms.iter().map(|arm| key(&format!("effect/map_macro/{arm}/low"))).collect();
        for (i, clean) in keys.iter().enumerate() {
            assert!(clean.starts_with("effect/map_macro/") && !keys[..i].contains(clean), "{keys:?}");
            assert!(clean.chars().all(|c| c.is_alphanumeric() || "_-. :/".contains(c)), "{clean}");
        }
        assert_eq!(keys[4], "effect/map_macro/without-flip/low");
    }

    #[test]
    fn ids_hold_no_quotes() {
        assert_eq!(id("taco@0f3a/flip+noise, s=1"), "taco@0f3a/flip+noise, s=1");
        let odd = id("it's `x` \"y\" \\");
        assert!(!odd.contains(['\'', '`', '"', '\\']));
        assert_ne!(odd, id("it`s `x` \"y\" \\"));
    }

    #[test]
    fn numbers_survive_there_and_back() {
        for value in [0.1, -3.0, f64::INFINITY, f64::NEG_INFINITY, 1e-300] {
            assert_eq!(read_number(&number(value)), Some(value));
        }
        assert!(read_number(&number(f64::NAN)).unwrap().is_nan());
        assert_eq!(number(f64::NAN), json!("NaN"));
        assert_eq!(read_number(&json!(-f64::MAX)), Some(f64::NEG_INFINITY));
        assert_eq!(read_number(&json!(null)), None);
    }

    #[test]
    fn long_values_are_cut_visibly() {
        assert_eq!(param(&"x".repeat(6000)).len(), 6000);
        let long = param(&"ü".repeat(6001));
        assert_eq!(long.chars().count(), 6000);
        assert!(long.ends_with("..."));
    }
}
