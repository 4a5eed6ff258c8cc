//! `[workers.slurm]`: what each job asks a cluster for, and how patiently the cluster is asked. Nothing of it enters a key.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `[workers.slurm]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slurm {
    /// The partition, or several with commas between them; empty: the cluster's default.
    pub partition: String,
    /// Who is charged; empty: the user's default.
    pub account: String,
    /// The quality of service; empty: the user's default.
    pub qos: String,
    /// GPUs of a job.
    pub gpus: JobGpus,
    /// Processors of a job.
    pub cpus: u32,
    /// Memory of a job, as in `16G`; empty: the cluster's default.
    pub memory: String,
    /// The longest time of a job, as in `02:00:00`; empty: the partition's default.
    pub time: String,
    /// Lines of shell before the worker starts, as `module load cuda`.
    pub setup: Vec<String>,
    /// A command that the worker runs in, as `apptainer exec --nv image.sif`; empty: none.
    pub container: String,
    /// More options for `sbatch`, each with its value.
    pub options: Vec<String>,
    /// Jobs of a study in the queue at once.
    pub max_queued: u32,
    /// Seconds between two looks at the queue; up to four times as many while nothing happens.
    pub poll_seconds: f64,
    /// Seconds within which what one node has written is seen by the others.
    pub fs_lag_seconds: f64,
}

impl Slurm {
    /// [`options`](Slurm::options) word by word. They were checked to be whole when the spec was read.
    pub fn option_words(&self) -> Vec<String> {
        self.options.iter().flat_map(|option| shlex::split(option).unwrap_or_default()).collect()
    }
}

/// GPUs of a job: `1`, or with their type as in `a100:1`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobGpus {
    /// Their type, as the cluster calls it; empty: any.
    pub kind: String,
    /// How many.
    pub n: u32,
}

/// Most GPUs of a job.
const MAX_GPUS: u32 = 16;

impl JobGpus {
    /// Reads `N` or `TYPE:N`; `None` where it is neither, or more than 16.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, digits) = text.rsplit_once(':').map_or(("", text), |(kind, digits)| (kind, digits));
        let is_name = kind.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_whole = is_name && is_number && kind.is_empty() != text.contains(':');
        let n = digits.parse().ok().filter(|n| is_whole && *n <= MAX_GPUS)?;
        Some(JobGpus { kind: kind.to_owned(), n })
    }
}

impl fmt::Display for JobGpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.as_str() {
            "" => write!(f, "{}", self.n),
            kind => write!(f, "{kind}:{}", self.n),
        }
    }
}

impl TryFrom<String> for JobGpus {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        JobGpus::parse(&text).ok_or_else(|| format!("`{text}` is no number of GPUs"))
    }
}

impl From<JobGpus> for String {
    fn from(gpus: JobGpus) -> String {
        gpus.to_string()
    }
}

/// Seconds of a time as Slurm writes it: `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`, `days-hours:minutes`,
/// `days-hours:minutes:seconds`; `None` where it is none of these, or nothing.
pub fn time_limit_s(text: &str) -> Option<u64> {
    let number = |text: &str| {
        let is_number = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().ok()).flatten()
    };
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(number(days)?), rest),
        None => (None, text),
    };
    let parts = rest.split(':').map(number).collect::<Option<Vec<_>>>()?;
    let seconds = match (days, &parts[..]) {
        (None, [minutes]) => minutes * 60,
        (None, [minutes, seconds]) => minutes * 60 + seconds,
        (None, [hours, minutes, seconds]) => hours * 3_600 + minutes * 60 + seconds,
        (Some(days), [hours]) => days * 86_400 + hours * 3_600,
        (Some(days), [hours, minutes]) => days * 86_400 + hours * 3_600 + minutes * 60,
        (Some(days), [hours, minutes, seconds]) => days * 86_400 + hours * 3_600 + minutes * 60 + seconds,
        _ => return None,
    };
    (seconds > 0).then_some(seconds)
}

/// Whether a text is an amount of memory as Slurm takes it: `16G`, or in MiB without a unit.
pub fn is_memory(text: &str) -> bool {
    let digits = text.strip_suffix(['K', 'M', 'G', 'T']).unwrap_or(text);
    (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_slurm_reads_them() {
        let cases = [
            ("90", Some(5_400)),
            ("1:30", Some(90)),
            ("02:00:00", Some(7_200)),
            ("1-12", Some(129_600)),
            ("1-0:30", Some(88_200)),
            ("0-00:00:01", Some(1)),
            ("2h", None),
            ("", None),
            ("0", None),
            ("1:2:3:4", None),
            ("-5", None),
            ("1-", None),
            ("1:", None),
            ("+5", None),
            ("1234567", None),
        ];
        for (text, expected) in cases {
            assert_eq!(time_limit_s(text), expected, "{text}");
        }
    }

    #[test]
    fn amounts_of_memory_and_gpus_are_told_from_slips() {
        for good in ["16G", "4000", "1T", "512M"] {
            assert!(is_memory(good), "{good}");
        }
        for bad in ["", "G", "16GB", "16 G", "1.5G", "-1G", "16g"] {
            assert!(!is_memory(bad), "{bad}");
        }
        for text in ["0", "1", "a100:2", "nvidia_h100-sxm:4"] {
            assert_eq!(JobGpus::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "x", ":1", "a100:", "17", "a b:1", "a,b:1", "-1", "gpu:a100:1"] {
            assert_eq!(JobGpus::parse(bad), None, "{bad}");
        }
    }
}
