//! Spec to DAG of stages; each fresh, or dirty for a named reason.

mod change;
mod graph;
mod keys;
mod latest;
mod lookup;
mod nameable;
mod nodes;
mod record;
mod resolve;
mod seeding;
mod sources;
mod stage;
mod uses;
mod variants;

pub use change::Change;
pub use graph::{Input, Node, Plan, Run};
pub use keys::fingerprint;
pub use latest::Latest;
pub use lookup::{Found, look_up};
pub use nameable::nameable;
pub use record::PlanRecord;
pub use resolve::{DirtyReason, State, Why, last_report, resolve, why};
pub use seeding::Seeding;
pub use sources::{SourceError, Sources};
pub use stage::{Stage, output};
pub use uses::Uses;
pub use variants::VariantError;
