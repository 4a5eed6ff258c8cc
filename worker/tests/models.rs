//! The networks against timm 1.0.31 and torchvision 0.26: names, shapes, logits and gradients.
//!
//! The golden files were made by `tests/golden/models/make_models.py`, in 64-bit floats. Both sides fill every
//! tensor by the same formula of its name.

#![expect(clippy::unwrap_used, reason = "in a test that is the message")]
#![expect(clippy::print_stdout, reason = "a test that skips says so")]

#[path = "models/formula.rs"]
mod formula;
#[path = "models/attention.rs"]
mod attention;
#[path = "models/golden.rs"]
mod golden;
#[path = "models/behaviour.rs"]
mod behaviour;
#[path = "models/pretrained.rs"]
mod pretrained;
#[path = "models/scripts.rs"]
mod scripts;
#[path = "models/bad_weights.rs"]
mod bad_weights;
