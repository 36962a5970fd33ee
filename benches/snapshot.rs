//! Does the snapshot stay as quick with a million clients as with a thousand: look-up, one change, clone?

mod world;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tokenhouse::issuer::snapshot::{Snapshot, SnapshotContext};
use tokenhouse::oauth::client::Client;
use tokenhouse::store::{Revision, StoreChanges};

/// Prime, so that successive look-ups lie far apart.
const STEP: usize = 7919;

/// What a server does when another has changed a client.
fn change(snapshot: Snapshot, client: Client, context: &SnapshotContext) -> bool {
    let mut clients = snapshot.clients().clone();
    clients.put(client);
    let changes = StoreChanges {
        revision: Revision(2),
        apis: Vec::new(),
        clients: (),
        signing_keys: Vec::new(),
        removed_api_ids: Vec::new(),
        removed_client_ids: Vec::new(),
        removed_kids: Vec::new(),
    };
    snapshot.with(changes, clients, context, world::NOW).is_ok()
}

fn snapshot(criterion: &mut Criterion) {
    let api = world::api();
    let context = world::context();
    // One hash for all of them: what is measured does not look at it, and a million would take half a minute.
    let (_, hash) = world::secret();
    let mut group = criterion.benchmark_group("snapshot");
    for count in [1000, 10_000, 100_000, 1_000_000] {
        let ids: Vec<String> = (0..count).map(|number| format!("client-{number:07}")).collect();
        let clients = ids.iter().map(|id| world::client(id, hash.clone(), &api));
        let snapshot = world::snapshot(clients, &api, &context);
        let mut next = 0;
        group.bench_function(format!("look-up, {count} clients"), |bencher| {
            bencher.iter(|| {
                next = (next + STEP) % ids.len();
                ids.get(next).and_then(|id| snapshot.client(black_box(id))).is_some()
            });
        });
        group.bench_function(format!("clone, {count} clients"), |bencher| bencher.iter(|| snapshot.clone()));
        group.bench_function(format!("one change, {count} clients"), |bencher| {
            let changed = || (snapshot.clone(), world::client("client-0000500", hash.clone(), &api));
            bencher.iter_batched(
                changed,
                |(snapshot, client)| change(snapshot, client, &context),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = snapshot
}
criterion_main!(benches);
