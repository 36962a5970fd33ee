//! One test for each clause of docs/rfc-conformance.md.
