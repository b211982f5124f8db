//! Statement texts that are written once: writing one costs as much as running it. There are as many as there are shapes of a
//! statement, so none is ever freed.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{LazyLock, PoisonError, RwLock},
};

/// `K`: what a text depends on, never a value from outside.
pub(crate) struct Texts<K>(LazyLock<RwLock<HashMap<K, &'static str>>>);

impl<K: Eq + Hash> Texts<K> {
    pub const fn new() -> Texts<K> {
        Texts(LazyLock::new(RwLock::default))
    }
    pub fn known(&self, shape: &K) -> Option<&'static str> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(shape).copied()
    }
    pub fn keep(&self, shape: K, text: String) -> &'static str {
        self.0.write().unwrap_or_else(PoisonError::into_inner).entry(shape).or_insert_with(|| text.leak())
    }
}
