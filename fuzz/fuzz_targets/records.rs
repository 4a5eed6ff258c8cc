#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    ablatrix_fuzz::feed("records", bytes);
});
