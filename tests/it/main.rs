//! The built program, on real sockets: what its users see.

#![expect(unreachable_pub, reason = "a test binary has no public items")]

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod attack_table;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod client_assertion;
#[cfg(test)]
mod client_key;
#[cfg(test)]
mod concurrent_edits;
#[cfg(test)]
mod conform;
#[cfg(test)]
mod conformance_table;
#[cfg(test)]
mod console;
#[cfg(test)]
mod console_cli;
#[cfg(test)]
mod control;
#[cfg(test)]
mod dev;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod document;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod failed_attempts;
#[cfg(test)]
mod files;
#[cfg(test)]
mod hostile_http;
#[cfg(test)]
mod hostile_log;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod indistinguishable;
#[cfg(test)]
mod jwks_uri;
#[cfg(test)]
mod limits_table;
#[cfg(test)]
mod management;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod moved_callers;
#[cfg(test)]
mod oauth_secret;
#[cfg(test)]
mod oauth_token;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod request_rate;
#[cfg(test)]
mod request_smuggling;
#[cfg(test)]
mod rfc;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod signing_keys;
#[cfg(test)]
mod slow_clients;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod token_reuse;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod zeroized;
