//! What a file of weights is, told by its first and last bytes.
//!
//! Takes a file as the user named it; says whether it can be the safetensors file that a training starts from, or the
//! TorchScript module that a network is, before anything runs. A file is judged by its content, never by its name. Knows no tensors and no networks: whether they
//! fit is found where they are loaded.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes at the end of a zip that are looked through for its directory.
const DIRECTORY_BYTES: u64 = 1 << 20;

/// Why a file cannot be the weights of a model.
#[derive(Debug, thiserror::Error)]
pub enum WeightsFault {
    /// It cannot be read.
    #[error("cannot read the weights `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It can run code when it is read.
    #[error("the weights `{path}` are {}, expected a safetensors file", code.found)]
    RunsCode {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        code: Code,
    },
    /// It is not the module that it should be.
    #[error("the model `{path}` is {found}, expected a TorchScript archive")]
    NotTorchscript {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: &'static str,
    },
    /// It is something else, or cut.
    #[error("the weights `{path}` are not a whole safetensors file: {why}")]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// In words.
        why: String,
    },
}

impl WeightsFault {
    /// What to do, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            WeightsFault::RunsCode { path, code } => {
                Some(format!("to convert it where you trust it: {}", code.conversion(path)))
            }
            WeightsFault::NotTorchscript { .. } => Some(
                "a module is exported by `torch.jit.script(module).save(\"model.pt\")`; weights alone belong into \
                 `model.weights`, as safetensors"
                    .to_owned(),
            ),
            WeightsFault::Io { .. } | WeightsFault::NotSafetensors { .. } => None,
        }
    }
}

/// What a TorchScript archive is called.
const SCRIPT: &str = "a TorchScript archive";

/// The Python that reads a pickle.
const PICKLE: &str = "torch.load(p, map_location='cpu', weights_only=True)";

/// Content that can run code when it is read: a pickle, under whatever name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// What it is, in words.
    pub found: &'static str,
    /// The Python that reads it.
    read: &'static str,
}

impl Code {
    /// The weights of a network as PyTorch stores them.
    pub const CHECKPOINT: Code = Code { found: "a PyTorch checkpoint (a zipped pickle)", read: PICKLE };

    /// Tells it by a file's first and last bytes; `None` for what cannot run code.
    ///
    /// The ninth byte of a safetensors file opens its JSON header, so the look-alikes are told apart even where a
    /// header's length happens to begin like a pickle.
    pub fn of(first: &[u8], last: &[u8]) -> Option<Self> {
        const READ_SCRIPT: &str = "torch.jit.load(p, map_location='cpu').state_dict()";
        if first.get(8) == Some(&b'{') {
            return None;
        }
        match first {
            [0x80, 2..=5, ..] => Some(Code { found: "a Python pickle", read: PICKLE }),
            // Only TorchScript lists this in the directory at the end of its zip.
            [b'P', b'K', 3, 4, ..] if last.windows(13).any(|window| window == b"constants.pkl") => {
                Some(Code { found: SCRIPT, read: READ_SCRIPT })
            }
            [b'P', b'K', 3, 4, ..] => Some(Code::CHECKPOINT),
            _ => None,
        }
    }

    /// Likewise, of a file that is in memory as a whole.
    pub fn of_whole(bytes: &[u8]) -> Option<Self> {
        Code::of(bytes, &bytes[bytes.len().saturating_sub(DIRECTORY_BYTES as usize)..])
    }

    /// The command that makes safetensors of the file at `path`.
    pub fn conversion(&self, path: &Path) -> String {
        let name = path.to_string_lossy();
        let quoted = shlex::try_quote(&name).unwrap_or_else(|_| name.clone());
        format!(
            "`python -c \"import sys, torch; from safetensors.torch import save_file; p = sys.argv[1]; \
             save_file({{k: v.clone().contiguous() for k, v in {}.items()}}, p + '.safetensors')\" {quoted}`",
            self.read
        )
    }
}

/// Looks at a file: whether it is there, begins as safetensors do, and is as long as its header says.
///
/// # Errors
/// Where it cannot be the weights of a model.
pub fn look(path: &Path) -> Result<(), WeightsFault> {
    let wrong = |why: String| WeightsFault::NotSafetensors { path: path.to_owned(), why };
    let ends = Ends::of(path).map_err(|source| WeightsFault::Io { path: path.to_owned(), source })?;
    let Some(Ends { bytes, first, last }) = ends else {
        return Err(wrong("it is no file".to_owned()));
    };
    if let Some(code) = Code::of(&first, &last) {
        return Err(WeightsFault::RunsCode { path: path.to_owned(), code });
    }
    // Eight bytes of length, little-endian, then a JSON object of that length, then the tensors.
    let (Some(length), Some(opening)) = (first.first_chunk::<8>(), first.get(8)) else {
        return Err(wrong(format!("it has {bytes} bytes only")));
    };
    let header = u64::from_le_bytes(*length);
    if *opening != b'{' {
        return Err(wrong("it does not begin with a header in JSON".to_owned()));
    }
    if header > bytes - 8 {
        return Err(wrong(format!("its header alone would have {header} bytes, the file has {bytes}")));
    }
    let io = |source| WeightsFault::Io { path: path.to_owned(), source };
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(8 + header).read_to_end(&mut text)).map_err(io)?;
    let tensors = tensor_bytes(text.get(8..).unwrap_or_default()).map_err(wrong)?;
    let expected = (8 + header).saturating_add(tensors);
    if expected != bytes {
        return Err(wrong(format!("it has {bytes} bytes, and its header speaks of {expected}")));
    }
    Ok(())
}

/// Bytes of all tensors that a header of safetensors lists, which lie one after another without overlaps or gaps. What
/// shapes and types mean for a network is found where it is loaded.
fn tensor_bytes(header: &[u8]) -> Result<u64, String> {
    #[derive(serde::Deserialize)]
    struct Listed {
        shape: Option<Vec<u64>>,
        data_offsets: Option<[u64; 2]>,
    }
    let listed: BTreeMap<String, Listed> =
        serde_json::from_slice(header).map_err(|error| format!("its header cannot be read: {error}"))?;
    let mut places = Vec::with_capacity(listed.len());
    for (name, listed) in &listed {
        let shape = listed.shape.as_deref().unwrap_or_default();
        if shape.iter().try_fold(1_u64, |product, side| product.checked_mul(*side)).is_none() {
            return Err(format!("the shape of `{name}` is larger than any file"));
        }
        places.extend(listed.data_offsets.map(|[begin, end]| (begin, end, name)));
    }
    places.sort_unstable();
    let mut reached = (0, "the header");
    for (begin, end, name) in places {
        if begin > end {
            return Err(format!("`{name}` ends before it begins"));
        }
        match begin.cmp(&reached.0) {
            Ordering::Less => return Err(format!("`{}` and `{name}` overlap", reached.1)),
            Ordering::Greater => return Err(format!("there is a gap before `{name}`")),
            Ordering::Equal => reached = (end, name),
        }
    }
    Ok(reached.0)
}

/// Looks at a file: whether it is there, and a TorchScript archive.
///
/// # Errors
/// Where it cannot be the module of a model.
pub fn look_at_module(path: &Path) -> Result<(), WeightsFault> {
    let ends = Ends::of(path).map_err(|source| WeightsFault::Io { path: path.to_owned(), source })?;
    let found = match ends {
        None => "no file",
        Some(Ends { first, last, .. }) => match Code::of(&first, &last) {
            Some(Code { found: SCRIPT, .. }) => return Ok(()),
            Some(code) => code.found,
            None if first.get(8) == Some(&b'{') => "a safetensors file",
            None => "something else",
        },
    };
    Err(WeightsFault::NotTorchscript { path: path.to_owned(), found })
}

/// What a file begins and ends with.
struct Ends {
    bytes: u64,
    /// Nine bytes, or all where there are less.
    first: Vec<u8>,
    /// Of a zip, where its directory lies; else empty.
    last: Vec<u8>,
}

impl Ends {
    /// `None` for a folder and the like.
    fn of(path: &Path) -> io::Result<Option<Ends>> {
        let mut file = File::open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Ok(None);
        }
        let bytes = meta.len();
        let mut first = Vec::new();
        file.by_ref().take(9).read_to_end(&mut first)?;
        let mut last = Vec::new();
        if first.starts_with(b"PK") {
            file.seek(SeekFrom::Start(bytes.saturating_sub(DIRECTORY_BYTES)))?;
            file.take(DIRECTORY_BYTES).read_to_end(&mut last)?;
        }
        Ok(Some(Ends { bytes, first, last }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b.pth");
        std::fs::write(&path, bytes).unwrap();
        look(&path).map_err(|fault| {
            let text = format!("{fault} ? {}", fault.help().unwrap_or_default());
            text.replace(&folder.path().display().to_string(), "")
        })
    }

    #[test]
    fn a_header_makes_a_file_safetensors() {
        assert_eq!(of(b"\x02\0\0\0\0\0\0\0{}"), Ok(()));
        // A length that begins as a pickle does.
        let mut long = b"\x80\x02\0\0\0\0\0\0{".to_vec();
        long.resize(8 + 0x27f, b' ');
        long.push(b'}');
        assert_eq!(of(&long), Ok(()));
    }

    #[test]
    fn what_is_no_safetensors_says_why() {
        for (bytes, why) in [
            (&b""[..], "it has 0 bytes only"),
            (b"\x02\0\0\0\0\0\0\0", "it has 8 bytes only"),
            (b"<!DOCTYPE html>", "it does not begin with a header in JSON"),
            (b"\x02\0\0\0\0\0\0\0{]", "its header cannot be read: "),
            (b"\x02\0\0\0\0\0\0\0{}....", "it has 14 bytes, and its header speaks of 10"),
            (
                b"\x1c\0\0\0\0\0\0\0{\"a\":{\"data_offsets\":[0,4]}}12",
                "it has 38 bytes, and its header speaks of 40",
            ),
            (
                b"\x37\0\0\0\0\0\0\0{\"a\":{\"data_offsets\":[0,4]},\"b\":{\"data_offsets\":[2,6]}}123456",
                "`a` and `b` overlap",
            ),
            (b"\x1c\0\0\0\0\0\0\0{\"a\":{\"data_offsets\":[1,4]}}1234", "there is a gap before `a`"),
            (b"\x1c\0\0\0\0\0\0\0{\"a\":{\"data_offsets\":[4,0]}}", "`a` ends before it begins"),
            (
                b"\x34\0\0\0\0\0\0\0{\"a\":{\"shape\":[4294967296,4294967296],\"dtype\":\"U8\"}}",
                "the shape of `a` is larger than any file",
            ),
            (b"\x03\0\0\0\0\0\0\0{}", "its header alone would have 3 bytes, the file has 10"),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff{}", "would have 18446744073709551615 bytes"),
        ] {
            let text = of(bytes).unwrap_err();
            assert!(text.starts_with("the weights `/a b.pth` are not a whole safetensors file: "), "{text}");
            assert!(text.contains(why), "{why}: {text}");
        }
        assert!(matches!(look(Path::new("/no/such")), Err(WeightsFault::Io { .. })));
        assert!(look(Path::new("/")).unwrap_err().to_string().ends_with("it is no file"));
    }

    #[test]
    fn only_an_archive_of_torchscript_is_a_module() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.pt");
        let of = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            look_at_module(&path).map_err(|fault| fault.to_string().replace(&path.display().to_string(), "M"))
        };
        let mut archive = b"PK\x03\x04".to_vec();
        archive.resize(4000, 0);
        let mut script = archive.clone();
        script.extend(b"w/constants.pkl");
        assert_eq!(of(&script), Ok(()));
        for (bytes, found) in [
            (&archive[..], "a PyTorch checkpoint (a zipped pickle)"),
            (b"\x80\x02}q\x00(X\x06\x00\x00\x00", "a Python pickle"),
            (b"\x02\0\0\0\0\0\0\0{}", "a safetensors file"),
            (b"", "something else"),
        ] {
            assert_eq!(
                of(bytes).unwrap_err(),
                format!("the model `M` is {found}, expected a TorchScript archive")
            );
        }
        assert!(look_at_module(folder.path()).unwrap_err().to_string().contains("is no file"));
        assert!(matches!(look_at_module(&folder.path().join("none")), Err(WeightsFault::Io { .. })));
    }

    #[test]
    fn a_checkpoint_gets_the_command_that_converts_the_users_file() {
        let mut archive = b"PK\x03\x04".to_vec();
        archive.resize(4000, 0);
        let mut script = archive.clone();
        script.extend(b"w/constants.pkl");
        for (bytes, found, read) in [
            (&b"\x80\x02}q\x00(X\x06\x00\x00\x00"[..], "a Python pickle", "torch.load(p, "),
            (&archive, "a PyTorch checkpoint (a zipped pickle)", "torch.load(p, "),
            (&script, "a TorchScript archive", "torch.jit.load(p, "),
        ] {
            let text = of(bytes).unwrap_err();
            assert!(text.starts_with(&format!("the weights `/a b.pth` are {found}, expected")), "{text}");
            assert!(text.contains(read) && text.ends_with("+ '.safetensors')\" '/a b.pth'`"), "{text}");
        }
    }
}
