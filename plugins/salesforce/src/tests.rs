//! What the stand-in does not show.
