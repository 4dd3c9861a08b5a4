//! A program that does nothing but compile, for hosts in tests: a test binary cannot start itself for that.

fn main() {
    brightsync_runtime::compile::serve();
}
