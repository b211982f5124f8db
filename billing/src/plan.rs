//! One version of one plan.

use quota::Limits;

/// A plan as sold. Counts and sizes: `None` is unlimited, `0` is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its word in the API, the table and the log: `personal`, `solo`, `business`, `developer`, `server`.
    pub name: String,
    /// Counts up; a version that was sold never changes.
    pub version: i64,
    pub title: String,
    /// Whom it is for, in a few words.
    pub audience: String,
    /// Price of a month in minor units of `currency` (cents); 0 where nothing is charged by the month.
    pub price_minor: i64,
    /// ISO 4217, as `USD`.
    pub currency: String,
    pub limits: Limits,
    /// What a member beyond `members` costs and brings; `None` where none can be added.
    pub further_member: Option<FurtherMember>,
    /// Sends in a pack bought on top; `None` where no packs are sold.
    pub pack_sends: Option<i64>,
    /// Whether storage can be bought on top.
    pub stored_packs: bool,
    pub batch_rows: Option<i64>,
    pub evidence_years: Option<i64>,
    /// Members in the price.
    pub members: Option<i64>,
    pub webhooks: Option<i64>,
    /// RADIUS, own certificate authority and a policy for members.
    pub tenant_controls: bool,
}

/// A paid member beyond those in the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FurtherMember {
    /// Price of a month in minor units.
    pub price_minor: i64,
    /// Sends that the member adds to the pool each month.
    pub sends: i64,
}
