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
const FULL: [&str; 9] = [
    "submit limit",
    "maxsubmit",
    "maxjob",
    "too many jobs",
    "temporarily unable to accept",
    "required partition not available",
    "submissions disabled",
    "not usable now",
    "busy",
];

/// Words in the name of a limit, and the key that it is about; the first that is found counts.
const LIMITS: [(&str, &str); 6] = [
    ("wall", "time"),
    ("minutes", "time"),
    ("timelimit", "time"),
    ("cpu", "cpus"),
    ("gres", "gpus"),
    ("mem", "memory"),
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
    if let Some(refusal) = limit(&said) {
        return refusal;
    }
    if FULL.iter().any(|words| said.contains(words)) {
        return Refusal::Full;
    }
    if avoids && said.contains("node configuration is not available") {
        return Refusal::Avoided;
    }
    let key = KEYS.iter().find(|(words, _)| said.contains(words)).map_or("", |(_, key)| key);
    Refusal::Spec(key)
}

/// Reads the name of a limit of a QOS or an association, as in `QOSMaxWallDurationPerJobLimit`. Limits on how many jobs there are pass; by
/// any other one `sbatch` refuses a job that alone is too much.
fn limit(said: &str) -> Option<Refusal> {
    let mut words = said.split(|c: char| !c.is_ascii_alphanumeric());
    let kinds = ["max", "min", "grp", "limit", "threshold", "notallowed"];
    let (of, limit) = words.find_map(|word| {
        let (of, name) = ["association", "assoc", "qos"].into_iter().find_map(|of| {
            word.strip_prefix(of).map(|name| (if of == "qos" { "qos" } else { "account" }, name))
        })?;
        kinds.iter().any(|kind| name.contains(kind)).then_some((of, name))
    })?;
    let is_of_jobs = ["submitjob", "jobslimit", "maxjobs"].iter().any(|words| limit.contains(words));
    if is_of_jobs || limit == "joblimit" {
        return Some(Refusal::Full);
    }
    // What all jobs together may use is used up.
    let is_used_up = limit.starts_with("grp") && (limit.contains("minutes") || limit.contains("wall"));
    let key = LIMITS.iter().find(|(words, _)| !is_used_up && limit.contains(words));
    Some(Refusal::Spec(match key {
        Some((_, key)) => key,
        None if is_used_up || limit == "notallowed" || limit.contains("threshold") => of,
        // Licences, nodes and the like.
        None => "options",
    }))
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
                "QOSGrpSubmitJobsLimit; Batch job submission failed: Job violates accounting/QOS policy",
                Refusal::Full,
            ),
            (
                "QOSMaxSubmitJobPerUserLimit; allocation failure: Job violates accounting/QOS policy (job submit limit, user's size and/or \
                 time limits)",
                Refusal::Full,
            ),
            // No job with that much is ever taken.
            (
                "QOSMaxWallDurationPerJobLimit; Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's \
                 size and/or time limits)",
                Refusal::Spec("time"),
            ),
            ("AssocMaxWallDurationPerJobLimit; Batch job submission failed", Refusal::Spec("time")),
            ("QOSMaxCpuPerJobLimit; Batch job submission failed", Refusal::Spec("cpus")),
            ("QOSMaxGRESPerJob; Batch job submission failed", Refusal::Spec("gpus")),
            ("QOSMaxMemoryPerJob; Batch job submission failed", Refusal::Spec("memory")),
            // More than all jobs of a user may have.
            ("QOSMaxCpuPerUserLimit; Batch job submission failed", Refusal::Spec("cpus")),
            ("QOSMinCpuNotSatisfied", Refusal::Spec("cpus")),
            ("QOSMinGRES; Job violates accounting/QOS policy", Refusal::Spec("gpus")),
            ("AssocMaxCpuMinutesPerJobLimit", Refusal::Spec("time")),
            ("AssocGrpCPUMinutesLimit; Job violates accounting/QOS policy", Refusal::Spec("account")),
            ("QOSGrpWallLimit", Refusal::Spec("qos")),
            ("QOSMaxLicensePerJob", Refusal::Spec("options")),
            ("QOSMaxJobsPerUserLimit", Refusal::Full),
            ("AssocMaxJobsLimit", Refusal::Full),
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
