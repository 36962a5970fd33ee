//! How does PostgreSQL tell replicas of a change at once? By NOTIFY in the transaction, which is delivered when it is committed.

use super::connection::AnyConnection;
use super::error::StoreError;
use super::open::Store;
use super::read::Revision;

/// The channel. Other databases of Tokenhouse in other schemas may share it: what is heard is only a reason to look.
#[cfg(feature = "postgres")]
const CHANNEL: &str = "tokenhouse";

/// A connection that is told of changes.
pub struct Listener {
    #[cfg(feature = "postgres")]
    connection: diesel::PgConnection,
    #[cfg(feature = "postgres")]
    _talking: super::leaving::Talking,
}

impl Store {
    /// Does this database tell of changes?
    pub const fn tells_of_changes(&self) -> bool {
        // With one writer there is one server.
        !self.target.has_one_writer()
    }

    /// Makes a connection that is told of every change from now on.
    ///
    /// # Errors
    /// If the database cannot be reached, or does not tell of changes.
    pub fn listen(&self) -> Result<Listener, StoreError> {
        #[cfg(feature = "postgres")]
        {
            use diesel::connection::SimpleConnection as _;

            use super::target::Access;

            let connection = self.target.connect(Access::Read);
            let connection = connection.map_err(|error| StoreError::ConnectionLost { detail: error.to_string() })?;
            if let AnyConnection::Postgresql(mut connection) = connection {
                connection.batch_execute(&format!("LISTEN {CHANNEL}"))?;
                if let Some(talking) = super::leaving::Talking::begin() {
                    return Ok(Listener { connection, _talking: talking });
                }
            }
        }
        Err(StoreError::Query { detail: "this database does not tell of changes".to_owned() })
    }
}

impl Listener {
    /// The newest revision that has been told of since the last call, without waiting for one.
    ///
    /// # Errors
    /// If the connection is lost.
    #[cfg(feature = "postgres")]
    pub fn news(&mut self) -> Result<Option<Revision>, StoreError> {
        let mut newest = None;
        for notification in self.connection.notifications_iter() {
            // libpq says only in words that the connection is gone.
            let lost = |error: diesel::result::Error| StoreError::ConnectionLost { detail: error.to_string() };
            let told = notification.map_err(lost)?.payload.parse().ok().map(Revision);
            newest = newest.max(told);
        }
        Ok(newest)
    }

    /// The number of the server's process that serves it.
    #[cfg(all(test, feature = "postgres"))]
    pub(super) fn backend(&mut self) -> diesel::QueryResult<i32> {
        use diesel::RunQueryDsl as _;
        use diesel::dsl::sql;
        use diesel::sql_types::Integer;

        diesel::select(sql::<Integer>("pg_backend_pid()")).get_result(&mut self.connection)
    }

    /// Nothing: such a connection cannot be made.
    ///
    /// # Errors
    /// None.
    #[cfg(not(feature = "postgres"))]
    pub fn news(&mut self) -> Result<Option<Revision>, StoreError> {
        Ok(None)
    }
}

/// Tells listeners that the database is at `revision`, once the transaction is committed.
#[cfg_attr(not(feature = "postgres"), expect(clippy::unnecessary_wraps, reason = "SQLite tells nobody"))]
pub(super) fn announce(connection: &mut AnyConnection, revision: Revision) -> Result<(), StoreError> {
    match connection {
        AnyConnection::Sqlite(_) => {}
        #[cfg(feature = "postgres")]
        AnyConnection::Postgresql(postgresql) => {
            use diesel::RunQueryDsl as _;

            diesel::select(pg_notify(CHANNEL, revision.0.to_string())).execute(postgresql)?;
        }
    }
    #[cfg(not(feature = "postgres"))]
    let _ = revision;
    Ok(())
}

#[cfg(feature = "postgres")]
diesel::define_sql_function! {
    /// Gives nothing back; the type is what diesel must be told.
    fn pg_notify(channel: diesel::sql_types::Text, payload: diesel::sql_types::Text) -> diesel::sql_types::Text;
}
