//! How long may a list in a statement be? Longer ones are asked for piece by piece.

use diesel::QueryResult;

/// Values per list. SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535; far fewer do as well.
pub(super) const VALUES: usize = 500;

/// All that `load` finds for `values`, which it is given a piece at a time.
pub(super) fn load_in_chunks<V, Row>(
    values: &[V],
    mut load: impl FnMut(&[V]) -> QueryResult<Vec<Row>>,
) -> QueryResult<Vec<Row>> {
    let mut rows = Vec::new();
    for chunk in values.chunks(VALUES) {
        rows.append(&mut load(chunk)?);
    }
    Ok(rows)
}
