//! A model of the Hugging Face hub, by its name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What stands before the name.
const PREFIX: &str = "hf:";
/// The branch that is meant where none is named.
const MAIN: &str = "main";
/// The hub's own limit on `owner/name`.
const LONGEST: usize = 96;

/// A repository of the hub and one of its versions: `hf:owner/name`, `hf:owner/name@revision`.
///
/// All of it is safe as a part of a path and of a URL: letters, digits, `-`, `_` and `.`, in a revision `/` too, and no part
/// that begins or ends with a `.`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HubModel {
    owner: String,
    name: String,
    revision: Option<String>,
}

/// Why a text names no model of the hub.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubNameError {
    /// Something else than `owner/name`.
    #[error("expected `hf:OWNER/REPOSITORY`, or `hf:OWNER/REPOSITORY@REVISION`")]
    Form,
    /// A part that the hub does not allow.
    #[error(
        "`{part}` is no {what} of the hub, which has letters, digits, `-`, `_` and `.`, none of the last three at either end"
    )]
    Part {
        /// As found, cut short.
        part: String,
        /// What it should be, in words.
        what: &'static str,
    },
    /// Longer than the hub allows.
    #[error("the name has {found} characters, the hub allows {LONGEST}")]
    Long {
        /// Its length.
        found: usize,
    },
    /// There is an `@`, and nothing behind it.
    #[error("nothing stands behind the `@`, expected a branch, a tag or a commit")]
    NoRevision,
    /// No name of a branch, tag or commit.
    #[error("`{revision}` is no name of a branch, a tag or a commit")]
    Revision {
        /// As found, cut short.
        revision: String,
    },
}

impl HubModel {
    /// Whether a text is meant to name a model of the hub.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Reads `hf:owner/name` or `hf:owner/name@revision`.
    ///
    /// # Errors
    /// Where that is no name, as the hub itself would say.
    pub fn parse(text: &str) -> Result<Self, HubNameError> {
        let text = text.strip_prefix(PREFIX).ok_or(HubNameError::Form)?;
        let (repository, revision) = match text.split_once('@') {
            Some((repository, revision)) => (repository, Some(revision)),
            None => (text, None),
        };
        let Some((owner, name)) = repository.split_once('/').filter(|(owner, name)| {
            !owner.is_empty() && !owner.ends_with(':') && !name.is_empty() && !name.contains('/')
        }) else {
            return Err(HubNameError::Form);
        };
        for (part, what) in [(owner, "owner"), (name, "repository")] {
            if !is_part(part) || part.contains("--") || part.ends_with(".git") {
                return Err(HubNameError::Part { part: cut(part), what });
            }
        }
        if repository.len() > LONGEST {
            return Err(HubNameError::Long { found: repository.len() });
        }
        match revision {
            Some("") => return Err(HubNameError::NoRevision),
            Some(revision) if revision.len() > 200 || !revision.split('/').all(is_of_revision) => {
                return Err(HubNameError::Revision { revision: cut(revision) });
            }
            _ => {}
        }
        let revision = revision.map(str::to_owned);
        Ok(HubModel { owner: owner.to_owned(), name: name.to_owned(), revision })
    }

    /// `owner/name`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The user or organisation.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The repository's own name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The branch, tag or commit; `main` where none is named.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or(MAIN)
    }

    /// The revision, where the spec names one.
    pub fn given_revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// The commit, where the revision is a whole one: then it stands for the same bytes for ever.
    pub fn commit(&self) -> Option<&str> {
        self.revision.as_deref().filter(|revision| is_commit(revision))
    }
}

/// Whether `text` is the whole name of a commit of git: 40 hexadecimal digits.
pub fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn fits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Whether it can be an owner's or a repository's name.
fn is_part(text: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    fits(text) && is_end(text.bytes().next()) && is_end(text.bytes().last()) && !text.contains("..")
}

/// Whether it can stand between slashes in a revision, by git's rules.
fn is_of_revision(text: &str) -> bool {
    let ends = text.starts_with(['.', '-']) || text.ends_with('.') || text.ends_with(".lock");
    !text.is_empty() && fits(text) && !ends && !text.contains("..")
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

impl fmt::Display for HubModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}/{}", self.owner, self.name)?;
        self.revision.as_ref().map_or(Ok(()), |revision| write!(f, "@{revision}"))
    }
}

impl TryFrom<String> for HubModel {
    type Error = HubNameError;

    fn try_from(text: String) -> Result<Self, HubNameError> {
        HubModel::parse(&text)
    }
}

impl From<HubModel> for String {
    fn from(model: HubModel) -> String {
        model.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        for (text, repository, revision) in [
            ("hf:timm/resnet18.a1_in1k", "timm/resnet18.a1_in1k", "main"),
            ("hf:a/b@v1.0", "a/b", "v1.0"),
            ("hf:My-Org/_x@refs/pr/1", "My-Org/_x", "refs/pr/1"),
        ] {
            let model = HubModel::parse(text).unwrap();
            assert_eq!((model.repository().as_str(), model.revision()), (repository, revision));
            assert_eq!(model.to_string(), text);
            let json = serde_json::to_string(&model).unwrap();
            assert_eq!(serde_json::from_str::<HubModel>(&json).unwrap(), model);
        }
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(HubModel::parse(&format!("hf:a/b@{commit}")).unwrap().commit(), Some(commit));
        for other in ["main", &commit[1..], &commit.to_uppercase()] {
            assert_eq!(HubModel::parse(&format!("hf:a/b@{other}")).unwrap().commit(), None);
        }
    }

    #[test]
    fn what_is_no_name_says_why() {
        for (text, why) in [
            ("hf:", "expected `hf:OWNER/REPOSITORY`"),
            ("hf:resnet18", "expected `hf:OWNER/REPOSITORY`"),
            ("hf:/x", "expected `hf:OWNER/REPOSITORY`"),
            ("hf:a/b/c", "expected `hf:OWNER/REPOSITORY`"),
            ("hf:https://host/a/b", "expected `hf:OWNER/REPOSITORY`"),
            ("hf:a/b c", "`b c` is no repository"),
            ("hf:../b", "`..` is no owner"),
            ("hf:a/..", "`..` is no repository"),
            ("hf:a/b..c", "`b..c` is no repository"),
            ("hf:-a/b", "`-a` is no owner"),
            ("hf:a/b--c", "`b--c` is no repository"),
            ("hf:a/b.git", "`b.git` is no repository"),
            ("hf:a/b@", "nothing stands behind the `@`"),
            ("hf:a/b@../../x", "`../../x` is no name of a branch"),
            ("hf:a/b@/x", "`/x` is no name of a branch"),
            ("hf:a/b@x y", "`x y` is no name of a branch"),
            ("hf:a/b@-x", "`-x` is no name of a branch"),
            ("hf:a/b@x.lock", "`x.lock` is no name of a branch"),
        ] {
            let said = HubModel::parse(text).unwrap_err().to_string();
            assert!(said.starts_with(why), "{text}: {said}");
        }
        let long = format!("hf:a/{}", "b".repeat(100));
        assert_eq!(HubModel::parse(&long), Err(HubNameError::Long { found: 102 }));
    }
}
