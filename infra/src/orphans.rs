//! Blobs that nobody names: a process that was killed between storing a segment and the act that names it leaves one behind.
//!
//! What would surprise you: most of them would be somebody's if this server looked at another database than the one whose blobs these are.
//! So where far more is nobody's than killed processes leave, nothing is deleted, and the operator is told.

use crate::App;
use kernel::Fault;
use messages::Unnamed;
use store::Stored;

/// Younger ones may belong to an act that is under way.
const OLD_DAYS: i64 = 1;
/// Looked at in one turn.
const AT_A_TIME: usize = 50_000;
/// Deleted in one turn.
const MOST: usize = 500;
/// So many may be nobody's where at least as many are somebody's; more than these may be a tenth.
const FEW: usize = 20;
const TENANTS_AT_A_TIME: u64 = 100;

/// Where the next turn goes on; the beginning at first.
#[derive(Debug, Default)]
pub struct Orphans {
    after: Option<String>,
}

impl App {
    /// Looks at a part of the blob store, and deletes what is older than a day and named by no row; how many.
    pub async fn sweep_blobs(&self, orphans: &mut Orphans) -> Result<u64, Fault> {
        let before = self.db.clock().now().plus_days(-OLD_DAYS);
        let page = self.db.blobs().stored(orphans.after.as_deref(), before, AT_A_TIME).await?;
        let looked = page.old.len();
        let unnamed = self.unnamed(page.old).await?;
        let count: usize = unnamed.values().map(Vec::len).sum();
        orphans.after = page.next;
        if !are_ours(count, looked) {
            tracing::warn!(
                count,
                looked,
                "more blobs are named by no row than killed processes leave, so none is deleted; are they another database's?"
            );
            return Ok(0);
        }
        let mut deleted = 0;
        for stored in unnamed.values().flatten().take(MOST) {
            self.db.blobs().delete_stored(stored).await?;
            deleted += 1;
        }
        Ok(deleted)
    }

    async fn unnamed(&self, old: Vec<Stored>) -> Result<Unnamed, Fault> {
        let (mut unnamed, mut after) = (Unnamed::new(), None);
        old.into_iter().for_each(|stored| unnamed.entry(stored.name.clone()).or_default().push(stored));
        while !unnamed.is_empty() {
            let tenants = self.db.front_desk().tenants(after, TENANTS_AT_A_TIME).await?;
            let Some(last) = tenants.last() else { break };
            after = Some(last.id);
            for tenant in tenants {
                let system = self.db.front_desk().system(tenant.id);
                self.db.read(&system, async |read| messages::strike_named(read, &mut unnamed).await).await?;
            }
        }
        Ok(unnamed)
    }
}

/// Whether a store in which `unnamed` of `looked` are nobody's is this database's own.
fn are_ours(unnamed: usize, looked: usize) -> bool {
    unnamed <= looked / 2 && (unnamed <= FEW || unnamed <= looked / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mostly_nobody_s_is_somebody_else_s() {
        for (unnamed, looked, ours) in
            [(0, 0, true), (0, 9, true), (1, 1, false), (1, 2, true), (20, 40, true), (20, 39, false), (21, 209, false), (21, 210, true)]
        {
            assert_eq!(are_ours(unnamed, looked), ours, "{unnamed} of {looked}");
        }
    }
}
