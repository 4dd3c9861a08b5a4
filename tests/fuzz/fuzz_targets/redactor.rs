//! Feeds the property `redactor`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brightsync_properties::redactor::check(data));
