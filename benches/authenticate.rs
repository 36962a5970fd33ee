//! What does a client's secret cost: remembered, checked for the first time, wrong, mistyped, of an unknown client?

mod world;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use tokenhouse::entropy::SystemEntropy;
use tokenhouse::issuer::authenticate_client::authenticate_client;
use tokenhouse::issuer::failed_attempts::{FailedAttempts, SlowTurn};
use tokenhouse::issuer::hash_pool::{HashPool, HashPoolSettings};
use tokenhouse::issuer::snapshot::Snapshot;
use tokenhouse::issuer::work_pool::PoolSize;
use tokenhouse::oauth::client_auth::{Candidate, Mechanism, PresentedSecret};
use tokenhouse::secret::{GeneratedSecret, HashMemory, WeakSecrets, hash_brought};
use zeroize::Zeroizing;

const BROUGHT: &str = "correct horse battery staple!";

fn presented(client_id: &str, secret: &str) -> PresentedSecret {
    let candidate = Candidate { client_id: client_id.to_owned(), secret: Zeroizing::new(secret.to_owned()) };
    PresentedSecret { mechanism: Mechanism::ClientSecretPost, candidates: vec![candidate] }
}

#[expect(clippy::expect_used, reason = "a benchmark without its clients cannot go on")]
fn authenticate(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be made");
    let (secret, hash) = world::secret();
    let api = world::api();
    let brought = hash_brought(BROUGHT, WeakSecrets::Refuse, None, &SystemEntropy, &mut HashMemory::default());
    let brought = brought.expect("the secret is long enough");
    let clients = vec![world::client("partner-a", hash, &api), world::client("partner-b", brought, &api)];
    let snapshot: Snapshot = world::snapshot(clients.into_iter(), &api, &world::context());
    let pool = |remembered| {
        let pool = PoolSize { threads: 1, queue: 64, max_wait: Duration::from_secs(5) };
        HashPool::start(HashPoolSettings { pool, remember: Duration::from_mins(5), remembered }, &SystemEntropy)
            .expect("a pool can be started")
    };
    let (remembering, forgetful) = (pool(1000), pool(0));
    let other = GeneratedSecret::generate(&SystemEntropy);
    let mistyped = format!("{}x", other.expose().split_at(GeneratedSecret::LENGTH - 1).0);
    let any_number = FailedAttempts::new(0);
    let mut group = criterion.benchmark_group("authenticate");
    for (name, hashes, presented) in [
        ("generated, remembered", &remembering, presented("partner-a", secret.expose())),
        ("generated, for the first time", &forgetful, presented("partner-a", secret.expose())),
        ("generated, wrong", &forgetful, presented("partner-a", other.expose())),
        ("generated, unknown client", &forgetful, presented("partner-x", other.expose())),
        ("generated, mistyped", &forgetful, presented("partner-a", &mistyped)),
        ("brought, remembered", &remembering, presented("partner-b", BROUGHT)),
        ("brought, for the first time", &forgetful, presented("partner-b", BROUGHT)),
        ("brought, wrong", &forgetful, presented("partner-b", "incorrect horse battery staple!")),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let turn = SlowTurn::new(&any_number, None, world::NOW);
                let presented = black_box(&presented);
                runtime.block_on(authenticate_client(presented, &snapshot, hashes, &turn, world::NOW)).is_ok()
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = authenticate
}
criterion_main!(benches);
