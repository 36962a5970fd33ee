//! Which connection does a caller get, and how long does it wait for one?

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use diesel::r2d2::{Error as ConnectError, R2D2Connection as _};
use r2d2::{ManageConnection, Pool, PooledConnection};
use scheduled_thread_pool::ScheduledThreadPool;

use super::connection::AnyConnection;
use super::error::StoreError;
use super::leaving::Talking;
use super::target::{Access, Target};

/// How long a caller waits for a connection. Behind the one writer of SQLite it waits for all those before it.
const WAIT_FOR_ONE_WRITER: Duration = Duration::from_secs(5);

/// How long it waits elsewhere. While no connection can be made it is tried twice in this time, so that a server that returns is
/// noticed within a second.
const WAIT: Duration = Duration::from_secs(2);

/// The connections of a store. On SQLite exactly one writes: others would only wait for it with their sleeps in the
/// engine, where nobody is first come, first served.
#[derive(Clone, Debug)]
pub(super) struct Pools {
    readers: Pool<Connector>,
    writers: Pool<Connector>,
    /// Are the two the same?
    are_shared: bool,
}

/// A connection for the time being; dropping it gives it back.
pub(super) struct Borrowed {
    connection: PooledConnection<Connector>,
    _talking: Talking,
}

impl Deref for Borrowed {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.connection
    }
}

impl DerefMut for Borrowed {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

impl Pools {
    pub(super) fn new(target: &Target, size: u32) -> Self {
        let writers = Connector { target: target.clone(), access: Access::Write };
        if target.has_one_writer() {
            let readers = Connector { target: target.clone(), access: Access::Read };
            let pool = |connector, size| pool(connector, size, WAIT_FOR_ONE_WRITER);
            Self { readers: pool(readers, size), writers: pool(writers, 1), are_shared: false }
        } else {
            let shared = pool(writers, size, WAIT);
            Self { readers: shared.clone(), writers: shared, are_shared: true }
        }
    }

    pub(super) fn reader(&self) -> Result<Borrowed, StoreError> {
        borrow(&self.readers)
    }

    pub(super) fn writer(&self) -> Result<Borrowed, StoreError> {
        borrow(&self.writers)
    }
}

/// One pool of connections, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// What its connections do: `read`, `write`, or `shared` where each does both.
    pub purpose: &'static str,
    /// How many are open.
    pub open: u32,
    /// How many of those nobody uses.
    pub idle: u32,
    /// How many there may be.
    pub most: u32,
}

impl Pools {
    pub(super) fn in_use(&self) -> Vec<PoolUse> {
        let of = |purpose, pool: &Pool<Connector>| {
            let state = pool.state();
            PoolUse { purpose, open: state.connections, idle: state.idle_connections, most: pool.max_size() }
        };
        if self.are_shared {
            vec![of("shared", &self.writers)]
        } else {
            vec![of("read", &self.readers), of("write", &self.writers)]
        }
    }
}

fn pool(connector: Connector, size: u32, wait: Duration) -> Pool<Connector> {
    let builder = Pool::builder().max_size(size.max(1)).min_idle(Some(0)).connection_timeout(wait);
    // A database that hangs may keep these threads waiting: elsewhere each pool has its own.
    let in_memory = matches!(connector.target, Target::SqliteMemory { .. });
    let builder = if in_memory { builder.thread_pool(FOR_MEMORY.clone()) } else { builder };
    // `build_unchecked` opens nothing yet.
    builder.build_unchecked(connector)
}

/// Opens the connections of all databases in memory, of which a test process has many: that takes no time.
static FOR_MEMORY: LazyLock<Arc<ScheduledThreadPool>> = LazyLock::new(|| {
    Arc::new(ScheduledThreadPool::builder().num_threads(1).thread_name_pattern("memory-pool").build())
});

fn borrow(pool: &Pool<Connector>) -> Result<Borrowed, StoreError> {
    let talking = Talking::begin().ok_or_else(ending)?;
    let connection = pool.get().map_err(|error| {
        // With every connection in use the wait was in vain; with one missing, making it has failed again and again.
        if pool.state().connections >= pool.max_size() {
            StoreError::PoolExhausted
        } else {
            StoreError::ConnectionLost { detail: error.to_string() }
        }
    })?;
    Ok(Borrowed { connection, _talking: talking })
}

fn ending() -> StoreError {
    StoreError::ConnectionLost { detail: "this program is about to end".to_owned() }
}

/// Makes and checks the connections of a pool.
#[derive(Debug)]
pub(super) struct Connector {
    target: Target,
    access: Access,
}

impl ManageConnection for Connector {
    type Connection = AnyConnection;
    type Error = ConnectError;

    fn connect(&self) -> Result<AnyConnection, ConnectError> {
        self.target.connect(self.access)
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> Result<(), ConnectError> {
        match connection {
            // A file does not hang up.
            AnyConnection::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            AnyConnection::Postgresql(postgresql) => postgresql.ping().map_err(ConnectError::QueryError),
        }
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        // A panic in the middle of a transaction leaves it open: such a connection is not used again.
        std::thread::panicking() || connection.is_broken()
    }
}
