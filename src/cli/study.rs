//! What every verb does first: spec, cache, plan.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{OutputFormat, OverArgs, SpecArgs};
use super::device::{self, Machine, Settled};
use super::pool::{self, Ground};
use super::render::{Failure, plain, with_cause, wrapped};
use super::{hub, known_devices, nvidia, rounds, worker};
use crate::augment;
use crate::cache::{CacheError, Store};
use crate::engine::{EngineConfig, EngineError, VISIBLE, WorkersError};
use crate::plan::{Plan, SourceError, Sources, Stage};
use crate::spec::settings::{Engine, HubModel, Weights};
use crate::spec::{self, Fault, Loaded, Override, Overrides, Point, SpecError};
use crate::stages::StageError;
use crate::weights;

/// What to do about models of the hub that are not there.
const FETCH_HELP: &str =
    "`ablatrix run` and `ablatrix check` fetch them from the Hugging Face hub; other commands ask no network";

/// The exit code where others are at it, and are not to be waited for.
const BUSY: u8 = 4;

/// A checked spec with its cache and its plan.
pub struct Study {
    /// The spec.
    pub loaded: Loaded,
    /// The cache.
    pub store: Store,
    /// The DAG.
    pub plan: Arc<Plan>,
    /// Digests of files outside the cache.
    pub sources: Sources,
    /// Where tensors live.
    pub settled: Settled,
    /// Whether errors are shown in colour.
    pub colour: bool,
}

/// How the cache is opened, and whether the machine is asked anew what it has.
#[derive(Clone, Copy)]
struct Opening {
    open: fn(&Path) -> Result<Store, CacheError>,
    anew: bool,
}

impl Study {
    /// Reads the spec and opens the cache, which is made where there is none.
    ///
    /// # Errors
    /// Rendered, with the exit code.
    pub fn open(args: &SpecArgs) -> Result<Self, Failure> {
        Self::with(args, Opening { open: Store::open, anew: false })
    }

    /// Likewise, to train: what the machine has is looked at anew.
    ///
    /// # Errors
    /// Rendered, with the exit code.
    pub fn open_to_train(args: &SpecArgs) -> Result<Self, Failure> {
        Self::with(args, Opening { open: Store::open, anew: true })
    }

    /// Reads the spec, and looks at the cache as it is: for verbs that compute nothing.
    ///
    /// # Errors
    /// Rendered, with the exit code.
    pub fn look(args: &SpecArgs) -> Result<Self, Failure> {
        Self::with(args, Opening { open: Store::existing, anew: false })
    }

    fn with(args: &SpecArgs, opening: Opening) -> Result<Self, Failure> {
        let colour = colour();
        let mut loaded = load(&args.spec, &args.over, colour)?;
        let store = (opening.open)(&args.cache).map_err(|error| cache_failure(&error))?;
        let workers = &loaded.experiment.workers;
        let wish = workers.wish;
        let settled = match workers.engine {
            Engine::Local => with_machine(&store, opening.anew, |machine| device::settle(wish, machine)),
            Engine::Slurm => device::on_cluster(wish, workers.slurm.gpus.n),
        };
        loaded.settle_device(settled.device);
        let sources = sources(&store);
        let plan = rounds::plan(&loaded, &store, &sources).map_err(|error| {
            let help = "two variants that do the same tell nothing: change one of the two, or remove it";
            let arm = error.variant().split('/').next().unwrap_or_default();
            let at = ["augment", "grid", "policies", arm];
            Failure::spec(&loaded.error_at(&at, error.to_string(), Some(help.to_owned())), colour)
        })?;
        Ok(Study { loaded, store, plan: Arc::new(plan), sources, settled, colour })
    }

    /// Digests of files outside the cache as they are now.
    pub fn new_sources(&self) -> Sources {
        sources(&self.store)
    }

    /// Takes up the seeds that were added since the study was opened.
    pub fn follow_results(&mut self) {
        if self.plan.experiment.adaptive.is_some()
            && let Ok(plan) = rounds::plan(&self.loaded, &self.store, &self.new_sources())
        {
            self.plan = Arc::new(plan);
        }
    }

    /// The models of the hub that the spec names and that have not been fetched, each once.
    pub fn models_to_fetch(&self) -> Vec<HubModel> {
        let mut models = Vec::new();
        for point in &self.loaded.points {
            if let Err(SourceError::NotFetched { model, .. }) =
                self.sources.weights_file(&point.experiment.model.weights)
                && !models.contains(&model)
            {
                models.push(model);
            }
        }
        models
    }

    /// A fault about a model of the hub, where the spec names it.
    pub fn fault_of_model(&self, model: &HubModel, message: &str, help: Option<String>) -> Fault {
        let names = |point: &&Point| matches!(&point.experiment.model.weights, Weights::Hub(m) if m == model);
        match self.loaded.points.iter().find(names) {
            Some(point) => self.fault_of_file(point, "weights", message, help),
            None => self.loaded.fault_at(&["model", "weights"], message, help),
        }
    }

    /// Looks at every file of weights and every module that the spec names, so that a wrong one is found before any
    /// stage runs. Models of the hub that have not been fetched are faults where the study `trains`.
    ///
    /// # Errors
    /// All that cannot be read or are not what they should be, each where the spec names it.
    pub fn check_weights(&self, trains: bool) -> Result<(), Failure> {
        let mut faults = Vec::new();
        for point in &self.loaded.points {
            let model = &point.experiment.model;
            let weights = self.fault_of_weights(&model.weights, trains);
            let module = model.module.as_ref().and_then(|module| weights::look_at_module(&module.path).err());
            let module = module.map(|fault| (with_cause(&fault), fault.help()));
            for (key, fault) in [("weights", weights), ("name", module)] {
                let Some((message, help)) = fault else { continue };
                let fault = self.fault_of_file(point, key, &message, help);
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Failure::spec(&self.loaded.errors(faults), self.colour)) }
    }

    /// What is wrong with weights, and what to do.
    fn fault_of_weights(&self, weights: &Weights, trains: bool) -> Option<(String, Option<String>)> {
        let path = match self.sources.weights_file(weights) {
            Ok(path) => path?,
            Err(error) => return trains.then(|| (error.to_string(), Some(FETCH_HELP.to_owned()))),
        };
        let fault = weights::look(&path).err()?;
        let message = with_cause(&fault);
        Some(match weights {
            Weights::Hub(model) => {
                let help = format!("remove `{}`, and `ablatrix run` fetches it again", path.display());
                (format!("`{model}`: {message}"), Some(help))
            }
            Weights::None | Weights::Path(_) => (message, fault.help()),
        })
    }

    /// Where `[model]` or `[matrix]` names the file.
    pub fn fault_of_file(&self, point: &Point, key: &str, message: &str, help: Option<String>) -> Fault {
        let dotted = format!("model.{key}");
        let swept = self.loaded.experiment.matrix.get(&dotted);
        let idx =
            swept.zip(point.values.get(&dotted)).and_then(|(all, one)| all.iter().position(|v| v == one));
        match idx.map(|idx| idx.to_string()) {
            Some(idx) => self.loaded.fault_at(&["matrix", &dotted, &idx], message, help),
            None => self.loaded.fault_at(&["model", key], message, help),
        }
    }

    /// What the spec holds that nothing reads, or that does nothing.
    pub fn notices(&self) -> Vec<String> {
        let mut notices = self.loaded.notices();
        let sides: BTreeSet<u32> =
            self.loaded.points.iter().map(|point| point.experiment.images.size).collect();
        for notice in
            sides.into_iter().flat_map(|side| augment::notices(&self.loaded.experiment.augment, side))
        {
            if !notices.contains(&notice) {
                notices.push(notice);
            }
        }
        notices.extend(self.settled.notice.clone());
        notices
    }

    /// Where runs are computed, and why where the spec leaves it to the machine.
    pub fn told_device(&self) -> String {
        let device = self.settled.device.as_str();
        match &self.settled.why {
            Some(why) => format!("runs are computed on {device} (`workers.device` is `auto`; {why})"),
            None => format!("runs are computed on {device}"),
        }
    }

    /// Says to people what the spec holds that nothing reads, or that does nothing.
    pub fn tell_notices(&self, format: OutputFormat) {
        if format == OutputFormat::Json {
            return;
        }
        for notice in self.notices() {
            super::print::err(&wrapped(&format!("note: {}", plain(&notice))));
        }
    }

    /// Where workers' logs lie.
    pub fn logs(&self) -> PathBuf {
        self.store.layout().logs(&self.plan.experiment.name)
    }

    /// The engine's configuration where only data stages, scores and the report are made.
    pub fn engine_without_workers(&self, until: Option<Stage>) -> EngineConfig {
        EngineConfig {
            store: self.store.clone(),
            workers: None,
            fail_fast: false,
            data_threads: cores(),
            until,
            remote: None,
            no_wait: false,
        }
    }

    /// The engine's configuration; `workers` is the command line's word on slots.
    ///
    /// # Errors
    /// Where the worker's program is not found.
    pub fn engine(&self, workers: Option<u32>, until: Option<Stage>) -> Result<EngineConfig, Failure> {
        if until.is_some_and(|until| until < Stage::Train) {
            return Ok(self.engine_without_workers(until));
        }
        let program = worker::program()?;
        if self.is_on_cluster() {
            let config = self.cluster(&program, workers).map_err(|error| cache_failure(&error))?;
            return Ok(EngineConfig {
                workers: Some(Arc::new(config)),
                ..self.engine_without_workers(until)
            });
        }
        let settings = &self.plan.experiment.workers;
        let gpus =
            with_machine(&self.store, true, |machine| device::gpus(settings.wish, &self.settled, machine));
        let cores = cores();
        let runs = self.plan.runs.len();
        let pool = pool::pool(settings, workers, Ground { program, logs: self.logs(), gpus, cores, runs });
        Ok(EngineConfig { workers: Some(Arc::new(pool)), ..self.engine_without_workers(until) })
    }

    /// A fault of the data that is a fault of the spec, shown where it stands.
    pub fn spec_failure(&self, error: &StageError) -> Option<Failure> {
        let path = error.spec_path()?;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let error = self.loaded.error_at(&path, error.chain(), error.help());
        Some(Failure::spec(&error, self.colour))
    }

    /// A fault of a file that the spec names.
    pub fn source_failure(&self, error: &SourceError) -> Failure {
        match error {
            SourceError::Missing { key, source, .. } => {
                let why =
                    std::error::Error::source(source.as_ref()).map(ToString::to_string).unwrap_or_default();
                let path: Vec<&str> = key.split('.').collect();
                let message = format!("{error}: {why}");
                Failure::spec(&self.loaded.error_at(&path, message, None), self.colour)
            }
            SourceError::NotFetched { model, .. } => {
                let fault = self.fault_of_model(model, &error.to_string(), Some(FETCH_HELP.to_owned()));
                Failure::spec(&self.loaded.errors(vec![fault]), self.colour)
            }
            SourceError::NoFolder { fetchable, .. } => {
                let help = fetchable.then(|| "`ablatrix data fetch SPEC` downloads them".to_owned());
                let error = self.loaded.error_at(&["dataset", "images"], error.to_string(), help);
                Failure::spec(&error, self.colour)
            }
            SourceError::Folders(inner) => {
                let error = self.loaded.error_at(&["dataset", "images"], with_cause(inner), inner.help());
                Failure::spec(&error, self.colour)
            }
            SourceError::Cache(error) => cache_failure(error),
            SourceError::Table(_) => Failure::new(1, error, None),
        }
    }

    /// What ended the engine before its time.
    pub fn engine_failure(&self, error: &EngineError) -> Failure {
        match error {
            EngineError::Source(error) => self.source_failure(error),
            EngineError::Cache(error) => cache_failure(error),
            EngineError::Workers(error @ WorkersError::NoGpu { .. }) => {
                let help = "`ablatrix doctor` says what there is; `workers.device = \"cpu\"` trains on the processor";
                let error =
                    self.loaded.error_at(&["workers", "device"], error.to_string(), Some(help.to_owned()));
                Failure::spec(&error, self.colour).with_code(1)
            }
            EngineError::Workers(WorkersError::NoWorkers { why }) => {
                let help = if why.contains("shared libraries") || why.contains("libtorch") {
                    "libtorch was not found: bring it with `cargo xtask build`, or point LD_LIBRARY_PATH at the `lib` of a torch 2.11"
                } else {
                    "see the log; what was done is kept, and `run` goes on from there"
                };
                Failure::new(1, error, Some(help))
            }
            EngineError::Workers(error @ WorkersError::Start { .. }) => {
                Failure::new(1, error, Some("build it with `cargo xtask build`"))
            }
            EngineError::Workers(error @ WorkersError::Write { .. }) => Failure::new(1, error, None),
            EngineError::Workers(error) => self.cluster_failure(error),
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn sources(store: &Store) -> Sources {
    Sources::new(store).with_hub(hub::folder())
}

/// Reads what this machine says of itself, and asks the worker where `read` wants that.
pub fn with_machine<T>(store: &Store, anew: bool, read: impl FnOnce(&Machine<'_>) -> T) -> T {
    let driver = nvidia::driver(Path::new(nvidia::PROC));
    let ask = || known_devices::ask(store, driver.as_ref(), anew);
    let visible = std::env::var_os(VISIBLE).map(|value| value.to_string_lossy().into_owned());
    read(&Machine { driver: driver.clone(), visible, ask: &ask })
}

/// Whether errors are shown in colour.
pub fn colour() -> bool {
    super::display::colour(&std::io::IsTerminal::is_terminal(&std::io::stderr()))
}

/// Reads the spec, with what the environment and the command line put over it.
///
/// # Errors
/// Rendered, with the exit code.
pub fn load(spec: &Path, over: &OverArgs, colour: bool) -> Result<Loaded, Failure> {
    load_unrendered(spec, over)?.map_err(|error| Failure::spec(&error, colour))
}

/// Likewise, with the faults of the spec as they are.
///
/// # Errors
/// What is wrong with the command line, rendered.
pub fn load_unrendered(spec: &Path, over: &OverArgs) -> Result<Result<Loaded, SpecError>, Failure> {
    let mut variables: Vec<_> = std::env::vars().filter(|(name, _)| name.starts_with("ABLATRIX_")).collect();
    variables.sort();
    let mut items: Vec<_> =
        variables.iter().filter_map(|(name, value)| Override::from_variable(name, value)).collect();
    for set in &over.sets {
        let item = Override::parse(set).ok_or_else(|| {
            let help = "write it as in `--set train.epochs=3`";
            Failure::text(2, &format!("`--set {set}` has no `=`"), Some(help))
        })?;
        items.push(item);
    }
    Ok(spec::load(spec, &Overrides { items, profile: over.profile.clone() }))
}

/// A fault of the cache.
pub fn cache_failure(error: &CacheError) -> Failure {
    let code = if matches!(error, CacheError::Busy { .. }) { BUSY } else { 1 };
    Failure::new(code, error, error.help().as_deref())
}

/// A path as it is shown to people: relative to where they are, if it is below.
pub fn shown(path: &Path) -> String {
    path.strip_prefix("./").unwrap_or(path).display().to_string()
}
