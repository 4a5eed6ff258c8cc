//! `ablatrix cache ls | verify | gc`: what the cache holds, whether it is whole, and room for more. See `sharing` for
//! `push` and `pull`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::SystemTime;

use indicatif::{HumanBytes, HumanDuration};
use serde_json::json;

use super::args::{CacheArgs, CacheVerb, GcArgs, LsBy, OutputFormat, OverArgs, SpecArgs, VerifyArgs};
use super::render::Failure;
use super::study::{Study, cache_failure};
use super::{print, sharing};
use crate::cache::{self, Collection, GcOptions, Store, Survey, VerifyOptions};
use crate::clock;
use crate::engine::slurm;
use crate::fingerprint::Digest;
use crate::plan::{Latest, Stage, State, Uses, resolve};

/// Works on the cache.
///
/// # Errors
/// Rendered, with the exit code.
pub fn cache(verb: &CacheVerb) -> Result<u8, Failure> {
    match verb {
        CacheVerb::Ls(args) => ls(&args.cache, args.by),
        CacheVerb::Verify(args) => verify(args),
        CacheVerb::Gc(args) => gc(args),
        CacheVerb::Push(args) => sharing::push(args),
        CacheVerb::Pull(args) => sharing::pull(args),
    }
}

/// Opens a cache that exists; none is made.
pub(super) fn open(args: &CacheArgs) -> Result<Store, Failure> {
    if !args.cache.is_dir() {
        let message = format!("there is no cache `{}`", args.cache.display());
        return Err(Failure::text(2, &message, Some("name it with `--cache DIR`")));
    }
    Store::existing(&args.cache).map_err(|error| cache_failure(&error))
}

/// Results that are shown in one line.
#[derive(Default)]
struct Line {
    results: usize,
    objects: HashSet<Digest>,
    used: Option<SystemTime>,
}

fn ls(args: &CacheArgs, by: LsBy) -> Result<u8, Failure> {
    let store = open(args)?;
    let survey = Survey::of(&store).map_err(|error| cache_failure(&error))?;
    let uses = Uses::of(&store);
    let mut lines: BTreeMap<(usize, String), Line> = BTreeMap::new();
    for (key, listed) in &survey.entries {
        let used = uses.last(key, listed);
        let stage = &listed.entry.stage;
        // With their place: stages stand in the order of the flow, ages from new to old.
        let names: Vec<(usize, String)> = match by {
            LsBy::Stage => vec![(place(stage), stage.clone())],
            LsBy::Experiment => studies(&uses, key).into_iter().map(|name| (0, name)).collect(),
            LsBy::Age => vec![(age(used), AGES[age(used)].to_owned())],
        };
        for name in names {
            let line = lines.entry(name).or_default();
            line.results += 1;
            line.objects.extend(listed.entry.outputs.values().map(|output| output.digest.clone()));
            line.used = line.used.max(Some(used));
        }
    }
    let bytes = |line: &Line| -> u64 {
        line.objects.iter().filter_map(|digest| survey.objects.get(digest)).map(|object| object.bytes).sum()
    };
    let recorded: HashSet<&Digest> =
        survey.entries.values().flat_map(|l| l.entry.outputs.values().map(|output| &output.digest)).collect();
    let loose = survey.objects.iter().filter(|(digest, _)| !recorded.contains(digest));
    let loose: u64 = loose.map(|(_, object)| object.bytes).sum();
    if args.format == OutputFormat::Json {
        let rows: Vec<_> = (lines.iter())
            .map(|((_, name), line)| {
                json!({by.as_str(): name, "results": line.results, "bytes": bytes(line), "last_used_unix_s": line.used.map(unix_s)})
            })
            .collect();
        let value = json!({"rows": rows, "results": survey.entries.len(), "bytes": survey.bytes(), "unrecorded_bytes": loose});
        print::out(&value.to_string());
        return Ok(0);
    }
    let head = [by.as_str().to_uppercase().as_str(), "RESULTS", "SIZE", "LAST USED"].map(str::to_owned);
    let mut rows = vec![head.to_vec()];
    for ((_, name), line) in &lines {
        let size = HumanBytes(bytes(line)).to_string();
        rows.push(vec![
            name.clone(),
            line.results.to_string(),
            size,
            line.used.map_or_else(String::new, ago),
        ]);
    }
    print::table(&rows);
    let total = HumanBytes(survey.bytes());
    print::out(&format!("\n{} results, {total} in `{}`", survey.entries.len(), args.cache.display()));
    if loose > 0 {
        let loose = HumanBytes(loose);
        print::out(&format!(
            "{loose} of it belongs to no result: given weights, or left by a killed collection"
        ));
    }
    if by == LsBy::Experiment {
        print::out("a result that several experiments use is counted in each");
    }
    Ok(0)
}

fn place(stage: &str) -> usize {
    Stage::ALL.iter().position(|known| known.as_str() == stage).unwrap_or(Stage::ALL.len())
}

fn studies(uses: &Uses, key: &Digest) -> Vec<String> {
    let names: Vec<String> = uses.studies(key).into_iter().map(str::to_owned).collect();
    if names.is_empty() { vec!["(in no plan that is remembered)".to_owned()] } else { names }
}

const AGES: [&str; 4] = ["under a day", "under a week", "under 30 days", "30 days and more"];

/// The position of an age among [`AGES`].
fn age(used: SystemTime) -> usize {
    const DAY: u64 = 24 * 3600;
    let passed = clock::since(used).as_secs();
    [DAY, 7 * DAY, 30 * DAY].iter().filter(|&&limit| passed >= limit).count()
}

fn ago(used: SystemTime) -> String {
    format!("{} ago", HumanDuration(clock::since(used)))
}

fn unix_s(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn verify(args: &VerifyArgs) -> Result<u8, Failure> {
    let store = open(&args.cache)?;
    let bar = super::display::bytes_bar();
    let progress = |done: u64, total: u64| {
        bar.set_length(total);
        bar.set_position(done);
    };
    // Another sample each time, so that repeated looks see all of it in the end.
    let seed = clock::unix_ms().unsigned_abs();
    let options = VerifyOptions { share: args.sample, seed, repair: args.repair };
    let result = cache::verify(&store, options, &progress);
    bar.finish_and_clear();
    let found = result.map_err(|error| cache_failure(&error))?;
    let is_repaired = args.repair && found.stuck == 0;
    let code = u8::from(!found.damage.is_empty() && !is_repaired);
    if args.cache.format == OutputFormat::Json {
        let damage: Vec<_> = (found.damage.iter())
            .map(|damage| json!({"what": damage.what, "problem": damage.problem, "stages": damage.stages}))
            .collect();
        let value = json!({"results": found.entries, "objects_read": found.objects, "bytes_read": found.bytes, "damage": damage, "repaired": is_repaired});
        print::out(&value.to_string());
        return Ok(code);
    }
    for damage in &found.damage {
        let stages = match damage.stages.is_empty() {
            true => String::new(),
            false => format!(" (a result of `{}`)", damage.stages.join("`, `")),
        };
        print::err(&format!("damaged: {}{stages}: {}", damage.what, damage.problem));
    }
    let (objects, bytes) = (found.objects, HumanBytes(found.bytes));
    print::out(&format!("{} results, {objects} objects read ({bytes})", found.entries));
    match found.damage.len() {
        0 => print::out("all is as it was stored"),
        n if found.stuck > 0 => print::err(&format!(
            "{n} damaged, and `{}` cannot be written: what is wrong lies where it was, and is not used",
            args.cache.cache.display()
        )),
        n if is_repaired => print::out(&format!(
            "{n} damaged, and all of it repaired: it lies in `{}` now, nothing of it counts as done, and `ablatrix run` makes those results again",
            store.layout().quarantine().display()
        )),
        n => print::err(&format!(
            "{n} damaged: what is wrong lies in `{}` now, and `ablatrix run` makes those results again",
            store.layout().quarantine().display()
        )),
    }
    Ok(code)
}

fn gc(args: &GcArgs) -> Result<u8, Failure> {
    let store = open(&args.cache)?;
    let options = GcOptions { grace: args.grace.into(), dry_run: args.dry_run, no_wait: args.no_wait };
    let collection = Collection::begin(&store, options).map_err(|error| cache_failure(&error))?;
    let uses = Uses::of(&store);
    let mut keep = match args.specs.is_empty() {
        true => uses.last_plans(args.keep_last),
        false => reachable(&args.specs, &args.over, &args.cache)?,
    };
    if let Some(limit) = args.max_size {
        let survey = Survey::of(&store).map_err(|error| cache_failure(&error))?;
        keep = uses.within(&survey, &keep, limit.as_u64());
    }
    // Jobs in a cluster's queue outlive the process that claims what they read and make.
    keep.extend(slurm::claims(store.layout()));
    let collected = collection.sweep(&keep).map_err(|error| cache_failure(&error))?;
    if args.cache.format == OutputFormat::Json {
        let mut value = json!(collected);
        value["dry_run"] = json!(args.dry_run);
        print::out(&value.to_string());
        return Ok(0);
    }
    let verb = if args.dry_run { "would be removed" } else { "removed" };
    print::out(&format!(
        "{} results and {} objects {verb} ({}), {} leftovers of killed processes",
        collected.entries,
        collected.objects,
        HumanBytes(collected.bytes),
        collected.leftovers
    ));
    print::out(&format!("{} results stay ({})", collected.kept_entries, HumanBytes(collected.kept_bytes)));
    Ok(0)
}

/// The keys of all results that these specs can use as they stand.
pub(super) fn reachable(
    specs: &[std::path::PathBuf],
    over: &OverArgs,
    args: &CacheArgs,
) -> Result<HashSet<Digest>, Failure> {
    let mut keep = HashSet::new();
    for spec in specs {
        let study = look(spec, over, args)?;
        let latest = Latest::load(&study.store, &study.plan.experiment.name);
        let states = resolve(&study.plan, &study.store, &study.sources, &latest)
            .map_err(|error| study.source_failure(&error))?;
        keep.extend(states.into_iter().filter_map(|state| match state {
            State::Fresh(entry) => Some(entry.key),
            State::Dirty(_) => None,
        }));
    }
    Ok(keep)
}

/// A study as its spec stands, on this cache.
pub(super) fn look(spec: &Path, over: &OverArgs, args: &CacheArgs) -> Result<Study, Failure> {
    Study::look(&SpecArgs {
        spec: spec.to_owned(),
        over: over.clone(),
        cache: args.cache.clone(),
        reports: Path::new("reports").to_owned(),
        format: args.format,
    })
}
