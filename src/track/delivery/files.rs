//! Files of a study: each is sent once, and again only where it has become another.
//!
//! The server does not tell what a file holds. A tag does, set after the file: the digest of its bytes.

use super::super::api::{Batch, Upload};
use super::super::event::{Content, StudyFile};
use super::super::http::{CallError, Severity};
use super::super::names;
use super::Delivery;
use crate::fingerprint::Digest;

/// What the tag of a file begins with; its name follows.
const FILE: &str = "study.file/";

impl Delivery {
    /// Uploads a file, unless the server has it as it is.
    pub(super) fn upload(&mut self, study_id: &str, file: &StudyFile) -> Result<(), CallError> {
        let from_disk;
        let name = file.name.as_str();
        let bytes: &[u8] = match &file.content {
            Content::Bytes(bytes) => bytes,
            Content::File(path) => match std::fs::read(path) {
                Ok(bytes) => {
                    from_disk = bytes;
                    &from_disk
                }
                Err(error) => {
                    self.warn(name, format!("cannot read `{}` for `{name}`: {error}", path.display()));
                    return Ok(());
                }
            },
        };
        let Some(run) = self.runs.get_mut(study_id) else { return Ok(()) };
        let tag = (names::key(&format!("{FILE}{name}")), Digest::of(bytes).short().to_owned());
        if run.tags.get(&tag.0) == Some(&tag.1) {
            return Ok(());
        }
        let upload = Upload { run_id: &run.run_id, artifact_uri: &run.artifact_uri, name, bytes };
        match self.api.put_artifact(&upload) {
            Err(error) if error.severity() == Severity::Item => {
                self.sent.entry(study_id.to_owned()).or_default().refused.push(format!("file `{name}`"));
                self.warn(name, format!("`{name}` was not uploaded: {}", error.with_causes()));
                return Ok(());
            }
            other => other?,
        }
        // After the file: what says that it is there must not be there without it.
        self.api.log_batch(&run.run_id, Batch { tags: vec![tag.clone()], ..Batch::default() })?;
        run.tags.extend([tag]);
        self.sent.entry(study_id.to_owned()).or_default().files.push(name.to_owned());
        Ok(())
    }
}
