# The common commands. `just` lists them; each is one line that can be typed as well.

[private]
default:
    @just --list --unsorted

# Issuer and resource API in one process, in memory
dev *ARGUMENTS:
    cargo run --release -- dev {{ ARGUMENTS }}

# Every test that needs Rust and a C compiler only
test *ARGUMENTS:
    cargo test --locked {{ ARGUMENTS }}

# Formatting, lints, documentation
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace --locked

# Writes the formatting, and the documents that are made from the sources
format:
    cargo fmt --all
    cargo run -- config docs > docs/configuration.md

# The store's contract and several servers on PostgreSQL
postgres:
    tests/postgres/run

# That nothing acknowledged is lost when processes end in the middle or disks are full: points, kills, disk
crash *ARGUMENTS:
    tests/crash/run {{ ARGUMENTS }}

# What docs/deployment.md hands out: compose, kubernetes, systemd, topology
deployment *PARTS:
    tests/deployment/run {{ PARTS }}

# Real client libraries of other languages
interop *PARTS:
    tests/interop/run {{ PARTS }}

# The console in a real browser
browser *ARGUMENTS:
    tests/browser/run {{ ARGUMENTS }}

# Changes the code in small ways and looks whether a test notices; needs cargo-mutants
mutants *MODULES:
    tests/mutants/run {{ MODULES }}

# The README's commands in a fresh clone
tour:
    .ci/readme-tour

# Whole servers under load, beside a bare signature and other products: report and picture in target/load
load *ARGUMENTS:
    cargo bench --locked --bench load -- {{ ARGUMENTS }}

# One of the small benchmarks: sign, verify, authenticate, parse or snapshot
bench NAME *ARGUMENTS:
    cargo bench --locked --bench {{ NAME }} -- {{ ARGUMENTS }}

# Any input at all, an hour for each target; needs cargo-fuzz
fuzz *ARGUMENTS:
    fuzz/run {{ ARGUMENTS }}

# Licences, banned crates, sources, advisories; needs cargo-deny. `just deny licenses bans sources` needs no network
deny *CHECKS:
    cargo deny --locked check {{ CHECKS }}

# What the program is made of, as CycloneDX in target/sbom; needs cargo-cyclonedx
sbom *FEATURES:
    .ci/sbom {{ FEATURES }}

# Long work at half capacity, with rotation and clients that come and go: an hour, or --minutes N
soak *ARGUMENTS:
    tests/soak/run {{ ARGUMENTS }}

# Everything that must hold before a change is done
ci:
    .ci/run
