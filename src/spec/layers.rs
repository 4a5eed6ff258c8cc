//! The layers of a spec, lowest first: defaults, the files that it extends, the file, the environment, `--set`.
//!
//! `figment` merges them and remembers for each value the layer that it came from.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use figment::value::{Dict, Map, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::chosen::{Choice, choices, write_out};
use super::document::{Document, KeyPath, Spans};
use super::fault::{Fault, Place, Source, SpecError};

/// The commented defaults: the lowest layer of every spec.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// The largest spec that is read.
const MAX_BYTES: u64 = 1 << 20;

/// Values above the files: `--set KEY=VALUE` and `ABLATRIX_…` variables, in rising order.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The values.
    pub items: Vec<Override>,
}

impl Overrides {
    /// Variables, then `--set`; among each of them choices of tables come before values in these tables, whichever
    /// way round they were given.
    fn in_order(&self) -> Vec<&Override> {
        let mut items: Vec<&Override> = self.items.iter().collect();
        let chooses = |item: &Override| {
            override_document(item, 0).is_ok_and(|document| !choices(&document.values).is_empty())
        };
        items.sort_by_key(|item| (item.is_set, !chooses(item)));
        items
    }
}

/// One value above the files.
#[derive(Clone, Debug)]
pub struct Override {
    /// As the user wrote it.
    pub shown: String,
    /// Whether it stands on the command line, above the environment.
    pub is_set: bool,
    /// The parts of its key.
    pub path: KeyPath,
    /// A TOML value; a plain word that is none is taken as a string.
    pub value: String,
}

impl Override {
    /// From `KEY=VALUE`, as after `--set`; `None` where there is no `=`. A part of the key may stand in quotes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut quote = None;
        let at = text.find(|c| match (quote, c) {
            (None, '=') => true,
            (None, '"' | '\'') => {
                quote = Some(c);
                false
            }
            (Some(open), c) => {
                quote = quote.filter(|_| c != open);
                false
            }
            _ => false,
        })?;
        let (key, value) = (&text[..at], &text[at + 1..]);
        Some(Override {
            shown: format!("--set {text}"),
            is_set: true,
            path: key_path(key.trim()),
            value: value.trim().to_owned(),
        })
    }

    /// From a variable such as `ABLATRIX_TRAIN__EPOCHS`; `None` for one that names no key of a spec.
    pub fn from_variable(name: &str, value: &str) -> Option<Self> {
        let key = name.strip_prefix("ABLATRIX_")?.to_lowercase().replace("__", ".");
        let first = key.split('.').next().unwrap_or_default();
        let known = Document::parse(DEFAULTS, 0).is_ok_and(|d| d.values.contains_key(first))
            || matches!(first, "name" | "question" | "dataset");
        known.then(|| Override {
            shown: format!("{name}={value}"),
            is_set: false,
            path: key_path(&key),
            value: value.to_owned(),
        })
    }
}

/// The parts of a key as it is written before a `=`.
fn key_path(key: &str) -> KeyPath {
    // What is quoted in a key is TOML's to say; what TOML does not take as a bare key is taken as it stands.
    let written = Document::parse(&format!("{key} = 0"), 0).ok();
    let parsed = written.and_then(|document| document.spans.into_keys().max_by_key(Vec::len));
    let mut path = parsed.unwrap_or_else(|| key.split('.').map(str::to_owned).collect());
    if path.first().is_some_and(|first| first == "matrix") && path.len() > 2 {
        // A key of the matrix is one dotted key; a shell has taken its quotes away.
        let swept = path.split_off(1).join(".");
        path.push(swept);
    }
    path
}

/// One layer.
#[derive(Clone, Debug)]
struct Layer {
    /// What `figment` knows it by.
    number: usize,
    /// Where its text is.
    source: usize,
    /// What relative paths in it are relative to.
    folder: PathBuf,
    document: Document,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.number.to_string())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.document.values.clone()))
    }
}

/// A value of a matrix.
#[derive(Clone, Debug)]
pub struct Swept {
    /// The dotted key.
    pub key: String,
    /// Its position in the list of the key's values.
    pub idx: usize,
    /// The value.
    pub value: Value,
}

/// All layers of a spec.
#[derive(Clone, Debug)]
pub struct Layers {
    /// The texts, for messages.
    pub sources: Arc<Vec<Source>>,
    layers: Vec<Arc<Layer>>,
    figment: Figment,
}

impl Layers {
    /// Reads the file at `path`, what it extends, and puts `overrides` above.
    ///
    /// # Errors
    /// Every fault of reading and of the syntax.
    pub fn read(path: &Path, overrides: &Overrides) -> Result<Self, SpecError> {
        let mut layers = Layers { sources: Arc::default(), layers: Vec::new(), figment: Figment::new() };
        let defaults = Source { name: "the defaults".into(), text: DEFAULTS.into() };
        layers.push(defaults, PathBuf::new(), Document::parse)?;
        for (file, text) in layers.chain_of_files(path)? {
            let folder = file.parent().map(Path::to_owned).unwrap_or_default();
            let source = Source { name: file.display().to_string(), text };
            layers.push(source, folder, Document::parse)?;
        }
        for item in overrides.in_order() {
            let source = Source { name: "the command line or environment".into(), text: item.shown.clone() };
            layers.push(source, PathBuf::new(), |_, source| override_document(item, source))?;
        }
        Ok(layers)
    }

    /// The same layers with an empty matrix: what its points are laid over. A point that carried the whole matrix along
    /// would make the work grow with the square of their number.
    #[must_use]
    pub fn without_matrix(&self) -> Self {
        let mut layers = self.clone();
        for layer in &mut layers.layers {
            let document = &mut Arc::make_mut(layer).document;
            if let Some(matrix) = document.values.get_mut("matrix") {
                *matrix = Value::from(Dict::new());
                document.spans.retain(|path, _| path.len() == 1 || path[0] != "matrix");
            }
        }
        layers.figment = merge(&layers.layers);
        layers
    }

    /// These layers with the values of one point of the matrix of `spec` on top; faults in them point at these values.
    #[must_use]
    pub fn with_point(&self, point: &[Swept], spec: &Layers) -> Self {
        let mut layers = self.clone();
        let document = |swept: &Swept| {
            let at = spec.matrix_place(&swept.key, None).unwrap_or(Place { source: 0, range: 0..0 });
            let value = spec.matrix_place(&swept.key, Some(swept.idx)).unwrap_or_else(|| at.clone());
            let spans = Spans { key: at.range, value: value.range };
            let path: KeyPath = swept.key.split('.').map(str::to_owned).collect();
            (at.source, single(&path, swept.value.clone(), &spans))
        };
        // Choices of tables come before values in these tables, whichever way round they stand.
        let mut documents: Vec<(usize, Document)> = point.iter().map(document).collect();
        documents.sort_by_key(|(_, document)| choices(&document.values).is_empty());
        for (source, document) in documents {
            // A layer of its own, whose places lie in the file.
            layers.put(source, self.folder_of(source), document);
        }
        layers
    }

    /// Where a swept key stands, or the value at a position of its list.
    fn matrix_place(&self, key: &str, idx: Option<usize>) -> Option<Place> {
        let mut path = vec!["matrix".to_owned(), key.to_owned()];
        path.extend(idx.map(|idx| idx.to_string()));
        self.find(&path, idx.is_none())
    }

    /// The merged values; each carries the tag of its layer.
    pub fn merged(&self) -> Dict {
        let data = self.figment.data().unwrap_or_default();
        data.get(&Profile::Default).cloned().unwrap_or_default()
    }

    /// The source that the value with this tag came from.
    fn layer(&self, tag: Tag) -> Option<&Layer> {
        let name = &self.figment.get_metadata(tag)?.name;
        let number: usize = name.parse().ok()?;
        self.layers.get(number).map(Arc::as_ref)
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
        Arc::make_mut(&mut self.sources).push(source);
        let number = self.sources.len() - 1;
        let mut document = parse(&self.sources[number].text, number)
            .map_err(|faults| SpecError { sources: self.sources.to_vec(), faults })?;
        write_out(&mut document);
        self.put(number, folder, document);
        Ok(())
    }

    /// Puts a layer on top.
    fn put(&mut self, source: usize, folder: PathBuf, document: Document) {
        let layer = Layer { number: self.layers.len(), source, folder, document };
        let chosen = choices(&layer.document.values);
        let merged = self.merged();
        let differs = |choice: &&Choice| choice.of(&merged).is_some_and(|below| below != choice.name);
        let replaced: Vec<&KeyPath> = chosen.iter().filter(differs).map(|choice| &choice.path).collect();
        if !replaced.is_empty() {
            for below in &mut self.layers {
                let values = &mut Arc::make_mut(below).document.values;
                replaced.iter().for_each(|path| remove(values, path));
            }
            self.figment = merge(&self.layers);
        }
        self.figment = std::mem::take(&mut self.figment).merge(&layer);
        self.layers.push(Arc::new(layer));
    }

    /// The file and those that it extends, lowest first, with their texts.
    fn chain_of_files(&self, path: &Path) -> Result<Vec<(PathBuf, String)>, SpecError> {
        let mut chain: Vec<Link> = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            // The place of `extends` in the file before, or none for the spec itself.
            let fail = |fault: Fault| {
                let mut sources = self.sources.to_vec();
                let from = chain.last().map(|link| {
                    sources.push(link.source());
                    Place { source: sources.len() - 1, range: link.extends.clone() }
                });
                SpecError { sources, faults: vec![fault.at(from)] }
            };
            // Two paths of one file are one file.
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            if let Some(first) = chain.iter().position(|link| link.real == real) {
                let names: Vec<_> = chain[first..].iter().map(|link| file_name(&link.path)).collect();
                let around = format!("`{}` and `{}` again", names.join("`, `"), file_name(&path));
                let fault = Fault::new(format!("specs extend one another in a circle: {around}"));
                return Err(fail(fault.help("the last one must extend none of the others")));
            }
            let text = read_text(&path, chain.is_empty()).map_err(fail)?;
            let document = Document::parse(&text, 0).ok();
            let base = document.as_ref().and_then(|d| d.values.get("extends")?.as_str());
            next = base.map(|base| path.parent().map(|p| p.join(base)).unwrap_or_else(|| base.into()));
            let spans = document.as_ref().and_then(|d| d.spans.get(&["extends".to_owned()][..]));
            let extends = spans.map_or(0..0, |spans| spans.value.clone());
            chain.push(Link { path, real, text, extends });
        }
        Ok(chain.into_iter().rev().map(|link| (link.path, link.text)).collect())
    }
}

/// The layers merged, the lowest first.
fn merge(layers: &[Arc<Layer>]) -> Figment {
    layers.iter().fold(Figment::new(), |figment, layer| figment.merge(layer.as_ref()))
}

/// One file of those that extend one another.
struct Link {
    path: PathBuf,
    /// Without links and `..`.
    real: PathBuf,
    text: String,
    /// Where it says what it extends.
    extends: Range<usize>,
}

impl Link {
    fn source(&self) -> Source {
        Source { name: self.path.display().to_string(), text: self.text.clone() }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The text of a spec: the study's own (`is_first`), or one that is extended.
fn read_text(path: &Path, is_first: bool) -> Result<String, Fault> {
    let shown = path.display();
    let meta = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound if is_first => {
            Fault::new(format!("there is no spec `{shown}`")).help("`experiments/` holds those that ship")
        }
        std::io::ErrorKind::NotFound => Fault::new(format!("there is no spec `{shown}` to extend"))
            .help("a relative path is relative to the file that it stands in"),
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
    if item.path.iter().any(String::is_empty) {
        let fault = Fault::new(format!("`{}` is not a key", item.path.join(".")));
        return Err(vec![fault.at(whole).help("write it as in `--set train.epochs=3`")]);
    }
    let value = match Document::parse(&format!("v = {}", item.value), source) {
        Ok(mut document) => document.values.remove("v"),
        // A word needs no quotes; what begins as a list, table or quoted text was meant as one.
        Err(faults) if item.value.starts_with(['[', '{', '"', '\'']) => {
            let why = faults.into_iter().next().map(|fault| fault.message).unwrap_or_default();
            let fault = Fault::new(format!("the value `{}` is {why}", item.value));
            let help =
                "put the whole in quotes, so that the shell leaves it as it is: `--set 'seeds=[1, 2]'`";
            return Err(vec![fault.at(whole).help(help)]);
        }
        Err(_) => None,
    };
    let value = value.unwrap_or_else(|| Value::from(item.value.clone()));
    Ok(single(&item.path, value, &Spans { key: whole.range.clone(), value: whole.range }))
}

/// A document with one value, every part of whose path has the same place.
fn single(path: &[String], value: Value, spans: &Spans) -> Document {
    let mut document = Document::default();
    nest(&mut document.values, path, value);
    for depth in 1..=path.len() {
        document.spans.insert(path[..depth].to_vec(), spans.clone());
    }
    write_out(&mut document);
    document
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

fn remove(dict: &mut Dict, path: &[String]) {
    match path.split_first() {
        Some((last, [])) => {
            dict.remove(last);
        }
        Some((first, rest)) => {
            if let Some(Value::Dict(_, inner)) = dict.get_mut(first) {
                remove(inner, rest);
            }
        }
        None => {}
    }
}
