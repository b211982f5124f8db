//! Lists come in pages, newest first; a cursor is the id of the last row seen.

use uuid::Uuid;

/// Where a page goes on: rows strictly older than this id.
pub type Cursor = Option<Uuid>;

/// One page of a list, and where the next begins (`None` on the last).
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub next: Cursor,
}

impl<T> Page<T> {
    /// From rows fetched with one more than `limit`.
    pub(crate) fn cut(mut rows: Vec<T>, limit: usize, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let next = if rows.len() > limit {
            rows.truncate(limit);
            rows.last().map(id)
        } else {
            None
        };
        Page { rows, next }
    }
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(f).collect(), next: self.next }
    }
}
