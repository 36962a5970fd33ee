# syntax=docker/dockerfile:1
# The image of Tokenhouse: one program, with SQLite and PostgreSQL. docs/deployment.md says how to run it.

FROM rust:1.95-slim-trixie AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpq-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# Only what the build reads; .dockerignore leaves out the rest, also rust-toolchain.toml: the tag above says which compiler.
COPY . .
# The caches belong to the builder and are no part of a layer, so the program is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --package tokenhouse --features postgres \
    && cp target/release/tokenhouse /usr/local/bin/tokenhouse

FROM debian:trixie-slim
# libpq for PostgreSQL; the certificates for clients' jwks_uris and for the resource API's issuer.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libpq5 \
    && rm -rf /var/cache/apt/* /var/lib/apt/lists/* \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/tokenhouse
COPY --from=build /usr/local/bin/tokenhouse /usr/local/bin/tokenhouse
# A number, not a name: Kubernetes cannot tell of a name that it is not root.
USER 10001:10001
# Where the default settings put a SQLite database and the master key. With both given elsewhere nothing is written.
WORKDIR /var/lib/tokenhouse
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["tokenhouse", "healthcheck"]
ENTRYPOINT ["tokenhouse"]
CMD ["serve"]
