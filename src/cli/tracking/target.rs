//! Which server and experiment a study is sent to, and that one process at a time sends it there.

use super::super::render::Failure;
use crate::cache::{CacheError, Locked, Store};
use crate::fingerprint::Digest;
use crate::spec::settings::Experiment;
use crate::track::{CallError, Credentials, ServerAddress, TrackError, TrackerConfig};

/// A place on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The server.
    pub uri: String,
    /// The experiment there.
    pub experiment: String,
    /// The study does not train without it.
    pub required: bool,
}

impl Target {
    /// What the spec names, if it names a server.
    pub fn of_spec(experiment: &Experiment) -> Option<Self> {
        Self::of_words(experiment, None, |_| None)
    }

    /// What is named by the caller, else by the spec, else by the variables of MLflow's client.
    pub fn of_words(
        experiment: &Experiment,
        uri: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let settings = &experiment.tracking;
        let uri = uri.map(str::to_owned).or_else(|| settings.mlflow.clone());
        let uri = uri.or_else(|| variable("MLFLOW_TRACKING_URI"))?;
        let named = Some(settings.mlflow_experiment.clone()).filter(|name| !name.is_empty());
        let named = named.or_else(|| variable("MLFLOW_EXPERIMENT_NAME"));
        let experiment = named.unwrap_or_else(|| experiment.name.clone());
        Some(Target { uri, experiment, required: settings.required })
    }

    /// How it is spoken to; reads who we are from the environment.
    pub fn config(&self) -> TrackerConfig {
        TrackerConfig {
            uri: self.uri.clone(),
            experiment: self.experiment.clone(),
            required: self.required,
            credentials: Credentials::from_env(),
            ..TrackerConfig::default()
        }
    }

    /// Takes the turn to send `study` there: two processes at once could both create a run.
    ///
    /// # Errors
    /// Where the cache cannot be written.
    pub fn turn(&self, store: &Store, study: &str) -> Result<Locked, CacheError> {
        let server = match ServerAddress::parse(&self.uri) {
            Ok(address) => address.to_string(),
            Err(_) => self.uri.clone(),
        };
        store.try_lock(&Digest::of(format!("mlflow\n{server}\n{}\n{study}", self.experiment).as_bytes()))
    }
}

/// Why a server cannot be used, with what to do about it.
pub fn failure(error: &TrackError) -> Failure {
    Failure::new(1, error, Some(&help(error)))
}

/// What to do about a server that cannot be used.
pub fn help(error: &TrackError) -> String {
    match error {
        TrackError::Address(_) => "name the address of an MLflow server, as in `http://127.0.0.1:5000`".to_owned(),
        TrackError::Credentials { .. } => "set the variable right, or unset it; see docs/how-to/mlflow.md".to_owned(),
        TrackError::ExperimentDeleted { experiment_id, .. } => format!(
            "`mlflow experiments restore --experiment-id {experiment_id}` brings it back; or name another one by \
             `tracking.mlflow_experiment`"
        ),
        TrackError::Refused { source, .. } => match source.as_ref() {
            CallError::Status { status: 401 | 403, .. } => {
                "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN; see docs/how-to/mlflow.md"
                    .to_owned()
            }
            CallError::Tls { .. } => "see docs/how-to/mlflow.md for certificates".to_owned(),
            _ => "is this the address of an MLflow server? without `[tracking] mlflow` nothing is sent".to_owned(),
        },
        TrackError::Unreachable { is_required: true, .. } => {
            "start it, as with `mlflow server`; with `required = false` in `[tracking]` a study goes on without".to_owned()
        }
        TrackError::Unreachable { .. } => "start it, as with `mlflow server`; see docs/how-to/mlflow.md".to_owned(),
        TrackError::Thread(_) => "the machine lets no more threads be started".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{self, Overrides};

    fn experiment(tracking: &str) -> Experiment {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let text = format!(
            "name = \"a\"\n[dataset]\nformat = \"folders\"\nimages = \"x\"\n[labels]\nfrom = \"folder\"\n[augment.grid]\n\
             design = \"none\"\n[tracking]\n{tracking}"
        );
        std::fs::write(&path, text).unwrap();
        spec::load(&path, &Overrides::default()).unwrap().experiment
    }

    #[test]
    fn the_caller_wins_over_the_spec_and_the_spec_over_the_environment() {
        let variables = |name: &str| Some(format!("http://{name}"));
        let of = |tracking: &str, uri: Option<&str>| {
            let target = Target::of_words(&experiment(tracking), uri, variables).unwrap();
            (target.uri, target.experiment)
        };
        let pair = |uri: &str, name: &str| (uri.to_owned(), name.to_owned());
        let named = "mlflow = \"http://spec\"\nmlflow_experiment = \"e\"";
        assert_eq!(of(named, Some("http://word")), pair("http://word", "e"));
        assert_eq!(of(named, None), pair("http://spec", "e"));
        assert_eq!(of("", None), pair("http://MLFLOW_TRACKING_URI", "http://MLFLOW_EXPERIMENT_NAME"));
        assert_eq!(Target::of_spec(&experiment("")), None);
        let spec = Target::of_spec(&experiment("mlflow = \"http://spec\"\nrequired = true")).unwrap();
        assert_eq!((spec.experiment.as_str(), spec.required), ("a", true));
        assert_eq!(Target::of_words(&experiment(""), None, |_| Some(String::new())), None);
    }

    #[test]
    fn one_process_at_a_time_sends_a_study_to_a_place() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let target = |uri: &str| Target { uri: uri.into(), experiment: "e".into(), required: false };
        let first = target("http://h:5000").turn(&store, "s").unwrap();
        assert!(matches!(first, Locked::Mine(_)));
        let same = target("http://ann:pw@h:5000/").turn(&store, "s").unwrap();
        assert!(matches!(same, Locked::Held(by) if by.name.starts_with("process ")));
        assert!(matches!(target("http://h:5001").turn(&store, "s").unwrap(), Locked::Mine(_)));
        assert!(matches!(target("http://h:5000").turn(&store, "other").unwrap(), Locked::Mine(_)));
        drop(first);
        assert!(matches!(target("http://h:5000").turn(&store, "s").unwrap(), Locked::Mine(_)));
    }
}
