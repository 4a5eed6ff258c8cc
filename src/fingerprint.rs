//! What enters a stage's key.
//!
//! One walk over the settings and inputs writes both the key and its explanation: a [`Fingerprint`] keeps
//! the fields that it was made of, so that a dirty stage can name the first one that differs.
//!
//! | enters | never enters |
//! |---|---|
//! | the stage's name and version | folders and times |
//! | each setting that the stage reads, by value (`1e-4` is `0.0001`) | the order of keys, comments, the spec's name |
//! | the content digest of each input; for images, with their names below the images folder | the names of ops, variants and runs: an op draws by its kind |
//! | for training: device kind, precision, libtorch version | threads, slots, engine, which GPU, host, user |
//! | for training: the content of the initial weights | their path, or their name and revision on the hub |
//! | | where images can be had and which of them were fetched, trackers, secrets, the cache's folder, the question, the report's settings (but in `report`) |
//!
//! The order of labels enters: it is the order of the columns and of the model's outputs. Tables of a run hold the
//! names under which they were made; whoever shows them puts in today's.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A blake3 digest in hex: of contents, or of a fingerprint's fields.
///
/// Its digits stand in place: a study holds several of them for each of its stages.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 64]);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        blake3::hash(bytes).into()
    }

    /// From 64 hex digits; `None` for anything else, so that a digest can always be part of a path.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 64] = text.as_bytes().try_into().ok()?;
        let ok = digits.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
        ok.then_some(Digest(digits))
    }

    /// All 64 hex digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_else(|_| panic!("bug: a digest is made of hex digits"))
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> &str {
        &self.as_str()[..12]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Digest").field(&self.as_str()).finish()
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        let mut digits = [0; 64];
        digits.copy_from_slice(hash.to_hex().as_bytes());
        Digest(digits)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl de::Visitor<'_> for Digits {
            type Value = Digest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("64 hex digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Digest, E> {
                Digest::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Digits)
    }
}

/// One thing that a key was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Dotted: `train.epochs`, `input.labels`.
    pub name: String,
    /// Canonical JSON for settings, a digest for inputs.
    pub value: String,
}

/// A stage's key with what it was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The stage's name.
    pub stage: String,
    /// The key.
    pub key: Digest,
    /// In the order in which the stage declares them.
    pub fields: Vec<Field>,
}

/// Begins the names of fields that are inputs.
const INPUT: &str = "input.";

/// Makes the key of a list of fields, without keeping them.
#[derive(Debug)]
pub struct KeyHasher(blake3::Hasher);

impl KeyHasher {
    /// For a stage of this name.
    pub fn new(stage: &str) -> Self {
        let mut hasher = KeyHasher(blake3::Hasher::new());
        hasher.part(&[stage]);
        hasher
    }

    /// Adds a field.
    pub fn field(&mut self, name: &str, value: &str) {
        self.part(&[name]);
        self.part(&[value]);
    }

    /// Adds the content digest of an input, as [`Builder::input`] does.
    pub fn input(&mut self, name: &str, digest: &Digest) {
        self.part(&[INPUT, name]);
        self.part(&[digest.as_str()]);
    }

    /// The key.
    pub fn finish(self) -> Digest {
        self.0.finalize().into()
    }

    /// Each part is led by its length, so that no two lists of fields give the same bytes.
    fn part(&mut self, pieces: &[&str]) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        self.0.update(&(length as u64).to_le_bytes());
        for piece in pieces {
            self.0.update(piece.as_bytes());
        }
    }
}

/// Collects fields and closes them to a [`Fingerprint`].
#[derive(Debug)]
pub struct Builder {
    stage: String,
    fields: Vec<Field>,
}

impl Builder {
    /// A key for `stage`, whose code is at `version`: a new version makes all its older results stale.
    pub fn new(stage: &str, version: u32) -> Self {
        let fields = vec![Field { name: "version".into(), value: version.to_string() }];
        Builder { stage: stage.to_owned(), fields }
    }

    /// Adds each leaf of `value` as a field below `name`.
    #[must_use]
    pub fn setting<T: Serialize>(mut self, name: &str, value: &T) -> Self {
        let value = serde_json::to_value(value)
            .unwrap_or_else(|error| panic!("bug: settings are plain data: {error}"));
        self.leaves(name, &value);
        self
    }

    /// Adds the content digest of an input.
    #[must_use]
    pub fn input(mut self, name: &str, digest: &Digest) -> Self {
        self.fields.push(Field { name: format!("{INPUT}{name}"), value: digest.as_str().to_owned() });
        self
    }

    /// Closes the key.
    pub fn finish(self) -> Fingerprint {
        let mut key = KeyHasher::new(&self.stage);
        self.fields.iter().for_each(|field| key.field(&field.name, &field.value));
        Fingerprint { stage: self.stage, key: key.finish(), fields: self.fields }
    }

    /// The fields so far.
    pub fn into_fields(self) -> Vec<Field> {
        self.fields
    }

    fn leaves(&mut self, name: &str, value: &serde_json::Value) {
        use serde_json::Value;
        match value {
            Value::Object(map) if !map.is_empty() => {
                // serde_json's map is sorted here; an order that counts is carried by arrays.
                for (key, value) in map {
                    self.leaves(&format!("{name}.{key}"), value);
                }
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                for (i, value) in items.iter().enumerate() {
                    self.leaves(&format!("{name}[{i}]"), value);
                }
            }
            _ => self.fields.push(Field { name: name.to_owned(), value: canonical(value) }),
        }
    }
}

/// Numbers by value: an integral float is written as an integer, so that `1.0` is `1` and `1e-4` is `0.0001`.
fn canonical(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Number(n) => match n.as_f64() {
            Some(f) if f.fract() == 0.0 && f.abs() < 9e15 => format!("{}", f as i64),
            _ => n.to_string(),
        },
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key(value: serde_json::Value) -> Digest {
        Builder::new("train", 1).setting("train", &value).finish().key
    }

    #[test]
    fn numbers_enter_by_value() {
        assert_eq!(key(json!({"lr": 1e-4, "n": 1})), key(json!({"n": 1.0, "lr": 0.0001})));
        assert_ne!(key(json!({"lr": 1e-4})), key(json!({"lr": 2e-4})));
    }

    #[test]
    fn neighbouring_fields_do_not_run_together() {
        assert_ne!(key(json!({"ab": "c"})), key(json!({"a": "bc"})));
    }

    #[test]
    fn leaves_are_named() {
        let print = Builder::new("s", 2).setting("train", &json!({"a": [1, 2], "b": [{"c": null}]})).finish();
        let names: Vec<_> = print.fields.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["version", "train.a", "train.b[0].c"]);
        assert_eq!(print.fields[1].value, "[1,2]");
    }
}
