//! `ablatrix check --origins`: where each value comes from; and whether all profiles of a spec can be used.

use serde_json::json;

use super::args::{OutputFormat, OverArgs, SpecArgs};
use super::print;
use super::render::{Failure, plain};
use super::study::{colour, load, load_unrendered};

/// Prints every value that the study reads, with the layer that it comes from.
///
/// # Errors
/// What is wrong with the spec, rendered.
pub fn origins(args: &SpecArgs) -> Result<u8, Failure> {
    let origins = load(&args.spec, &args.over, colour())?.origins();
    match args.format {
        OutputFormat::Json => {
            let values = origins.iter().map(|origin| {
                json!({ "key": origin.key, "value": origin.value, "from": origin.layer, "line": origin.line })
            });
            print::out(&json!({ "values": values.collect::<Vec<_>>() }).to_string());
        }
        OutputFormat::Text => {
            let rows: Vec<Vec<String>> = origins
                .iter()
                .map(|origin| {
                    let from = match (&origin.layer, origin.line) {
                        (None, _) => "default".to_owned(),
                        (Some(layer), None) => plain(layer),
                        (Some(layer), Some(line)) => format!("{}:{line}", plain(layer)),
                    };
                    vec![plain(&origin.key), plain(&origin.value), from]
                })
                .collect();
            print::table(&rows);
        }
    }
    Ok(0)
}

/// Reads the spec with each of its profiles: one that is wrong is found before the day on which it is used.
///
/// # Errors
/// What is wrong with the first such profile, rendered.
pub fn check_profiles(args: &SpecArgs) -> Result<(), Failure> {
    let loaded = load(&args.spec, &args.over, colour())?;
    for name in loaded.profiles().iter().filter(|name| Some(*name) != args.over.profile.as_ref()) {
        let over = OverArgs { profile: Some(name.clone()), ..args.over.clone() };
        if let Err(mut error) = load_unrendered(&args.spec, &over)? {
            for fault in &mut error.faults {
                fault.message = format!("with `--profile {name}`: {}", fault.message);
            }
            return Err(Failure::spec(&error, colour()));
        }
    }
    Ok(())
}
