//! `ablatrix cache push | pull`: results shared by an object store or a folder.

use std::collections::HashSet;

use indicatif::{HumanBytes, ProgressBar};
use serde::Serialize;
use serde_json::json;

use super::args::{OutputFormat, PullArgs, PushArgs, TransferArgs};
use super::cache::{look, open, reachable};
use super::display::bytes_bar;
use super::print;
use super::render::{Failure, plain};
use super::study::cache_failure;
use crate::cache::Store;
use crate::engine::Interrupt;
use crate::fingerprint::Digest;
use crate::plan::{DirtyReason, Latest, State, nameable, resolve};
use crate::remote::{
    self, Address, AddressError, Damage, Patience, PullOptions, Pulled, PushOptions, Pushed, Remote,
    RemoteError,
};

/// Damage that is named, of each kind.
const NAMED: usize = 20;

/// Sends results.
///
/// # Errors
/// Rendered, with the exit code.
pub fn push(args: &PushArgs) -> Result<u8, Failure> {
    let interrupt = listen()?;
    let transfer = &args.transfer;
    let address = address(&transfer.url)?;
    let store = open(&transfer.cache)?;
    let keys = match transfer.specs.is_empty() {
        true => None,
        false => Some(reachable(&transfer.specs, &transfer.over, &transfer.cache)?),
    };
    let patience = Patience::of_transfer(transfer.retries.into());
    let remote = match transfer.dry_run {
        true => Remote::for_looking(&address, patience),
        false => Remote::for_writing(&address, patience),
    };
    let remote = remote.map_err(|error| remote_failure(&error))?;
    let options = PushOptions {
        keys: keys.as_ref(),
        parallel: transfer.parallel.into(),
        verify: args.verify,
        dry_run: transfer.dry_run,
    };
    let bar = bytes_bar();
    let pushed = remote::push(&remote, &store, options, &shown_on(&bar), &|| interrupt.is_set());
    bar.finish_and_clear();
    let pushed = pushed.map_err(|error| remote_failure(&error))?;
    tell_push(&pushed, &address, args);
    let whole = pushed.left_out == 0 && (pushed.damaged_there.is_empty() || !transfer.dry_run);
    Ok(exit_code(pushed.interrupted.then_some(&interrupt), whole))
}

/// Brings results.
///
/// # Errors
/// Rendered, with the exit code.
pub fn pull(args: &PullArgs) -> Result<u8, Failure> {
    let interrupt = listen()?;
    let transfer = &args.transfer;
    let address = address(&transfer.url)?;
    let folder = &transfer.cache.cache;
    let remote = Remote::for_reading(&address, Patience::of_transfer(transfer.retries.into()))
        .map_err(|error| remote_failure(&error))?;
    let store = match transfer.dry_run {
        true => Store::existing(folder),
        false => Store::open(folder),
    };
    let store = store.map_err(|error| cache_failure(&error))?;
    let bar = bytes_bar();
    let bring = |keys: Option<&HashSet<Digest>>| {
        let options = PullOptions { keys, parallel: transfer.parallel.into(), dry_run: transfer.dry_run };
        remote::pull(&remote, &store, options, &shown_on(&bar), &|| interrupt.is_set())
            .map_err(|error| remote_failure(&error))
    };
    let pulled = match transfer.specs.is_empty() {
        true => bring(None),
        false => pull_reachable(transfer, &|keys| bring(Some(keys))),
    };
    bar.finish_and_clear();
    let pulled = pulled?;
    tell_pull(&pulled, &address, transfer);
    Ok(exit_code(pulled.interrupted.then_some(&interrupt), pulled.left_out == 0))
}

/// A stage's key is known once the results that it reads are here: pulls those, then looks again.
fn pull_reachable(
    args: &TransferArgs,
    bring: &dyn Fn(&HashSet<Digest>) -> Result<Pulled, Failure>,
) -> Result<Pulled, Failure> {
    let mut all = Pulled::default();
    let mut asked = HashSet::new();
    let mut here = HashSet::new();
    for spec in &args.specs {
        let study = look(spec, &args.over, &args.cache)?;
        let latest = Latest::load(&study.store, &study.plan.experiment.name);
        let mut is_first = true;
        loop {
            let states = resolve(&study.plan, &study.store, &study.sources, &latest)
                .map_err(|error| study.source_failure(&error))?;
            if is_first {
                let fresh = states.iter().filter_map(|state| match state {
                    State::Fresh(entry) => Some(entry.key.clone()),
                    State::Dirty(_) => None,
                });
                here.extend(fresh.filter(|key| !asked.contains(key)));
                if states.iter().any(|state| matches!(state, State::Dirty(DirtyReason::NotGenerated))) {
                    let name = spec.display();
                    print::err(&plain(&format!(
                        "note: the dataset of `{name}` is still to be drawn, and what reads it cannot be named before\n  \
                         help: `ablatrix check {name}` draws it; or `ablatrix run {name} --remote URL`"
                    )));
                }
                is_first = false;
            }
            let mut keys = nameable(&study.plan, &states, &study.sources)
                .map_err(|error| study.source_failure(&error))?;
            keys.retain(|key| asked.insert(key.clone()));
            if keys.is_empty() {
                break;
            }
            all.add(bring(&keys)?);
            if all.interrupted {
                return Ok(all);
            }
        }
    }
    all.there += here.len();
    Ok(all)
}

fn listen() -> Result<Interrupt, Failure> {
    Interrupt::listen()
        .map_err(|error| Failure::new(1, &error, Some("signals cannot be caught on this system")))
}

/// The remote of a command line or variable.
///
/// # Errors
/// Where it is none; the text is not repeated, since it may hold a secret.
pub fn address(url: &str) -> Result<Address, Failure> {
    Address::parse(url).map_err(|error: AddressError| Failure::new(2, &error, Some(&error.help())))
}

/// A fault of a remote.
pub fn remote_failure(error: &RemoteError) -> Failure {
    Failure::new(error.exit_code(), error, error.help().as_deref())
}

fn shown_on(bar: &ProgressBar) -> impl Fn(u64, u64) + Sync {
    |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    }
}

fn exit_code(interrupted: Option<&Interrupt>, whole: bool) -> u8 {
    match (interrupted, whole) {
        (Some(interrupt), _) => interrupt.exit_code(),
        (None, true) => 0,
        (None, false) => 1,
    }
}

fn tell_push(pushed: &Pushed, address: &Address, args: &PushArgs) {
    let transfer = &args.transfer;
    if transfer.cache.format == OutputFormat::Json {
        return tell_json(pushed, address, transfer);
    }
    let mends = match transfer.dry_run {
        true => "without --dry-run it would be sent again",
        false => "it was sent again",
    };
    name_damage("damaged in the remote", &pushed.damaged_there, mends);
    name_damage("damaged in the cache", &pushed.damaged_here, "not sent; `ablatrix run` makes it again");
    if args.verify && !pushed.interrupted {
        let read = HumanBytes(pushed.bytes_read);
        let found = match pushed.damaged_there.len() {
            0 => "all is as it was sent".to_owned(),
            n => format!("{n} damaged"),
        };
        print::out(&format!("{read} of what was there already read: {found}"));
    }
    let (done, there) = match transfer.dry_run {
        true => ("would push", "are"),
        false => ("pushed", "were"),
    };
    let sizes = sizes(pushed.results, pushed.objects, pushed.bytes);
    print::out(&format!("{done} {sizes}; {} {there} there already", pushed.there));
    tell_left_out(pushed.left_out);
    tell_interrupted(pushed.interrupted, "sent");
}

fn tell_pull(pulled: &Pulled, address: &Address, args: &TransferArgs) {
    if args.cache.format == OutputFormat::Json {
        return tell_json(pulled, address, args);
    }
    let mends = "not taken; `ablatrix cache push --verify` from a cache that has it sends it again";
    name_damage("damaged in the remote", &pulled.damaged_there, mends);
    let (done, here) = match args.dry_run {
        true => ("would pull", "are"),
        false => ("pulled", "were"),
    };
    let sizes = sizes(pulled.results, pulled.objects, pulled.bytes);
    print::out(&format!("{done} {sizes}; {} {here} here already", pulled.there));
    if args.dry_run && !args.specs.is_empty() && pulled.results > 0 {
        print::out("what these lead to can be named only when they are here");
    }
    if pulled.busy > 0 {
        let busy = print::count(pulled.busy, "result");
        print::out(&format!("{busy} left to another process, which is making them"));
    }
    tell_left_out(pulled.left_out);
    tell_interrupted(pulled.interrupted, "brought");
}

fn tell_json(report: &impl Serialize, address: &Address, args: &TransferArgs) {
    let mut value = json!(report);
    value["remote"] = json!(address.to_string());
    value["dry_run"] = json!(args.dry_run);
    print::out(&value.to_string());
}

/// `31 results (120 objects, 45 MiB)`
fn sizes(results: usize, objects: usize, bytes: u64) -> String {
    let (results, objects) = (print::count(results, "result"), print::count(objects, "object"));
    format!("{results} ({objects}, {})", HumanBytes(bytes))
}

fn name_damage(where_: &str, damage: &[Damage], mends: &str) {
    for item in damage.iter().take(NAMED) {
        let stage = item.stage.as_ref().map(|stage| format!(" (a result of `{stage}`)")).unwrap_or_default();
        print::err(&plain(&format!("{where_}: {}{stage}: {}; {mends}", item.what, item.problem)));
    }
    if damage.len() > NAMED {
        print::err(&format!("  and {} more, all of them with --format json", damage.len() - NAMED));
    }
}

fn tell_left_out(results: usize) {
    if results > 0 {
        print::err(&format!("{} left out, see above", print::count(results, "result")));
    }
}

fn tell_interrupted(interrupted: bool, done: &str) {
    if interrupted {
        print::err(&format!("interrupted: what was {done} stays, the same command goes on"));
    }
}
