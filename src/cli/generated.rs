//! Draws a generated dataset where it is not there yet.

use super::args::GenerateArgs;
use super::display::Detail;
use super::print;
use super::render::Failure;
use super::study::Study;
use crate::dataset::generate;
use crate::spec::settings::Generate;

/// Makes the dataset of a spec with `[dataset.generate]`, if it is not there.
///
/// # Errors
/// Where it cannot be written.
pub fn ensure(study: &Study, detail: Detail) -> Result<(), Failure> {
    let dataset = &study.plan.experiment.dataset;
    let Some(settings) = &dataset.generate else {
        return Ok(());
    };
    let made = draw(&dataset.images, settings)?;
    if made && detail > Detail::Quiet {
        let where_ = dataset.images.display();
        print::err(&format!("drew {} pictures with their annotations into {where_}", settings.images));
    }
    Ok(())
}

/// `ablatrix data generate`
///
/// # Errors
/// Where it cannot be written.
pub fn generate(args: &GenerateArgs) -> Result<u8, Failure> {
    let settings = Generate { images: args.images, seed: args.seed, side: args.side };
    let made = draw(&args.out, &settings)?;
    let what = if made { "drew" } else { "already there:" };
    print::out(&format!("{what} {} pictures in {}", settings.images, args.out.display()));
    Ok(0)
}

fn draw(out: &std::path::Path, settings: &Generate) -> Result<bool, Failure> {
    let made = generate::generate(out, settings).map_err(|error| Failure::new(1, &error, None))?;
    Ok(made.drawn)
}
