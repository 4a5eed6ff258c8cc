//! What Slurm's commands print, as values. Texts, not JSON, whose layout changes from version to version.
//!
//! Takes lines, gives rows. A line that cannot be read is left out: it says nothing, and nothing follows from it.

/// How `squeue` is asked, so that [`Row::queued`] reads it.
pub const QUEUE_FORMAT: &str = "%j|%F|%K|%T|%N|%r";

/// How `sacct` is asked, so that [`Row::accounted`] reads it.
pub const ACCOUNT_FORMAT: &str = "JobName,JobID,State,ExitCode,NodeList";

/// What `scontrol` shows as the number in an array of what has none any more.
const NO_NUMBER: &str = "4294967294";

/// The highest index of an array that Slurm can be told to take.
const MAX_INDEX: u32 = 4_000_000;

/// States that no job leaves again, but for those that are put back into the queue.
const ENDED: [&str; 12] = [
    "COMPLETED",
    "FAILED",
    "TIMEOUT",
    "CANCELLED",
    "NODE_FAIL",
    "PREEMPTED",
    "OUT_OF_MEMORY",
    "BOOT_FAIL",
    "DEADLINE",
    "REVOKED",
    "LAUNCH_FAILED",
    "RECONFIG_FAIL",
];

/// States of jobs that have not begun.
const WAITING: [&str; 8] = [
    "PENDING",
    "CONFIGURING",
    "REQUEUED",
    "REQUEUE_FED",
    "REQUEUE_HOLD",
    "RESV_DEL_HOLD",
    "SPECIAL_EXIT",
    "POWER_UP_NODE",
];

/// A job as Slurm sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The name that it was submitted under.
    pub name: String,
    /// The id of its array, as `12`.
    pub array: String,
    /// Its number in the array; `None`: it is no part of one, or these are the jobs of one that had not begun when it was cancelled.
    pub index: Option<u32>,
    /// The state, as `RUNNING`.
    pub state: String,
    /// Where it runs or ran.
    pub node: Option<String>,
    /// Why it waits, or what is known of its end.
    pub reason: String,
    /// How its script ended, where the answer says so.
    pub exit: Option<Exit>,
}

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code.
    pub code: u32,
    /// The signal that ended it; 0: none.
    pub signal: u32,
}

impl Exit {
    /// Reads `75:0`.
    pub fn parse(text: &str) -> Option<Self> {
        let (code, signal) = text.trim().split_once(':')?;
        Some(Exit { code: code.parse().ok()?, signal: signal.parse().ok()? })
    }
}

impl Row {
    /// The id that people give to Slurm's commands: `12_3`, or `12`.
    pub fn id(&self) -> String {
        match self.index {
            Some(index) => format!("{}_{index}", self.array),
            None => self.array.clone(),
        }
    }

    /// Whether it may still come to something. States that are not known are such.
    pub fn is_live(&self) -> bool {
        !ENDED.contains(&self.state.as_str())
    }

    /// Whether it has not begun, or not anew.
    pub fn is_waiting(&self) -> bool {
        WAITING.contains(&self.state.as_str())
    }

    /// The rows of `squeue -h -r -o QUEUE_FORMAT`.
    pub fn queued(text: &str) -> Vec<Row> {
        let row = |line: &str| {
            let mut parts = line.splitn(6, '|').map(str::trim);
            let (name, array) = (parts.next()?, parts.next()?);
            let index = match parts.next()? {
                "N/A" => None,
                index => Some(index.parse().ok()?),
            };
            let (state, node, reason) = (parts.next()?, parts.next()?, parts.next()?);
            Some(Row {
                name: name.to_owned(),
                array: array.to_owned(),
                index,
                state: state.to_owned(),
                node: some(node),
                reason: some(reason).unwrap_or_default(),
                exit: None,
            })
        };
        text.lines().filter_map(row).collect()
    }

    /// The rows of `sacct -n -P -X -o ACCOUNT_FORMAT`.
    pub fn accounted(text: &str) -> Vec<Row> {
        let row = |line: &str| {
            let mut parts = line.splitn(5, '|').map(str::trim);
            let (name, id, state) = (parts.next()?, parts.next()?, parts.next()?);
            let (array, number) = id.split_once('_').map_or((id, None), |(array, n)| (array, Some(n)));
            let row = Row {
                name: name.to_owned(),
                array: array.to_owned(),
                index: None,
                // `CANCELLED by 1000`
                state: state.split(' ').next()?.to_owned(),
                exit: Exit::parse(parts.next()?),
                node: some(parts.next()?),
                reason: String::new(),
            };
            Some(row.numbered(number))
        };
        text.lines().filter_map(row).flatten().collect()
    }

    /// The rows of `scontrol -o show job`.
    pub fn shown(text: &str) -> Vec<Row> {
        let row = |line: &str| {
            let field = |name: &str| {
                let mut words = line.split_whitespace();
                words.find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
            };
            let row = Row {
                name: field("JobName")?,
                array: field("ArrayJobId").or_else(|| field("JobId"))?,
                index: None,
                state: field("JobState")?,
                node: field("NodeList").and_then(|node| some(&node)),
                reason: field("Reason").and_then(|reason| some(&reason)).unwrap_or_default(),
                exit: field("ExitCode").and_then(|text| Exit::parse(&text)),
            };
            Some(row.numbered(field("ArrayTaskId").filter(|number| number != NO_NUMBER).as_deref()))
        };
        text.lines().filter_map(row).flatten().collect()
    }

    /// This row for each of the numbers in `number`, as `3` or `[0-2,5]`; itself where there is none. Jobs that wait may be one row too, in
    /// which those stay that were cancelled one by one: such a row says nothing of any one of them.
    fn numbered(self, number: Option<&str>) -> Vec<Row> {
        let Some(number) = number else { return vec![self] };
        let indices = match number.parse() {
            Ok(index) => vec![index],
            Err(_) if self.is_live() => vec![],
            Err(_) => numbers(number.trim_start_matches('[').trim_end_matches(']')).unwrap_or_default(),
        };
        indices.into_iter().map(|index| Row { index: Some(index), ..self.clone() }).collect()
    }
}

/// Reads `0-2,5%4`; `None` where it is something else, or more than an array can have.
fn numbers(text: &str) -> Option<Vec<u32>> {
    let text = text.split_once('%').map_or(text, |(numbers, _)| numbers);
    let mut all = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (last, step) = last.split_once(':').unwrap_or((last, "1"));
        let (first, last, step): (u32, u32, usize) =
            (first.parse().ok()?, last.parse().ok()?, step.parse().ok()?);
        if last > MAX_INDEX || step == 0 {
            return None;
        }
        all.extend((first..=last).step_by(step));
    }
    Some(all)
}

/// The number that `scontrol show config` has for `MaxArraySize`: the highest index of an array is below it.
pub fn max_array_size(config: &str) -> Option<usize> {
    value(config, "MaxArraySize")?.parse().ok()
}

/// The version that `scontrol show config` names.
pub fn version(config: &str) -> Option<String> {
    value(config, "SLURM_VERSION").map(str::to_owned)
}

fn value<'t>(config: &'t str, name: &str) -> Option<&'t str> {
    config
        .lines()
        .find_map(|line| line.trim().strip_prefix(name)?.trim_start().strip_prefix('='))
        .map(str::trim)
}

/// What stands for nothing in Slurm's answers.
fn some(text: &str) -> Option<String> {
    let is_nothing = matches!(text, "" | "None" | "(null)" | "N/A" | "n/a" | "None assigned" | "Unknown");
    (!is_nothing).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Slurm 22.05 answered.
    const QUEUE: &str = "ablatrix-x-1|1|5|COMPLETED|n1|None
ablatrix-x-1|1|1|FAILED|n1|NonZeroExitCode
ablatrix-x-1|1|3|FAILED|n2|JobLaunchFailure
ablatrix-x-1|1|4|RUNNING|n1|None
ablatrix-x-2|7|0|PENDING||launch failed requeued held
ablatrix-x-3|8|N/A|PENDING||BeginTime
ablatrix-x-3|9|1|COMPLETING|n[1-2]|None
ablatrix-x-3|9|2|A_NEW_STATE|n1|None
slurm_load_jobs error: what is no row
";

    #[test]
    fn rows_of_the_queue_are_told_apart() {
        let rows = Row::queued(QUEUE);
        let seen: Vec<_> = rows.iter().map(|row| (row.id(), row.is_live(), row.is_waiting())).collect();
        let expected = [
            ("1_5", false, false),
            ("1_1", false, false),
            ("1_3", false, false),
            ("1_4", true, false),
            ("7_0", true, true),
            ("8", true, true),
            ("9_1", true, false),
            ("9_2", true, false),
        ];
        let expected = expected.map(|(id, live, waiting)| (id.to_owned(), live, waiting));
        assert_eq!(seen, expected);
        assert_eq!((rows[4].reason.as_str(), &rows[4].node), ("launch failed requeued held", &None));
        assert_eq!((rows[3].reason.as_str(), rows[3].node.as_deref()), ("", Some("n1")));
    }

    #[test]
    fn accounts_name_states_without_their_causes() {
        let text = "ablatrix-x-1|12_3|CANCELLED by 1000|0:15|n1\nablatrix-x-1|12_4|OUT_OF_MEMORY|0:125|n2\n\
                    ablatrix-x-1|12_[5-9]|PENDING|0:0|None assigned\nablatrix-x-2|13|COMPLETED|0:0|n1\n";
        let rows = Row::accounted(text);
        assert_eq!(rows.len(), 3, "{rows:?}");
        assert_eq!((rows[0].state.as_str(), rows[0].id().as_str()), ("CANCELLED", "12_3"));
        assert_eq!(rows[1].exit, Some(Exit { code: 0, signal: 125 }));
        assert_eq!((rows[2].index, rows[2].state.as_str()), (None, "COMPLETED"));
        // As slurmdbd 22.05 has arrays that were cancelled: before any of their jobs had begun, and after two had.
        let text = "a|10_[0-2]|CANCELLED by 0|0:0|None assigned\na|3_0|CANCELLED by 0|0:0|n2\na|3|CANCELLED by 0|0:0|None assigned\n\
                    a|4_[0,3-7:2%2]|CANCELLED by 0|0:0|None assigned\na|5_[0-4294967295]|CANCELLED by 0|0:0|None assigned\n\
                    a|1_0|TIMEOUT|0:0|n1\na|21_0|NODE_FAIL|0:0|n2\n";
        let rows = Row::accounted(text);
        let ids: Vec<String> = rows.iter().map(Row::id).collect();
        let expected = ["10_0", "10_1", "10_2", "3_0", "3", "4_0", "4_3", "4_5", "4_7", "1_0", "21_0"];
        assert_eq!(ids, expected);
        assert!(rows.iter().all(|row| !row.is_live()) && rows[0].node.is_none(), "{rows:?}");
    }

    #[test]
    fn shown_jobs_have_their_exit_codes() {
        let text = "JobId=14 ArrayJobId=1 ArrayTaskId=3 JobName=ablatrix-x-1 UserId=root(0) Account=(null) JobState=FAILED \
                    Reason=JobLaunchFailure Dependency=(null) Requeue=1 Restarts=0 ExitCode=0:9 NodeList=n2 BatchHost=n2\n\
                    JobId=2 ArrayJobId=1 ArrayTaskId=4-9%2 JobName=ablatrix-x-1 JobState=PENDING Reason=Resources ExitCode=0:0\n\
                    JobId=15 JobName=a JobState=COMPLETED Reason=None ExitCode=75:0 NodeList=n1\n\
                    JobId=3 ArrayJobId=3 ArrayTaskId=4294967294 JobName=a JobState=CANCELLED Reason=Resources ExitCode=0:0\n\
                    JobId=10 ArrayJobId=10 ArrayTaskId=0-1 JobName=a JobState=CANCELLED Reason=Priority ExitCode=0:0\n";
        let rows = Row::shown(text);
        let ids: Vec<String> = rows.iter().map(Row::id).collect();
        assert_eq!(ids, ["1_3", "15", "3", "10_0", "10_1"]);
        assert_eq!((rows[0].id().as_str(), rows[0].exit), ("1_3", Some(Exit { code: 0, signal: 9 })));
        assert_eq!((rows[1].id().as_str(), rows[1].exit), ("15", Some(Exit { code: 75, signal: 0 })));
    }

    #[test]
    fn limits_are_read_from_the_configuration() {
        let text = "Configuration data as of 2026-11-23T10:00:00\nMaxArraySize            = 1001\nSLURM_VERSION           = 22.05.8\n";
        assert_eq!((max_array_size(text), version(text).as_deref()), (Some(1_001), Some("22.05.8")));
        assert_eq!(max_array_size("slurm_load_ctl_conf error: Unable to contact slurm controller"), None);
    }
}
