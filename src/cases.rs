//! How many random cases a property is tried with, in tests.

use proptest::prelude::ProptestConfig;

/// What proptest tries where nobody asks for more.
const USUAL: u32 = 256;

/// `cases`, for a property whose cases are slow; or as many as `PROPTEST_CASES` asks for, as `cargo xtask faults --full` does.
pub fn cases(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    if asked.cases == USUAL { ProptestConfig { cases, ..asked } } else { asked }
}
