//! pixels.
