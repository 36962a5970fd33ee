//! How is a client secret made, recognised, stored and checked? (RFC 6749 §2.3.1, §10.1, §10.10)
//!
//! | file | question |
//! |---|---|
//! | `generated` | what does a secret that Tokenhouse generates look like? |
//! | `brought` | which secrets may a person bring, and how is any secret hashed? |
//! | `machine_made` | was a secret from elsewhere made by a machine? |
//! | `work` | what does one check cost, and in which memory does it run? |
//! | `hash` | does a presented secret match a stored hash? |
//! | `hash_format` | which texts are accepted as a stored hash? |
//! | `stored` | what is kept about a secret of a client? |

mod brought;
mod generated;
mod hash;
mod hash_format;
mod machine_made;
mod stored;
mod work;

pub use brought::{MIN_SECRET_CHARACTERS, WeakSecret, WeakSecrets};
pub use brought::{hash_brought, hash_generated, hash_imported, validate_brought};
pub use generated::{GeneratedSecret, PresentedForm, SecretId};
pub use hash::{SecretHash, verify_any};
pub use hash_format::SecretHashError;
pub use machine_made::is_machine_made;
pub use stored::StoredSecret;
pub use work::{Argon2Variant, HashMemory, MAX_SECRET_BYTES, SecretWork, Sha2};
