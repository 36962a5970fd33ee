//! Which tokens must a resource server accept, and which refuse? A catalogue of both, each with the clause it stands for. Pure: time, names
//! and keys are parameters, and nothing is sent here (RFC 6750, RFC 7515, RFC 7519, RFC 8725, RFC 9068)
//!
//! | file | question |
//! |---|---|
//! | `case` | what is one case: what is sent, what must come back, and why does it matter? |
//! | `subject` | whom would a valid token of this run satisfy? |
//! | `key` | how does a key sign whatever is asked of it, also under another algorithm? |
//! | `draft` | how is a token made that is right, or wrong in one thing? |
//! | `forge` | what would a valid token of this run be? |
//! | `catalogue` | which cases are there? |
//! | `judge` | is what came back right? |

mod case;
mod catalogue;
mod draft;
mod forge;
mod judge;
mod key;
mod subject;

pub use case::{Also, Case, Level, NotSent, Presentation, Wanted};
pub use catalogue::catalogue;
pub use draft::{Draft, changed, from_b64};
pub use forge::Forge;
pub use judge::{Expectation, Finding, Grade, Outcome, Problem, judge};
pub use key::{KeyRing, SpecimenKey, SpecimenKeyError};
pub use subject::{Profile, ScopeFormat, Subject};
