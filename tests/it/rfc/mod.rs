//! One test for each clause of docs/rfc-conformance.md; its first line names the clause and what it asks for.

#[cfg(test)]
mod bearer;
#[cfg(test)]
mod client_assertion;
#[cfg(test)]
mod jwt;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod token_endpoint;
