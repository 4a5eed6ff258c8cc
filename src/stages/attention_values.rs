//! Where models look as values of test images, so that they are compared as metrics are.

use std::collections::HashMap;

use super::comparison::RunResults;
use super::error::StageError;
use super::work::Results;
use crate::effects::{Measure, OfImages};
use crate::plan::output;
use crate::tables;
use crate::tables::attention::AttentionRow;

/// A measure of one map, where it has it.
type Value = fn(&AttentionRow) -> Option<f64>;

/// The measures that are compared, by their columns in the table `attention`. Deletion and insertion check maps, not models.
pub(super) const MEASURES: [(&str, Value); 3] = [
    ("energy_inside", |row| row.energy_inside),
    ("pointing_hit", |row| row.pointing_hit.map(|is_hit| f64::from(u8::from(is_hit)))),
    ("active_area", |row| row.active_area),
];

/// What the maps of each run say of each test image and label; NaN where they say nothing.
pub(super) struct AttentionValues {
    /// One for each measure: for each run, row-major [test images, labels].
    values: [Vec<Vec<f32>>; 3],
}

impl AttentionValues {
    /// Of runs that have maps. `labels`: the labels of the study.
    ///
    /// # Errors
    /// Where a result is damaged, or of other images.
    pub(super) fn load(
        results: &Results,
        runs: &[&RunResults],
        labels: &[String],
    ) -> Result<Self, StageError> {
        let mut values: [Vec<Vec<f32>>; 3] = Default::default();
        let label_at: HashMap<&str, usize> =
            labels.iter().enumerate().map(|(at, label)| (label.as_str(), at)).collect();
        for of_run in runs {
            let node = of_run.run.explain.unwrap_or_else(|| panic!("bug: `{}` has no maps", of_run.run.name));
            let rows: Vec<AttentionRow> = tables::read(&results.output_of(node, output::ATTENTION)?)?;
            let image_at: HashMap<i64, usize> =
                of_run.test_ids.iter().enumerate().map(|(at, &id)| (id, at)).collect();
            let none = vec![f32::NAN; of_run.test_ids.len() * labels.len()];
            let mut of_measures = [none.clone(), none.clone(), none];
            for row in &rows {
                let place = image_at.get(&row.image_id).zip(label_at.get(row.label.as_str()));
                let Some((image, label)) = place else {
                    let what = format!(
                        "the maps of `{}` have image {} with `{}`, which is not of its test part",
                        of_run.run.name, row.image_id, row.label
                    );
                    return Err(StageError::Inconsistent { what });
                };
                for (of_measure, (_, value)) in of_measures.iter_mut().zip(MEASURES) {
                    of_measure[image * labels.len() + label] =
                        value(row).map_or(f32::NAN, |value| value as f32);
                }
            }
            values.iter_mut().zip(of_measures).for_each(|(of_runs, of_run)| of_runs.push(of_run));
        }
        Ok(AttentionValues { values })
    }

    /// As effects take them.
    pub(super) fn measures(&self) -> Vec<Measure<'_>> {
        self.values
            .iter()
            .zip(MEASURES)
            .map(|(values, (name, _))| Measure::OfImages(OfImages { name, values }))
            .collect()
    }
}
