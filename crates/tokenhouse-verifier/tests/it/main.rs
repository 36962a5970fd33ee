//! Does the verifier as a whole hold what its README promises? One binary for tests with keys, sockets, vectors.

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
