//! The truth of the test part, fold by fold: which labels can be scored, and how many images tell each apart.

/// Positive images of each label in each fold; one fold where there are none.
#[derive(Clone, Debug)]
pub struct Truth {
    n_images: Vec<usize>,
    /// [folds, labels].
    n_positives: Vec<Vec<usize>>,
    /// [folds, labels]: images that tell the label apart.
    n_telling: Vec<Vec<usize>>,
}

impl Truth {
    /// `folds`: the truth of each fold's test part, row-major [images, labels].
    pub fn new(folds: &[&[bool]], n_labels: usize) -> Self {
        let positives = |targets: &&[bool]| {
            let of_label =
                |label| targets.iter().skip(label).step_by(n_labels).filter(|&&target| target).count();
            (0..n_labels).map(of_label).collect()
        };
        let n_images: Vec<usize> = folds.iter().map(|targets| targets.len() / n_labels).collect();
        let n_positives: Vec<Vec<usize>> = folds.iter().map(positives).collect();
        let telling =
            |(all, of_fold): (&usize, &Vec<usize>)| of_fold.iter().map(|&n| n.min(all - n)).collect();
        let n_telling = n_images.iter().zip(&n_positives).map(telling).collect();
        Truth { n_images, n_positives, n_telling }
    }

    /// Where a mean over images is measured: each image that has a value tells. `n_values`: [folds, labels], images that have one in
    /// every run of the fold.
    pub fn of_values(n_images: Vec<usize>, n_values: Vec<Vec<usize>>) -> Self {
        Truth { n_images, n_telling: n_values.clone(), n_positives: n_values }
    }

    /// Images of the fold's test part.
    pub fn n_images(&self, fold: usize) -> usize {
        self.n_images[fold]
    }

    /// Whether the fold's test part has a positive of the label: else the fold has no part in what is said of it.
    pub fn is_scored_in(&self, fold: usize, label: usize) -> bool {
        self.n_positives[fold][label] > 0
    }

    /// Whether some fold has.
    pub fn is_scored(&self, label: usize) -> bool {
        (0..self.n_images.len()).any(|fold| self.is_scored_in(fold, label))
    }

    /// Of each fold that scores the label, the images with it or those without it, whichever are fewer; of values, those that
    /// have one.
    pub fn telling(&self, label: usize) -> Vec<usize> {
        let folds = (0..self.n_images.len()).filter(|&fold| self.is_scored_in(fold, label));
        folds.map(|fold| self.n_telling[fold][label]).collect()
    }
}

/// The images that tell a label apart over all folds: their sum, less one for each fold beyond the first, since resampling
/// shows only how the images *within* a fold differ, and of one image it shows nothing.
pub fn telling_together(of_folds: &[usize]) -> usize {
    of_folds.iter().sum::<usize>().saturating_sub(of_folds.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fold_counts_its_own_images() {
        let (first, second) = ([true, false, true, false, false, true], [false, false, true, false]);
        let truth = Truth::new(&[&first, &second], 2);
        assert_eq!((truth.n_images(0), truth.n_images(1)), (3, 2));
        assert_eq!(
            (truth.is_scored_in(0, 1), truth.is_scored_in(1, 1), truth.is_scored(1)),
            (true, false, true)
        );
        assert_eq!((truth.telling(0), truth.telling(1)), (vec![1, 1], vec![1]));
    }

    #[test]
    fn single_images_of_many_folds_tell_as_much_as_one() {
        assert_eq!(telling_together(&[7]), 7);
        assert_eq!(telling_together(&[1, 1, 1, 1, 1]), 1);
        assert_eq!(telling_together(&[2, 2, 2, 2, 2]), 6);
        assert_eq!(telling_together(&[0]), 0);
        assert_eq!(telling_together(&[0, 0]), 0);
    }
}
