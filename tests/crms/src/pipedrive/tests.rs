//! What the stand-in refuses, and what it answers.
