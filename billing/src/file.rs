//! The format of a catalogue file, and how its words become numbers.
//!
//! What would surprise you: TOML has no null, so "unlimited" is a word; a key that is missing is an error, because a limit
//! that cannot be read must not become unlimited.

use crate::{FurtherMember, Plan};
use quota::Limits;
use serde::{Deserialize, Deserializer, de::Error};

pub(crate) fn read(text: &str) -> Result<Vec<Plan>, toml::de::Error> {
    Ok(toml::from_str::<File>(text)?.plan.into_iter().map(Plan::from).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    plan: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    version: i64,
    title: String,
    audience: String,
    price_minor: i64,
    currency: String,
    sends: Count,
    pack_sends: Option<i64>,
    recipients: Count,
    batch_rows: Count,
    message_size: Size,
    stored_size: Size,
    stored_packs: bool,
    life_days: Count,
    evidence_years: Count,
    members: Count,
    further_member: Option<FurtherMember>,
    own_domains: Count,
    api_per_minute: Count,
    webhooks: Count,
    tenant_controls: bool,
}

impl From<Entry> for Plan {
    fn from(entry: Entry) -> Plan {
        Plan {
            name: entry.name,
            version: entry.version,
            title: entry.title,
            audience: entry.audience,
            price_minor: entry.price_minor,
            currency: entry.currency,
            limits: Limits {
                sends: entry.sends.0,
                recipients: entry.recipients.0,
                message_bytes: entry.message_size.0,
                stored_bytes: entry.stored_size.0,
                life_days: entry.life_days.0,
                api_per_minute: entry.api_per_minute.0,
                own_domains: entry.own_domains.0,
            },
            further_member: entry.further_member,
            pack_sends: entry.pack_sends,
            stored_packs: entry.stored_packs,
            batch_rows: entry.batch_rows.0,
            evidence_years: entry.evidence_years.0,
            members: entry.members.0,
            webhooks: entry.webhooks.0,
            tenant_controls: entry.tenant_controls,
        }
    }
}

/// A whole number from 0, or "unlimited".
struct Count(Option<i64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Count, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a limit is a whole number or \"unlimited\"")]
        enum Written {
            Number(i64),
            Word(String),
        }
        match Written::deserialize(from)? {
            Written::Number(n) if n >= 0 => Ok(Count(Some(n))),
            Written::Word(word) if word == "unlimited" => Ok(Count(None)),
            _ => Err(D::Error::custom("a limit is a whole number from 0, or \"unlimited\"")),
        }
    }
}

/// Bytes, written with a unit ("25 MiB"), or "unlimited".
struct Size(Option<i64>);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Size, D::Error> {
        let text = String::deserialize(from)?;
        if text == "unlimited" {
            return Ok(Size(None));
        }
        let bytes = size(&text).ok_or_else(|| D::Error::custom(format!("“{text}” is not a size such as \"25 MiB\", nor \"unlimited\"")))?;
        Ok(Size(Some(bytes)))
    }
}

fn size(text: &str) -> Option<i64> {
    let (number, unit) = text.split_once(' ')?;
    let unit: i64 = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u32>().ok().and_then(|number| unit.checked_mul(i64::from(number)))
}
