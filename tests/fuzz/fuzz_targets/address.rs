//! Feeds the property `address`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brightsync_properties::address::check(data));
