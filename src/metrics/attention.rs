//! Measures of where a model looks: of a map over a picture, beside the pixels of the objects.
//!
//! A map has one number per pixel, row by row, none of them below 0, and is 0 where the model's answer rests on nothing. All
//! measures are the same for a map and for its multiples. A map that is 0 everywhere, or not finite, has none.

/// The share of the map's sum that lies inside, 0 to 1. A map that is the same everywhere has the share of the picture that
/// `inside` takes: the number to compare with.
///
/// `map` and `inside`: one value per pixel, in the same order.
///
/// Source: the "energy-based pointing game" of Wang et al., "Score-CAM", 2020, with masks where there are any.
pub fn energy_inside(map: &[f32], inside: &[bool]) -> Option<f64> {
    assert_eq!(map.len(), inside.len(), "bug: a map and a region of two pictures");
    let _ = maximum(map)?;
    let sum = |pixels: &mut dyn Iterator<Item = f32>| pixels.map(f64::from).sum::<f64>();
    let all = sum(&mut map.iter().copied());
    let share = sum(&mut map.iter().zip(inside).filter(|(_, is_in)| **is_in).map(|(&value, _)| value)) / all;
    share.is_finite().then_some(share)
}

/// Whether the map's maximum lies inside: the pointing game of Zhang et al., "Top-down neural attention by excitation
/// backprop", 2018.
///
/// A map that was enlarged has its maximum on a corner or a side of the picture as a patch of equal pixels: it lies inside where
/// one of them does. There is no other tolerance (the paper's is 15 pixels).
pub fn pointing_hit(map: &[f32], inside: &[bool]) -> Option<bool> {
    assert_eq!(map.len(), inside.len(), "bug: a map and a region of two pictures");
    let maximum = maximum(map)?;
    Some(map.iter().zip(inside).any(|(&value, &is_in)| is_in && value == maximum))
}

/// The share of the picture where the map is above half of its maximum, 0 to 1.
pub fn active_area(map: &[f32]) -> Option<f64> {
    let half = maximum(map)? / 2.0;
    Some(map.iter().filter(|&&value| value > half).count() as f64 / map.len() as f64)
}

/// The pixels in the order in which a curve of deletion or insertion takes them: the strongest first, equal ones row by row.
pub fn strongest_first(map: &[f32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..map.len() as u32).collect();
    order.sort_by(|&a, &b| map[b as usize].total_cmp(&map[a as usize]));
    order
}

/// Pixels that are changed after each of `steps` equal steps, from the first step to the last, which changes all.
pub fn changed_pixels(n_pixels: usize, steps: usize) -> impl Iterator<Item = usize> {
    (1..=steps).map(move |step| n_pixels * step / steps)
}

/// The area under a curve of probabilities over the share of pixels that are changed, 0 to 1, by trapezoids of equal width: of
/// deletion the smaller the better, of insertion the larger (Petsiuk et al., "RISE", 2018). `None` where there are fewer than
/// two points, or one is not finite.
pub fn area_under(probabilities: &[f64]) -> Option<f64> {
    let [first, .., last] = probabilities else { return None };
    let inner: f64 = probabilities.iter().sum::<f64>() - (first + last) / 2.0;
    let area = inner / (probabilities.len() - 1) as f64;
    area.is_finite().then_some(area)
}

/// The map's maximum; `None` where it is not above 0, or the map is not finite.
fn maximum(map: &[f32]) -> Option<f32> {
    if map.iter().any(|value| !value.is_finite()) {
        return None;
    }
    map.iter().copied().reduce(f32::max).filter(|&maximum| maximum > 0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 3 x 3; the object is the left column.
    const MAP: [f32; 9] = [4.0, 1.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 2.0];
    const LEFT: [bool; 9] = [true, false, false, true, false, false, true, false, false];

    #[test]
    fn a_map_by_hand() {
        assert_eq!(energy_inside(&MAP, &LEFT), Some(0.6));
        assert_eq!(pointing_hit(&MAP, &LEFT), Some(true));
        // Half of the maximum is not above it.
        assert_eq!(active_area(&MAP), Some(1.0 / 9.0));
        let right = LEFT.map(|is_in| !is_in);
        assert_eq!(energy_inside(&MAP, &right), Some(0.4));
        assert_eq!(pointing_hit(&MAP, &right), Some(false));
    }

    #[test]
    fn a_map_that_is_the_same_everywhere_has_the_objects_share() {
        assert_eq!(energy_inside(&[0.5; 9], &LEFT), Some(1.0 / 3.0));
        assert_eq!(pointing_hit(&[0.5; 9], &LEFT), Some(true));
        assert_eq!(active_area(&[0.5; 9]), Some(1.0));
    }

    #[test]
    fn one_of_several_largest_pixels_is_enough() {
        let corner = [9.0, 9.0, 0.0, 9.0, 9.0, 0.0, 0.0, 0.0, 0.0];
        let only = |at: usize| std::array::from_fn::<bool, 9, _>(|i| i == at);
        assert_eq!(pointing_hit(&corner, &only(4)), Some(true));
        assert_eq!(pointing_hit(&corner, &only(8)), Some(false));
    }

    #[test]
    fn an_empty_map_has_no_measures() {
        for map in [[0.0; 9], [f32::NAN; 9]] {
            assert_eq!(energy_inside(&map, &LEFT), None);
            assert_eq!(pointing_hit(&map, &LEFT), None);
            assert_eq!(active_area(&map), None);
        }
        let mut broken = MAP;
        broken[3] = f32::INFINITY;
        assert_eq!((energy_inside(&broken, &LEFT), active_area(&broken)), (None, None));
    }

    #[test]
    fn pixels_are_taken_by_their_strength() {
        assert_eq!(strongest_first(&MAP), [0, 3, 8, 1, 4, 2, 5, 6, 7]);
        assert_eq!(changed_pixels(9, 4).collect::<Vec<_>>(), [2, 4, 6, 9]);
        assert_eq!(changed_pixels(9, 1).collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn areas_are_those_of_trapezoids() {
        assert_eq!(area_under(&[1.0, 0.5, 0.0]), Some(0.5));
        assert_eq!(area_under(&[1.0, 0.0, 0.0, 0.0]), Some(1.0 / 6.0));
        assert_eq!(area_under(&[0.25; 5]), Some(0.25));
        assert_eq!(area_under(&[0.25]), None);
        assert_eq!(area_under(&[0.25, f64::NAN]), None);
    }

    proptest! {
        #[test]
        fn measures_are_shares_and_those_of_every_multiple(
            map in proptest::collection::vec(0_u8..20, 16), inside in any::<u16>(), factor in 1_u8..9
        ) {
            let inside: Vec<bool> = (0..16).map(|i| inside >> i & 1 == 1).collect();
            let times = |factor: u8| map.iter().map(|&v| f32::from(v) * f32::from(factor)).collect::<Vec<_>>();
            let (one, many) = (times(1), times(factor));
            prop_assert_eq!(pointing_hit(&one, &inside), pointing_hit(&many, &inside));
            prop_assert_eq!(active_area(&one), active_area(&many));
            let shares = (energy_inside(&one, &inside), energy_inside(&many, &inside));
            prop_assert_eq!(shares.0.is_some(), map.iter().any(|&v| v > 0));
            if let (Some(one), Some(many)) = shares {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&one) && (one - many).abs() < 1e-12);
            }
        }
    }
}
