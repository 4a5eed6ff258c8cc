//! What a refusal of `sbatch` means: wait, or mend the spec.

/// What is to be done about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A limit on jobs is reached, or none are taken for now: fewer at once, and later.
    Full,
    /// So many jobs, or such ones, will never be taken: the key of `[workers.slurm]` that says so.
    Spec(&'static str),
    /// None of the places to avoid can be left out.
    Avoided,
}

/// What Slurm says where a limit on the number of jobs is reached, or where it takes none for the time being.
const FULL: [&str; 13] = [
    "submit limit",
    "maxsubmit",
    "maxjob",
    "qosmax",
    "assocmax",
    "assocgrpsubmit",
    "qosgrpsubmit",
    "too many jobs",
    "temporarily unable to accept",
    "required partition not available",
    "submissions disabled",
    "not usable now",
    "busy",
];

/// Words of a refusal, and the key that they are about; the first that is found counts.
const KEYS: [(&str, &str); 13] = [
    ("account", "account"),
    ("partition", "partition"),
    ("qos", "qos"),
    ("generic resource", "gpus"),
    ("gres", "gpus"),
    ("gpu", "gpus"),
    ("memory", "memory"),
    ("--time", "time"),
    ("time limit", "time"),
    ("feature", "options"),
    ("option", "options"),
    ("reservation", "options"),
    ("cpu", "cpus"),
];

/// Reads what `sbatch` said; `avoids`: the jobs were to keep off some nodes.
pub fn read(said: &str, avoids: bool) -> Refusal {
    let said = said.to_lowercase();
    if FULL.iter().any(|words| said.contains(words)) {
        return Refusal::Full;
    }
    if avoids && said.contains("node configuration is not available") {
        return Refusal::Avoided;
    }
    let key = KEYS.iter().find(|(words, _)| said.contains(words)).map_or("", |(_, key)| key);
    Refusal::Spec(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_pass_and_slips_do_not() {
        let cases = [
            (
                "Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
                Refusal::Full,
            ),
            (
                "QOSMaxSubmitJobPerUserLimit; Batch job submission failed: Job violates accounting/QOS policy",
                Refusal::Full,
            ),
            ("AssocMaxSubmitJobLimit", Refusal::Full),
            (
                "invalid partition specified: nope; Batch job submission failed: Invalid partition name specified",
                Refusal::Spec("partition"),
            ),
            (
                "Batch job submission failed: Invalid account or account/partition combination specified",
                Refusal::Spec("account"),
            ),
            ("Batch job submission failed: Invalid qos specification", Refusal::Spec("qos")),
            ("Invalid generic resource (gres) specification", Refusal::Spec("gpus")),
            (
                "Memory specification can not be satisfied; Requested node configuration is not available",
                Refusal::Spec("memory"),
            ),
            ("Requested time limit is invalid (missing or exceeds some limit)", Refusal::Spec("time")),
            ("Batch job submission failed: Invalid feature specification", Refusal::Spec("options")),
            ("unrecognized option '--constrain=a'", Refusal::Spec("options")),
            ("Batch job submission failed: Requested node configuration is not available", Refusal::Spec("")),
        ];
        for (said, expected) in cases {
            assert_eq!(read(said, false), expected, "{said}");
        }
        assert_eq!(read("Requested node configuration is not available", true), Refusal::Avoided);
    }
}
