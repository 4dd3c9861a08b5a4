//! The connector against scripted answers of EspoCRM.
