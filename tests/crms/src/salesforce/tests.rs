//! What an org refuses, by raw requests.
