//! The layers of a spec, lowest first: defaults, the files that it extends, the file, the environment, `--set`.
//!
//! `figment` merges them and remembers for each value the layer that it came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Map, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::document::{Document, KeyPath};
use super::fault::{Fault, Place, Source, SpecError};

/// The commented defaults: the lowest layer of every spec.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// The largest spec that is read.
const MAX_BYTES: u64 = 1 << 20;

/// Values above the files: `--set KEY=VALUE` and `ABLATRIX_…` variables, in rising order.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// What is shown as the source (`--set train.epochs=3`), the dotted key, and the value.
    pub items: Vec<Override>,
}

/// One value above the files.
#[derive(Clone, Debug)]
pub struct Override {
    /// As the user wrote it.
    pub shown: String,
    /// Dotted.
    pub key: String,
    /// A TOML value; what is none is taken as a string.
    pub value: String,
}

impl Override {
    /// From `KEY=VALUE`, as after `--set`; `None` where there is no `=`.
    pub fn parse(text: &str) -> Option<Self> {
        let (key, value) = text.split_once('=')?;
        Some(Override {
            shown: format!("--set {text}"),
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
        })
    }

    /// From a variable such as `ABLATRIX_TRAIN__EPOCHS`; `None` for one that names no key of a spec.
    pub fn from_variable(name: &str, value: &str) -> Option<Self> {
        let key = name.strip_prefix("ABLATRIX_")?.to_lowercase().replace("__", ".");
        let first = key.split('.').next().unwrap_or_default();
        let known = Document::parse(DEFAULTS, 0).is_ok_and(|d| d.values.contains_key(first))
            || matches!(first, "name" | "question" | "dataset");
        known.then(|| Override { shown: format!("{name}={value}"), key, value: value.to_owned() })
    }
}

/// One layer.
#[derive(Clone, Debug)]
struct Layer {
    source: usize,
    /// What relative paths in it are relative to.
    folder: PathBuf,
    document: Document,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.source.to_string())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.document.values.clone()))
    }
}

/// All layers of a spec.
#[derive(Clone, Debug)]
pub struct Layers {
    /// The texts, for messages.
    pub sources: Vec<Source>,
    layers: Vec<Layer>,
    figment: Figment,
}

impl Layers {
    /// Reads the file at `path`, what it extends, and puts `overrides` above.
    ///
    /// # Errors
    /// Every fault of reading and of the syntax.
    pub fn read(path: &Path, overrides: &Overrides) -> Result<Self, SpecError> {
        let mut layers = Layers { sources: Vec::new(), layers: Vec::new(), figment: Figment::new() };
        let defaults = Source { name: "the defaults".into(), text: DEFAULTS.into() };
        layers.push(defaults, PathBuf::new(), Document::parse)?;
        for (file, text) in layers.chain_of_files(path)? {
            let folder = file.parent().map(Path::to_owned).unwrap_or_default();
            let source = Source { name: file.display().to_string(), text };
            layers.push(source, folder, Document::parse)?;
        }
        for item in &overrides.items {
            let source = Source { name: "the command line or environment".into(), text: item.shown.clone() };
            layers.push(source, PathBuf::new(), |_, source| override_document(item, source))?;
        }
        Ok(layers)
    }

    /// The same layers with the values of one matrix point on top; faults in them point at `place`.
    #[must_use]
    pub fn with_point(&self, point: &BTreeMap<String, Value>, place: &Place) -> Self {
        let mut layers = self.clone();
        let mut document = Document::default();
        for (key, value) in point {
            let path: KeyPath = key.split('.').map(str::to_owned).collect();
            nest(&mut document.values, &path, value.clone());
            let spans = super::document::Spans { key: place.range.clone(), value: place.range.clone() };
            for depth in 1..=path.len() {
                document.spans.insert(path[..depth].to_vec(), spans.clone());
            }
        }
        // The layer's own number, so that figment can tell it from the file; its places lie in the file.
        layers.sources.push(self.sources[place.source].clone());
        let layer =
            Layer { source: layers.sources.len() - 1, folder: self.folder_of(place.source), document };
        layers.figment = layers.figment.merge(&layer);
        layers.layers.push(layer);
        layers
    }

    /// The merged values; each carries the tag of its layer.
    pub fn merged(&self) -> Dict {
        let data = self.figment.data().unwrap_or_default();
        data.get(&Profile::Default).cloned().unwrap_or_default()
    }

    /// The source that the value with this tag came from.
    fn layer(&self, tag: Tag) -> Option<&Layer> {
        let name = &self.figment.get_metadata(tag)?.name;
        let source: usize = name.parse().ok()?;
        self.layers.iter().find(|layer| layer.source == source)
    }

    /// What a relative path in the value with this tag is relative to.
    pub fn folder(&self, tag: Tag) -> PathBuf {
        self.layer(tag).map(|layer| layer.folder.clone()).unwrap_or_default()
    }

    /// Where the value at `path`, which came from the layer of `tag`, stands; the key, or the value.
    pub fn place(&self, tag: Tag, path: &[String], of_key: bool) -> Option<Place> {
        let layer = self.layer(tag)?;
        let spans = layer.document.spans.get(path)?;
        let range = if of_key { spans.key.clone() } else { spans.value.clone() };
        Some(Place { source: layer.source, range })
    }

    /// Where `path` stands in the highest layer that has it.
    pub fn find(&self, path: &[String], of_key: bool) -> Option<Place> {
        self.layers.iter().rev().find_map(|layer| {
            let spans = layer.document.spans.get(path)?;
            let range = if of_key { spans.key.clone() } else { spans.value.clone() };
            Some(Place { source: layer.source, range })
        })
    }

    /// Where the key stands first, lowest layer first: the order in which a reader meets keys.
    pub fn order(&self, path: &[String]) -> (usize, usize) {
        let first = self.layers.iter().find_map(|layer| {
            let spans = layer.document.spans.get(path)?;
            Some((layer.source, spans.key.start))
        });
        first.unwrap_or((usize::MAX, 0))
    }

    fn folder_of(&self, source: usize) -> PathBuf {
        let layer = self.layers.iter().find(|layer| layer.source == source);
        layer.map(|layer| layer.folder.clone()).unwrap_or_default()
    }

    fn push(
        &mut self,
        source: Source,
        folder: PathBuf,
        parse: impl Fn(&str, usize) -> Result<Document, Vec<Fault>>,
    ) -> Result<(), SpecError> {
        self.sources.push(source);
        let number = self.sources.len() - 1;
        let document = parse(&self.sources[number].text, number)
            .map_err(|faults| SpecError { sources: self.sources.clone(), faults })?;
        let layer = Layer { source: number, folder, document };
        self.figment = std::mem::take(&mut self.figment).merge(&layer);
        self.layers.push(layer);
        Ok(())
    }

    /// The file and those that it extends, lowest first, with their texts.
    fn chain_of_files(&self, path: &Path) -> Result<Vec<(PathBuf, String)>, SpecError> {
        let mut chain: Vec<(PathBuf, String)> = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let fail = |fault| SpecError { sources: self.sources.clone(), faults: vec![fault] };
            if chain.iter().any(|(seen, _)| *seen == path) {
                return Err(fail(Fault::new(format!("`{}` extends itself", path.display()))));
            }
            let text = read_text(&path).map_err(fail)?;
            let base = Document::parse(&text, 0).ok().and_then(|d| match d.values.get("extends") {
                Some(Value::String(_, base)) => Some(base.clone()),
                _ => None,
            });
            next = base.map(|base| path.parent().map(|p| p.join(&base)).unwrap_or_else(|| base.into()));
            chain.push((path, text));
        }
        chain.reverse();
        Ok(chain)
    }
}

fn read_text(path: &Path) -> Result<String, Fault> {
    let shown = path.display();
    let meta = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Fault::new(format!("there is no spec `{shown}`")).help("`experiments/` holds those that ship")
        }
        _ => Fault::new(format!("cannot read the spec `{shown}`: {error}")),
    })?;
    if !meta.is_file() {
        return Err(Fault::new(format!("the spec `{shown}` is not a file")));
    }
    if meta.len() > MAX_BYTES {
        return Err(Fault::new(format!(
            "the spec `{shown}` is too large: {} bytes, limit {MAX_BYTES}",
            meta.len()
        )));
    }
    let bytes =
        std::fs::read(path).map_err(|e| Fault::new(format!("cannot read the spec `{shown}`: {e}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Fault::new(format!("the spec `{shown}` is not UTF-8 at byte {at}"))
    })?;
    if text.trim().is_empty() {
        return Err(Fault::new(format!("the spec `{shown}` is empty"))
            .help("`experiments/quickstart.toml` is one to start from"));
    }
    Ok(text)
}

fn override_document(item: &Override, source: usize) -> Result<Document, Vec<Fault>> {
    let whole = Place { source, range: 0..item.shown.len() };
    let path: KeyPath = item.key.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        let fault = Fault::new(format!("`{}` is not a key", item.key));
        return Err(vec![fault.at(whole).help("write it as in `--set train.epochs=3`")]);
    }
    let parsed = Document::parse(&format!("v = {}", item.value), source).ok();
    let value = parsed.and_then(|mut document| document.values.remove("v"));
    let value = value.unwrap_or_else(|| Value::from(item.value.clone()));
    let mut document = Document::default();
    nest(&mut document.values, &path, value);
    let spans = super::document::Spans { key: whole.range.clone(), value: whole.range };
    for depth in 1..=path.len() {
        document.spans.insert(path[..depth].to_vec(), spans.clone());
    }
    Ok(document)
}

fn nest(dict: &mut Dict, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        dict.insert(first.clone(), value);
        return;
    }
    let inner = dict.entry(first.clone()).or_insert_with(|| Value::from(Dict::new()));
    if let Value::Dict(_, inner) = inner {
        nest(inner, rest, value);
    }
}
