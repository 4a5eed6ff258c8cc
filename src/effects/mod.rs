//! effects.
