//! The connector against a scripted Tryton.
