//! The layers of a spec, lowest first: defaults, the files that it extends, the file, the chosen profile of these files, the
//! environment, `--set`.
//!
//! `figment` merges them and remembers for each value the layer that it came from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use figment::value::{Dict, Map, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::chosen::{Choice, choices, write_out};
use super::document::{Document, KeyPath, Spans};
use super::fault::{Fault, Place, Source, SpecError, nearest};
use super::files::chain_of_files;
use super::overrides::{self, Overrides, override_document};
use super::profiles::{ProfileTable, take_profiles};

/// The commented defaults: the lowest layer of every spec.
pub const DEFAULTS: &str = include_str!("defaults.toml");

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

/// A profile, and the file that it stands in.
struct FileProfile {
    table: ProfileTable,
    source: usize,
    folder: PathBuf,
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
    /// The names of the profiles that the files have, in the order in which they are met.
    pub profiles: Vec<String>,
    layers: Vec<Arc<Layer>>,
    figment: Figment,
}

impl Layers {
    /// Reads the file at `path`, what it extends, and puts `overrides` above.
    ///
    /// # Errors
    /// Every fault of reading and of the syntax.
    pub fn read(path: &Path, overrides: &Overrides) -> Result<Self, SpecError> {
        let mut layers = Layers::of_defaults()?;
        let mut profiles = Vec::new();
        for (file, text) in chain_of_files(path, &layers.sources)? {
            let folder = file.parent().map(Path::to_owned).unwrap_or_default();
            let source = Source { name: file.display().to_string(), text };
            profiles.extend(layers.push_file(source, &folder)?);
        }
        layers.choose(profiles, overrides.profile.as_deref())?;
        for item in overrides.in_order() {
            let source = Source { name: overrides::NAME.into(), text: item.shown.clone() };
            layers.push(source, PathBuf::new(), |_, source| override_document(item, source))?;
        }
        Ok(layers)
    }

    /// A spec that stands in no file.
    ///
    /// # Errors
    /// Every fault of the syntax.
    pub fn of_text(text: &str) -> Result<Self, SpecError> {
        let mut layers = Layers::of_defaults()?;
        layers.push_file(Source { name: "a spec".into(), text: text.to_owned() }, Path::new(""))?;
        Ok(layers)
    }

    fn of_defaults() -> Result<Self, SpecError> {
        let mut layers = Layers {
            sources: Arc::default(),
            profiles: Vec::new(),
            layers: Vec::new(),
            figment: Figment::new(),
        };
        let defaults = Source { name: "the defaults".into(), text: DEFAULTS.into() };
        layers.push(defaults, PathBuf::new(), Document::parse)?;
        Ok(layers)
    }

    /// Puts a file on top without its profiles, which are given back as layers to choose from.
    fn push_file(&mut self, source: Source, folder: &Path) -> Result<Vec<FileProfile>, SpecError> {
        let mut profiles = Vec::new();
        let number = self.push(source, folder.to_owned(), |text, source| {
            let mut document = Document::parse(text, source)?;
            profiles = take_profiles(&mut document, source)?;
            Ok(document)
        })?;
        let of_file = |table| FileProfile { table, source: number, folder: folder.to_owned() };
        Ok(profiles.into_iter().map(of_file).collect())
    }

    /// Puts the profile `chosen` of each file that has it on top, the lowest file's first.
    fn choose(&mut self, tables: Vec<FileProfile>, chosen: Option<&str>) -> Result<(), SpecError> {
        for FileProfile { table, .. } in &tables {
            if !self.profiles.contains(&table.name) {
                self.profiles.push(table.name.clone());
            }
        }
        let Some(chosen) = chosen else { return Ok(()) };
        if !self.profiles.iter().any(|name| name == chosen) {
            let fault = Fault::new(format!("the spec has no profile `{chosen}`"));
            let known =
                || self.profiles.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let fault = fault.help(match nearest(chosen, self.profiles.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.profiles.is_empty() => {
                    format!("write one into it, as `[profile.{chosen}]`, or leave `--profile` (ABLATRIX_PROFILE) out")
                }
                None => format!("it has {}", known()),
            });
            return Err(SpecError { sources: self.sources.to_vec(), faults: vec![fault] });
        }
        for FileProfile { table, source, folder } in tables {
            if table.name == chosen {
                let mut document = table.document;
                write_out(&mut document);
                self.put(source, folder, document);
            }
        }
        Ok(())
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
        parse: impl FnOnce(&str, usize) -> Result<Document, Vec<Fault>>,
    ) -> Result<usize, SpecError> {
        Arc::make_mut(&mut self.sources).push(source);
        let number = self.sources.len() - 1;
        let mut document = parse(&self.sources[number].text, number)
            .map_err(|faults| SpecError { sources: self.sources.to_vec(), faults })?;
        write_out(&mut document);
        self.put(number, folder, document);
        Ok(number)
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
}

/// The layers merged, the lowest first.
fn merge(layers: &[Arc<Layer>]) -> Figment {
    layers.iter().fold(Figment::new(), |figment, layer| figment.merge(layer.as_ref()))
}

/// A document with one value, every part of whose path has the same place.
pub(super) fn single(path: &[String], value: Value, spans: &Spans) -> Document {
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
