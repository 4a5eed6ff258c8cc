//! `ablatrix schema`: what a spec may hold, for editors.

use super::args::SchemaArgs;
use super::print;
use super::render::Failure;
use crate::spec::schema;

/// Where the page of keys finds the page that explains them.
const EXPLAINED: &str = "spec.md";

/// Prints the JSON schema of a spec, or the page of all keys.
///
/// # Errors
/// Where it cannot be written as JSON, which does not happen.
pub fn schema(args: &SchemaArgs) -> Result<u8, Failure> {
    if args.page {
        print::out(schema::page(EXPLAINED).trim_end());
        return Ok(0);
    }
    let text =
        serde_json::to_string_pretty(&schema::schema()).map_err(|error| Failure::new(1, &error, None))?;
    print::out(&text);
    Ok(0)
}
