//! Every path on disk.
