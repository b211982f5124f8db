//! Facts about accounts, each on SQLite and on PostgreSQL, in a town of its own.

mod api_keys;
mod devices;
mod hand_off;
mod links;
mod passwords;
mod sessions;
mod sign_in;
mod sign_up;
mod step_up;
mod town;

/// Runs a fact on both databases.
macro_rules! facts {
    ($($(#[$doc:meta])* async fn $name:ident($town:ident) $body:block)*) => { $(
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            async fn holds($town: $crate::tests::town::Town) $body
            #[tokio::test]
            async fn on_sqlite() { holds($crate::tests::town::Town::on_sqlite().await).await }
            #[tokio::test]
            async fn on_postgres() { holds($crate::tests::town::Town::on_postgres().await).await }
        }
    )* };
}
pub(crate) use facts;
