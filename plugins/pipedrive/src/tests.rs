//! The connector against scripted answers: what the stand-in does not show.
