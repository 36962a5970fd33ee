//! The strict front end alone, for other kinds of JWT than access tokens: size, shape, header and JSON, before any key
//! or claim is looked at (RFC 7515 §3.1 and §4, RFC 8725 §3).
//!
//! It refuses what parsers disagree about: non-canonical base64url, members given twice, `crit`, `b64`, encryption. What
//! the claims must be is for the caller to say; [`VerificationKey`](crate::VerificationKey) checks the signature.

pub use crate::header::ProtectedHeader;
pub use crate::json_object::{JsonObject, parse_json_object};
pub use crate::token::CompactJws;
