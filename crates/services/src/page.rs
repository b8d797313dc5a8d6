//! Parts of lists.

use parlor_domain::store::PAGE_BYTES;

/// A part of a list, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, C> {
    /// The entries.
    pub items: Vec<T>,
    /// Where the next page begins; absent at the end of the list.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// Makes a page of what a store gave when it was asked for one more than `limit`.
    pub(crate) fn cut(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> C) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }

    /// The same where the store stops with the entry by which they are too large for a page.
    pub(crate) fn cut_by_size(
        items: Vec<T>,
        limit: usize,
        size: impl Fn(&T) -> usize,
        cursor: impl Fn(&T) -> C,
    ) -> Self {
        let bytes: usize = items.iter().map(size).sum();
        let most = if bytes > PAGE_BYTES { items.len() - 1 } else { limit };
        Self::cut(items, most.clamp(1, limit.max(1)), cursor)
    }
}
