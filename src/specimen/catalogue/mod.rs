//! Which cases are there? One file for each part of a token, and of the request that brings it.

mod accepted;
mod algorithm;
mod claims;
mod header;
mod json;
mod key;
mod presentation;
mod scope;
mod signature;
mod spelling;
mod time;

use super::case::Case;

/// All cases, in the order in which they are sent.
pub fn catalogue() -> Vec<Case> {
    let groups: [(&'static str, Vec<Case>); 11] = [
        ("accepted", accepted::cases()),
        ("algorithm", algorithm::cases()),
        ("key", key::cases()),
        ("header", header::cases()),
        ("signature", signature::cases()),
        ("spelling", spelling::cases()),
        ("json", json::cases()),
        ("claims", claims::cases()),
        ("time", time::cases()),
        ("scope", scope::cases()),
        ("request", presentation::cases()),
    ];
    groups.into_iter().flat_map(|(group, cases)| cases.into_iter().map(move |case| case.in_group(group))).collect()
}

#[cfg(test)]
mod tests;
