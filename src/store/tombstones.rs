//! How does a replica learn what was deleted?

use diesel::prelude::*;

use super::connection::AnyConnection;
use super::object_kind::ObjectKind;
use super::read::Revision;
use super::schema::tombstones;

/// Notes that the object was deleted at `revision`.
pub(super) fn bury(
    connection: &mut AnyConnection,
    kind: ObjectKind,
    object_id: &str,
    revision: i64,
) -> QueryResult<()> {
    diesel::insert_into(tombstones::table)
        .values((
            tombstones::kind.eq(kind.as_str()),
            tombstones::object_id.eq(object_id),
            tombstones::revision.eq(revision),
        ))
        .execute(connection)
        .map(drop)
}

/// Forgets that an object with this id was ever deleted: it is there again, such as a key that is imported once more.
pub(super) fn unearth(connection: &mut AnyConnection, kind: ObjectKind, object_id: &str) -> QueryResult<()> {
    let grave = tombstones::table.find((kind.as_str(), object_id));
    diesel::delete(grave).execute(connection).map(drop)
}

/// The ids of the objects of `kind` that were deleted after `revision`.
pub(super) fn deleted_since(
    connection: &mut AnyConnection,
    kind: ObjectKind,
    revision: Revision,
) -> QueryResult<Vec<String>> {
    tombstones::table
        .filter(tombstones::revision.gt(revision.0))
        .filter(tombstones::kind.eq(kind.as_str()))
        .select(tombstones::object_id)
        .load(connection)
}
