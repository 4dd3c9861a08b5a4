//! Feeds the property `manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brightsync_properties::manifest::check(data));
