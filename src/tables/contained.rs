//! Calls into the Parquet library, which panics on some damaged pages instead of giving an error.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// What `read` gives; `None` where it panicked. Such a panic is an error of the file, and is not printed.
pub fn contained<T>(read: impl FnOnce() -> T) -> Option<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !INSIDE.get() {
                before(info);
            }
        }));
    });
    let outside = INSIDE.replace(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    INSIDE.set(outside);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_is_nothing_and_ends_there() {
        assert_eq!(contained(|| 7), Some(7));
        let nothing: Option<u8> = contained(|| {
            assert_eq!(contained(|| panic!("bug: of a library")), None::<u8>);
            assert!(INSIDE.get());
            panic!("bug: of a library")
        });
        assert_eq!(nothing, None);
        assert!(!INSIDE.get());
    }
}
