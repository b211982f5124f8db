//! Reserving and releasing, in the transaction that accepts or gives up.
//!
//! What would surprise you: in the good case a reservation is one conditional update and nothing is read; only when no
//! row was changed does it look why: the period is over (a new one begins, then once more), or there is not enough.

use crate::{QuotaRefused, Refused, limits::allowance_row, period, usage::founded};
use kernel::{Fault, Time};
use sea_orm::{
    ColumnTrait, Condition, QueryFilter,
    sea_query::{CaseStatement, Expr, ExprTrait},
};
use store::{
    TenantTx,
    entity::allowance::{Column, Entity, Model},
};

/// Tries of a reservation that meets the end of a period or a release at the same moment.
const TRIES: usize = 4;

/// Takes `n` sends from the running period, or refuses and takes none. Make it the last statement of an act: its row is the hottest.
pub async fn reserve_sends(tx: &TenantTx, n: i64) -> Result<(), Refused> {
    let n = Ord::max(n, 0);
    for _ in 0..TRIES {
        if take_sends(tx, n).await? {
            return Ok(());
        }
        let row = allowance_row(tx).await?;
        if row.period_ends_at <= tx.now().0 {
            begin_period(tx, &row).await?;
        } else if let Some(limit) = short_of(row.sends_limit, row.sends_used, n) {
            let resets_at = Some(Time(row.period_ends_at));
            return Err(QuotaRefused::OverQuota { dimension: "sends", limit, used: row.sends_used, resets_at }.into());
        }
    }
    Err(Fault::other("the allowance of sends kept changing under a reservation").into())
}

/// Gives back `n` sends that did not happen. Never below zero: they may have been of a period that is over.
pub async fn release_sends(tx: &TenantTx, n: i64) -> Result<(), Fault> {
    release(tx, Column::SendsUsed, n).await
}

/// Waits for the tenant's allowance and holds it to the end of the act: what is counted after this is still so at the commit.
pub async fn in_turn(tx: &TenantTx) -> Result<(), Fault> {
    tx.hold_own::<Entity>().await.map(|_| ())
}

/// Takes room for `n` bytes of content, or refuses and takes none.
pub async fn reserve_bytes(tx: &TenantTx, n: i64) -> Result<(), Refused> {
    let n = Ord::max(n, 0);
    for _ in 0..TRIES {
        let fits = fits(Column::StoredBytes, Column::StoredLimit, n);
        if tx.update::<Entity>().set(Column::StoredBytes, plus(Column::StoredBytes, n)).filter(fits).exec().await? == 1 {
            return Ok(());
        }
        let row = allowance_row(tx).await?;
        if let Some(limit) = short_of(row.stored_limit, row.stored_bytes, n) {
            return Err(QuotaRefused::OverQuota { dimension: "stored_bytes", limit, used: row.stored_bytes, resets_at: None }.into());
        }
    }
    Err(Fault::other("the allowance of storage kept changing under a reservation").into())
}

/// Gives back room for `n` bytes whose content is gone.
pub async fn release_bytes(tx: &TenantTx, n: i64) -> Result<(), Fault> {
    release(tx, Column::StoredBytes, n).await
}

/// The one conditional update: true if the period runs and `n` more fit.
async fn take_sends(tx: &TenantTx, n: i64) -> Result<bool, Fault> {
    let running = fits(Column::SendsUsed, Column::SendsLimit, n).add(Column::PeriodEndsAt.gt(tx.now().0));
    tx.update::<Entity>().set(Column::SendsUsed, plus(Column::SendsUsed, n)).filter(running).exec_one().await
}

/// Starts the next period, unless someone else just did.
async fn begin_period(tx: &TenantTx, over: &Model) -> Result<(), Fault> {
    let ends_at = period::next_end(founded(tx).await?, tx.now());
    tx.update::<Entity>()
        .set(Column::SendsUsed, 0_i64)
        .set(Column::PeriodEndsAt, ends_at.0)
        .filter(Column::PeriodEndsAt.eq(over.period_ends_at))
        .exec()
        .await?;
    Ok(())
}

async fn release(tx: &TenantTx, used: Column, n: i64) -> Result<(), Fault> {
    let n = Ord::max(n, 0);
    let less: Expr = CaseStatement::new().case(used.gt(n), Expr::col(used).sub(n)).finally(0_i64).into();
    match tx.update::<Entity>().set(used, less).exec().await? {
        1 => Ok(()),
        _ => Err(Fault::other("the tenant has no allowance")),
    }
}

fn plus(column: Column, n: i64) -> Expr {
    Expr::col(column).add(n)
}

fn fits(used: Column, limit: Column, n: i64) -> Condition {
    let enough = Condition::any().add(limit.is_null()).add(plus(used, n).lte(Expr::col(limit)));
    Condition::all().add(enough)
}

/// The limit, if `n` more do not fit beneath it.
fn short_of(limit: Option<i64>, used: i64, n: i64) -> Option<i64> {
    limit.filter(|limit| used.saturating_add(n) > *limit)
}
