//! Feeds the property `answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brightsync_properties::answer::check(data));
