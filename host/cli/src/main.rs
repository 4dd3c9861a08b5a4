//! The BrightSync command line.

fn main() {}
