//! The one door to Argon2, so that what each verb costs can be counted.

use crate::Accounts;
use keys::{AccountPassword, Busy};

impl Accounts {
    /// One computation: the PHC string of a new password.
    pub(crate) async fn hash(&self, password: &AccountPassword) -> Result<String, Busy> {
        count();
        self.hasher.hash(password).await
    }
    /// One computation, with or without a stored hash; false without one.
    pub(crate) async fn verify(&self, stored: Option<&str>, password: &str) -> Result<bool, Busy> {
        count();
        self.hasher.verify(stored, password).await
    }
}

#[cfg(not(test))]
fn count() {}

#[cfg(test)]
fn count() {
    COMPUTATIONS.set(COMPUTATIONS.get() + 1);
}

#[cfg(test)]
thread_local! {
    /// Computations on this thread; a test runs on one.
    pub(crate) static COMPUTATIONS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}
