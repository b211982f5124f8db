//! What a tenant bought, and the limits that one message meets by itself.

use crate::QuotaRefused;
use kernel::Fault;
use std::{sync::Arc, time::Duration};
use store::{Look, entity::allowance};

/// How old limits may be before they are read again; a change of plan shows after this.
const FRESH: Duration = Duration::from_secs(1);

/// Limits of a tenant: `None` is unlimited, `0` is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages to one recipient each, a month.
    pub sends: Option<i64>,
    /// Recipients of one message.
    pub recipients: Option<i64>,
    /// Body and attachments of one message, in bytes.
    pub message_bytes: Option<i64>,
    /// Content stored at any one time, in bytes.
    pub stored_bytes: Option<i64>,
    /// Longest life of a message's content, in days from when it is submitted.
    pub life_days: Option<i64>,
    /// Requests to the API a minute.
    pub api_per_minute: Option<i64>,
    /// Host names of the tenant's own.
    pub own_domains: Option<i64>,
}

impl Limits {
    /// Every limit that a message meets by itself. `bytes`: body and attachments; `days`: the life asked for, if one was, from
    /// when it is submitted.
    pub fn met_by(&self, recipients: i64, bytes: i64, days: Option<i64>) -> Vec<QuotaRefused> {
        let life = days.map_or(Ok(()), |days| check_life(self, days));
        [check_recipients(self, recipients), check_message_bytes(self, bytes), life].into_iter().filter_map(Result::err).collect()
    }
}

/// The caller's limits, at most a second old.
pub async fn limits(look: &impl Look) -> Result<Arc<Limits>, Fault> {
    let (shelf, tenant) = (look.shelf(), look.tenant());
    if let Some(limits) = shelf.get::<Limits>(tenant, FRESH) {
        return Ok(limits);
    }
    let limits = Arc::new(Limits::from(&allowance_row(look).await?));
    shelf.put(tenant, limits.clone());
    Ok(limits)
}

/// The tenant's allowance. A tenant without one is a fault, and a fault refuses: what cannot be read allows nothing.
pub(crate) async fn allowance_row(look: &impl Look) -> Result<allowance::Model, Fault> {
    look.own::<allowance::Entity>().await?.ok_or_else(|| Fault::other("the tenant has no allowance"))
}

fn check_recipients(limits: &Limits, recipients: i64) -> Result<(), QuotaRefused> {
    within(limits.recipients, recipients).map_err(|limit| QuotaRefused::TooManyRecipients { limit })
}

/// `bytes`: body and attachments together.
pub fn check_message_bytes(limits: &Limits, bytes: i64) -> Result<(), QuotaRefused> {
    within(limits.message_bytes, bytes).map_err(|limit| QuotaRefused::TooLarge { limit })
}

/// `days`: life of the content from when it is submitted, begun days counted whole.
fn check_life(limits: &Limits, days: i64) -> Result<(), QuotaRefused> {
    within(limits.life_days, days).map_err(|limit_days| QuotaRefused::LifeTooLong { limit_days })
}

/// Whether the tenant, which has `used` domains of its own, may add one. What a smaller plan leaves above its limit stays; it only keeps
/// new ones out.
pub fn check_domains(limits: &Limits, used: i64) -> Result<(), QuotaRefused> {
    match limits.own_domains {
        Some(0) => Err(QuotaRefused::NoDomains),
        Some(limit) if used >= limit => Err(QuotaRefused::OverQuota { dimension: "own_domains", limit, used, resets_at: None }),
        _ => Ok(()),
    }
}

fn within(limit: Option<i64>, wanted: i64) -> Result<(), i64> {
    match limit {
        Some(limit) if wanted > limit => Err(limit),
        _ => Ok(()),
    }
}

impl From<&allowance::Model> for Limits {
    fn from(row: &allowance::Model) -> Limits {
        Limits {
            sends: row.sends_limit,
            recipients: row.recipients_limit,
            message_bytes: row.message_bytes_limit,
            stored_bytes: row.stored_limit,
            life_days: row.life_days_limit,
            api_per_minute: row.api_per_minute,
            own_domains: row.own_domains_limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNLIMITED: Limits = Limits {
        sends: None,
        recipients: None,
        message_bytes: None,
        stored_bytes: None,
        life_days: None,
        api_per_minute: None,
        own_domains: None,
    };

    #[test]
    fn none_is_unlimited_and_zero_is_none() {
        assert_eq!(within(None, i64::MAX), Ok(()));
        assert_eq!(within(Some(0), 0), Ok(()));
        assert_eq!(within(Some(0), 1), Err(0));
        assert_eq!(within(Some(5), 5), Ok(()));
        assert_eq!(within(Some(5), 6), Err(5));
    }

    #[test]
    fn a_message_is_told_every_limit_that_it_meets() {
        let five = Limits { recipients: Some(5), message_bytes: Some(5), life_days: Some(5), ..UNLIMITED };
        let met =
            |recipients, bytes, days| -> Vec<_> { five.met_by(recipients, bytes, days).iter().map(QuotaRefused::dimension).collect() };
        assert_eq!(met(5, 5, Some(5)), [""; 0]);
        assert_eq!(met(6, 6, Some(6)), ["recipients", "message_bytes", "life_days"]);
        assert_eq!(met(6, 1, None), ["recipients"]);
        assert_eq!(UNLIMITED.met_by(6, 6, Some(6)), []);
    }

    #[test]
    fn domains_are_counted_against_the_plan_and_those_above_a_smaller_one_only_keep_new_ones_out() {
        let with = |own_domains| Limits { own_domains, ..UNLIMITED };
        assert_eq!(check_domains(&with(None), 1_000), Ok(()));
        assert_eq!(check_domains(&with(Some(2)), 1), Ok(()));
        for used in [2, 7] {
            let refused = check_domains(&with(Some(2)), used).unwrap_err();
            assert_eq!((refused.dimension(), refused.limit(), refused.used()), ("own_domains", 2, Some(used)));
        }
        assert_eq!(check_domains(&with(Some(0)), 0), Err(QuotaRefused::NoDomains));
        assert_eq!(check_domains(&with(Some(0)), 3), Err(QuotaRefused::NoDomains));
    }
}
