//! Models of the Hugging Face hub that a spec names: fetched for `run` and `check`, and for no other verb.

use indicatif::{HumanBytes, ProgressBar};

use super::display::{bytes_bar, is_rich};
use super::print;
use super::render::{Failure, plain};
use super::study::Study;
use crate::engine::Interrupt;
use crate::hub::{self, ConventionError, Environment, Event, Fetched, HubFault, HubFolder};
use crate::spec::settings::HubModel;

/// Where models are kept; `None` where nothing says so.
pub fn folder() -> Option<HubFolder> {
    with_environment(|environment| environment.folder()).ok()
}

fn with_environment<T>(read: impl FnOnce(Environment<'_>) -> T) -> T {
    let home = std::env::home_dir();
    read(Environment { variable: &|name| std::env::var_os(name), home: home.as_deref() })
}

/// Fetches the models that the spec names and that are not there. `show` says whether people are told; signals are listened
/// for where the caller does not.
///
/// # Errors
/// All models that the hub does not give, each where the spec names it; or what keeps all of them away.
pub fn ensure(study: &Study, show: bool, interrupt: Option<&Interrupt>) -> Result<(), Failure> {
    let missing = study.models_to_fetch();
    if missing.is_empty() {
        return Ok(());
    }
    let listening;
    let interrupt = match interrupt {
        Some(interrupt) => interrupt,
        None => {
            listening = Interrupt::listen()
                .map_err(|error| Failure::new(1, &error, Some("signals cannot be caught on this system")))?;
            &listening
        }
    };
    let access = with_environment(|environment| environment.access(ureq::Proxy::try_from_env()));
    let access = access.map_err(|error| convention_failure(&error))?;
    let mut faults = Vec::new();
    let mut is_of_spec = true;
    for model in missing {
        let mut progress = Progress::new(&model, show);
        let fetched = hub::fetch(&access, &model, &|| interrupt.is_set(), &mut |event| progress.show(event));
        progress.finish(fetched.as_ref().ok());
        match fetched {
            Ok(_) => {}
            Err(error) if matches!(*error.fault, HubFault::Interrupted) => {
                let help = "what has come of it is kept, and the same command goes on";
                return Err(Failure::new(interrupt.exit_code(), &error, Some(help)));
            }
            Err(error) => {
                is_of_spec &= error.fault.is_of_spec();
                faults.push(study.fault_of_model(&model, &error.to_string(), error.help.clone()));
                if !error.fault.is_of_model() {
                    break;
                }
            }
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    let failure = Failure::spec(&study.loaded.errors(faults), study.colour);
    Err(if is_of_spec { failure } else { failure.with_code(1) })
}

fn convention_failure(error: &ConventionError) -> Failure {
    let help = match error {
        ConventionError::NoFolder => "name one by HF_HUB_CACHE",
        ConventionError::Endpoint => "unset it, or write it as in `https://huggingface.co`",
        ConventionError::Token { .. } => "write the token alone, as the hub shows it",
        ConventionError::TokenFile { .. } => "set HF_TOKEN, or HF_TOKEN_PATH to a file that can be read",
    };
    Failure::new(1, error, Some(help))
}

/// News of one model: a bar on a terminal, else lines. All of it goes to stderr.
struct Progress<'a> {
    model: &'a HubModel,
    show: bool,
    bar: Option<ProgressBar>,
    /// Tenths of it that were told; `None` before the first.
    tenth: Option<u64>,
}

impl<'a> Progress<'a> {
    fn new(model: &'a HubModel, show: bool) -> Self {
        let bar = (show && is_rich()).then(bytes_bar);
        Progress { model, show, bar, tenth: None }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Waiting => self.line("another process fetches it; waiting for that"),
            Event::Retrying { why } => self.line(&format!("{why}; trying again")),
            Event::Progress { done, total } => {
                let tenth = done * 10 / total.max(&1);
                match (&self.bar, self.tenth) {
                    (_, None) if *done > 0 => self.line(&format!(
                        "fetching {}, of which {} are there",
                        HumanBytes(*total),
                        HumanBytes(*done)
                    )),
                    (_, None) => self.line(&format!("fetching {}", HumanBytes(*total))),
                    (None, Some(told)) if tenth > told && done < total => {
                        self.line(&format!("{} of {}", HumanBytes(*done), HumanBytes(*total)));
                    }
                    _ => {}
                }
                self.tenth = Some(self.tenth.unwrap_or(0).max(tenth));
                if let Some(bar) = &self.bar {
                    bar.set_length(*total);
                    bar.set_position(*done);
                }
            }
        }
    }

    fn finish(&self, fetched: Option<&Fetched>) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if let Some(Fetched { commit, received, .. }) = fetched {
            let how = match received {
                0 => "its content was there".to_owned(),
                bytes => format!("{} fetched", HumanBytes(*bytes)),
            };
            self.line(&format!("{how}; `{}` is commit {commit}", self.model.revision()));
        }
    }

    fn line(&self, text: &str) {
        let text = plain(&format!("{}: {text}", self.model));
        match &self.bar {
            _ if !self.show => {}
            Some(bar) => bar.println(text),
            None => print::err(&text),
        }
    }
}
