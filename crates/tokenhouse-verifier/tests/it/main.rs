//! Does the verifier as a whole hold what its README promises? One binary for all tests that need keys, sockets or vectors.

#[cfg(test)]
mod actix;
#[cfg(test)]
mod hostile_tokens;
#[cfg(test)]
mod issuer;
#[cfg(test)]
mod random_input;
#[cfg(test)]
mod remote;
#[cfg(test)]
mod signature_cache;
#[cfg(test)]
mod wycheproof;
