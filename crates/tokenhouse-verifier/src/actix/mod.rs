//! How does an actix-web handler get a verified access token? (RFC 6750 §2 and §3)
//!
//! Put a [`ResourceServer`](crate::ResourceServer) into `web::Data`, and ask for the token in the handler's signature:
//!
//! - [`AccessToken`](crate::AccessToken): any valid token;
//! - [`Scoped<S>`](Scoped): a valid token that carries the scope `S` names, else 403;
//! - [`OneBearerMethod`], a middleware, where an API reads forms: it refuses a token in the body beside the one in
//!   the header.

mod bearer;
mod body_token;
mod extract;
mod refusal;

pub use body_token::OneBearerMethod;
pub use extract::Scoped;
pub use refusal::{Reason, Refusal};
