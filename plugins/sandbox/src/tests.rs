//! The connector against a scripted sandbox.
