//! Jobs to arrays: a cluster limits the highest index of an array, and the user the jobs in the queue.

/// Jobs of each array that `n` jobs are divided into, where the highest index of an array is below `max_array_size` and `room` more
/// jobs may be queued. What has no room is left out. A cluster without arrays (`max_array_size` 0) takes one job at a time.
pub fn chunks(n: usize, max_array_size: usize, room: usize) -> Vec<usize> {
    let (mut left, most) = (n.min(room), max_array_size.max(1));
    let mut sizes = Vec::new();
    while left > 0 {
        sizes.push(left.min(most));
        left -= left.min(most);
    }
    sizes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn twelve_jobs_are_three_arrays_where_indices_end_at_four() {
        assert_eq!(chunks(12, 5, 500), [5, 5, 2]);
        assert_eq!(chunks(12, 1_001, 500), [12]);
        assert_eq!(chunks(3, 0, 500), [1, 1, 1]);
    }

    proptest! {
        #[test]
        fn every_job_with_room_is_in_one_array_and_no_index_is_too_high(
            n in 0_usize..3_000, max_array_size in 0_usize..1_200, room in 0_usize..3_000
        ) {
            let sizes = chunks(n, max_array_size, room);
            prop_assert_eq!(sizes.iter().sum::<usize>(), n.min(room));
            prop_assert!(sizes.iter().all(|&size| size > 0 && size - 1 < max_array_size.max(1)));
            // No more arrays than needed: all but the last are full.
            prop_assert!(sizes.iter().rev().skip(1).all(|&size| size == max_array_size.max(1)));
        }
    }
}
