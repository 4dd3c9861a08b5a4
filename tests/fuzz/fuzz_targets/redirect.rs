//! Feeds the property `redirect`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brightsync_properties::redirect::check(data));
