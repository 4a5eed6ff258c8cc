//! Why a model cannot be fetched, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use super::FILE;
use super::conventions::Access;
use crate::spec::settings::HubModel;
use crate::weights::Code;

/// A model that cannot be fetched.
#[derive(Debug, thiserror::Error)]
#[error("cannot fetch the weights `{model}`: {fault}")]
pub struct HubError {
    /// The model.
    pub model: HubModel,
    /// Why.
    pub fault: Box<HubFault>,
    /// What to do.
    pub help: Option<String>,
}

/// Why a model cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub enum HubFault {
    /// The network is not to be used, or is not there.
    #[error("it is not in `{folder}`, and {why}")]
    Offline {
        /// Where models are kept.
        folder: PathBuf,
        /// In words.
        why: String,
    },
    /// There is none of that name, or none that this user may see.
    #[error("the hub has no repository `{repository}`, or none that you may see (answer {status})")]
    NoRepository {
        /// `owner/name`.
        repository: String,
        /// The status of the answer.
        status: u16,
    },
    /// The repository has no such branch, tag or commit.
    #[error("its repository has no branch, tag or commit `{revision}`")]
    NoRevision {
        /// As the spec has it.
        revision: String,
    },
    /// The repository has no weights that can be read.
    #[error("its repository has no `{FILE}` at `{revision}`{}", if *has_pickle { PICKLE_ONLY } else { "" })]
    NoFile {
        /// As the spec has it, or `main`.
        revision: String,
        /// Whether it has the same in a format that can run code.
        has_pickle: bool,
    },
    /// Its owner asks for something first.
    #[error("its owner lets only those have it who have accepted the terms (answer {status})")]
    Gated {
        /// The status of the answer.
        status: u16,
    },
    /// The token is none.
    #[error("the hub does not know the access token in {from} (answer 401)")]
    Token {
        /// The variable or file that the token was read from.
        from: String,
    },
    /// Another refusal.
    #[error("the hub refuses it (answer {status}{})", behind_colon(said.as_deref()))]
    Refused {
        /// The status of the answer.
        status: u16,
        /// What the hub says.
        said: Option<String>,
    },
    /// Whoever answers is no hub.
    #[error("`{endpoint}` does not answer as the hub does: {lacks}")]
    NoHub {
        /// The address.
        endpoint: String,
        /// In words.
        lacks: String,
    },
    /// A transfer that did not come to its end.
    #[error("{why} (after {tries} tries)")]
    Broken {
        /// What the last try ended with.
        why: String,
        /// How often it was tried without a byte more.
        tries: u32,
    },
    /// No connection that can be trusted.
    #[error("{0}")]
    Insecure(String),
    /// What came is not what the hub has.
    #[error("what came has the SHA-256 `{found}`, expected `{expected}`")]
    Damaged {
        /// Of what came.
        found: String,
        /// As the hub says.
        expected: String,
    },
    /// The disk has too little room.
    #[error("it has {needs} bytes, of which {lacks} are still to come, and `{folder}` has room for {free}")]
    NoRoom {
        /// Its size.
        needs: u64,
        /// What is still to come.
        lacks: u64,
        /// What the disk has.
        free: u64,
        /// Where models are kept.
        folder: PathBuf,
    },
    /// A file operation failed.
    #[error("cannot {doing} `{path}`: {source}")]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Stopped by the user.
    #[error("interrupted")]
    Interrupted,
}

fn behind_colon(said: Option<&str>) -> String {
    said.map(|said| format!(": {said}")).unwrap_or_default()
}

/// The name of the pickle that older repositories have.
pub(super) const PICKLE: &str = "pytorch_model.bin";
const PICKLE_ONLY: &str = ", but `pytorch_model.bin`: a Python pickle, which can run code when it is read";

impl HubFault {
    /// About `model`, with what to do.
    pub(super) fn of(self, model: &HubModel, access: &Access) -> HubError {
        let help = self.help(model, access);
        HubError { model: model.clone(), fault: Box::new(self), help }
    }

    /// Whether the spec, and not the network or the disk, is at fault.
    pub fn is_of_spec(&self) -> bool {
        matches!(self, HubFault::NoRepository { .. } | HubFault::NoRevision { .. } | HubFault::NoFile { .. })
    }

    /// Whether the next model could fare better.
    pub fn is_of_model(&self) -> bool {
        self.is_of_spec() || matches!(self, HubFault::Gated { .. } | HubFault::Refused { .. })
    }

    fn help(&self, model: &HubModel, access: &Access) -> Option<String> {
        let endpoint = access.endpoint.as_str().trim_end_matches('/');
        let page = format!("{endpoint}/{}", model.repository());
        let login = format!(
            "set HF_TOKEN to an access token of yours ({endpoint}/settings/tokens), or write one down by \
             `hf auth login`"
        );
        match self {
            HubFault::Offline { folder, .. } => {
                let unset = if access.offline { "unset HF_HUB_OFFLINE; or " } else { "" };
                Some(format!("{unset}{}", by_hand(model, folder)))
            }
            HubFault::NoRepository { .. } if access.token.is_some() => {
                Some(format!("check the name at {page}, and whether your access token may read it"))
            }
            HubFault::NoRepository { .. } => {
                Some(format!("check the name at {page}; for a private repository {login}"))
            }
            HubFault::NoRevision { .. } => Some(format!("{page}/tree/main shows what there is")),
            HubFault::NoFile { has_pickle: true, .. } => {
                let conversion = Code::CHECKPOINT.conversion(Path::new(PICKLE));
                let revision = revision_option(model);
                Some(format!(
                    "fetch it by `hf download {}{revision} {PICKLE} --local-dir .`; to convert it where you trust \
                     it: \
                     {conversion}; then write the path of what that makes",
                    model.repository()
                ))
            }
            HubFault::NoFile { .. } => Some(format!(
                "{page}/tree/{} shows what there is; a file of another name is given by its path",
                model.revision()
            )),
            HubFault::Gated { .. } => Some(format!("accept them at {page}; then {login}")),
            HubFault::Token { .. } => Some(login),
            HubFault::Refused { .. } => Some(format!("see {page}; perhaps {login}")),
            HubFault::NoHub { .. } => {
                Some("check HF_ENDPOINT, and what stands between here and there".to_owned())
            }
            HubFault::Broken { .. } => {
                Some("what has come is kept, and the same command goes on from there".to_owned())
            }
            HubFault::Damaged { .. } => Some(
                "it was thrown away; where it happens again, a proxy or a mirror in between gives other bytes"
                    .to_owned(),
            ),
            HubFault::NoRoom { .. } => {
                Some("make room there, or name another folder by HF_HUB_CACHE".to_owned())
            }
            HubFault::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Some(
                    "make room there, or name another folder by HF_HUB_CACHE; the same command goes on".to_owned(),
                ),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Some("name a folder that can be written by HF_HUB_CACHE".to_owned())
                }
                _ => None,
            },
            HubFault::Insecure(_) | HubFault::Interrupted => None,
        }
    }
}

/// How a model comes to a machine without a network.
fn by_hand(model: &HubModel, folder: &Path) -> String {
    let name = format!("models--{}--{}", model.owner(), model.name());
    format!(
        "on a machine with a network run `hf download {}{} {FILE}` (`huggingface-cli` in old versions), and \
         copy `{name}` from \
         `~/.cache/huggingface/hub` there to `{}` here",
        model.repository(),
        revision_option(model),
        folder.join(&name).display()
    )
}

fn revision_option(model: &HubModel) -> String {
    model.given_revision().map(|revision| format!(" --revision {revision}")).unwrap_or_default()
}
