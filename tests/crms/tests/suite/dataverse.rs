//! Dataverse.
