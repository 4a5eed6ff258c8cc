//! Draws a generated dataset where it is not there yet.

use super::args::GenerateArgs;
use super::display::Detail;
use super::print;
use super::render::Failure;
use super::study::Study;
use crate::dataset::generate::{self, GenerateError};
use crate::engine::Interrupt;
use crate::spec::settings::Generate;

/// Makes the dataset of a spec with `[dataset.generate]`, if it is not there.
///
/// # Errors
/// Where it cannot be written.
pub fn ensure(study: &Study, detail: Detail, interrupt: &Interrupt) -> Result<(), Failure> {
    let dataset = &study.plan.experiment.dataset;
    let Some(settings) = &dataset.generate else {
        return Ok(());
    };
    let made = draw(&dataset.images, settings, detail, interrupt)?;
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
    let interrupt = Interrupt::listen()
        .map_err(|error| Failure::new(1, &error, Some("signals cannot be caught on this system")))?;
    let made = draw(&args.out, &settings, Detail::Normal, &interrupt)?;
    let what = if made { "drew" } else { "already there:" };
    print::out(&format!("{what} {} pictures in {}", settings.images, args.out.display()));
    Ok(0)
}

fn draw(
    out: &std::path::Path,
    settings: &Generate,
    detail: Detail,
    interrupt: &Interrupt,
) -> Result<bool, Failure> {
    let bar = super::display::pictures_bar(settings.images, detail);
    let go_on = |done: usize| {
        bar.set_position(done as u64);
        !interrupt.is_set()
    };
    let made = generate::generate(out, settings, &go_on);
    bar.finish_and_clear();
    match made {
        Ok(made) => Ok(made.drawn),
        Err(error @ GenerateError::Stopped { .. }) => {
            Err(Failure::new(interrupt.exit_code(), &error, Some("the same command draws it anew")))
        }
        Err(error) => Err(Failure::new(1, &error, None)),
    }
}
