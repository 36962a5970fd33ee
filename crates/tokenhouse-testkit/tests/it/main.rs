//! The testkit as its users see it: real sockets, real issuers.

#[cfg(test)]
mod issuer;
#[cfg(test)]
mod partner_api;
