//! The brakes on guessing and on flooding. Counters live in the database, so that every process shares them; one that
//! cannot be read is a fault, and a fault refuses.
//!
//! What would surprise you: each use counts, also the one that succeeds. So a brake tells nothing about who exists.

use crate::Accounts;
use kernel::{Fault, Time};
use std::{net::IpAddr, time::Duration};
use store::{Brake, Origin};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const QUARTER: Duration = Duration::from_secs(900);

/// So many uses in a window of this length.
#[derive(Clone, Copy)]
pub(crate) struct Rate {
    /// The verb, as part of the counter's name.
    pub verb: &'static str,
    pub times: i64,
    pub window: Duration,
}

pub(crate) const SIGN_UP_PER_NETWORK: Rate = Rate { verb: "sign up, network", times: 10, window: HOUR };
pub(crate) const SIGN_UP_PER_ADDRESS: Rate = Rate { verb: "sign up, address", times: 3, window: DAY };
pub(crate) const SIGN_IN_PER_NETWORK: Rate = Rate { verb: "sign in, network", times: 60, window: QUARTER };
pub(crate) const SIGN_IN_PER_ACCOUNT: Rate = Rate { verb: "sign in, account", times: 10, window: QUARTER };
/// For a browser that signed in to the account before, when strangers have used up the account's own.
pub(crate) const SIGN_IN_PER_DEVICE: Rate = Rate { verb: "sign in, device", times: 10, window: QUARTER };
pub(crate) const FORGOT_PER_NETWORK: Rate = Rate { verb: "forgot, network", times: 10, window: HOUR };
pub(crate) const FORGOT_PER_ADDRESS: Rate = Rate { verb: "forgot, address", times: 3, window: HOUR };
/// Over all addresses with a tag (`bob+1@`) of one mailbox.
pub(crate) const FORGOT_PER_TAGGED_MAILBOX: Rate = Rate { verb: "forgot, tagged mailbox", times: 10, window: HOUR };
pub(crate) const PROOF_PER_MEMBER: Rate = Rate { verb: "proof, member", times: 3, window: HOUR };
/// Over every account that has the address.
pub(crate) const PROOF_PER_ADDRESS: Rate = Rate { verb: "proof, address", times: 5, window: DAY };
pub(crate) const OLD_PASSWORD_PER_MEMBER: Rate = Rate { verb: "old password, member", times: 10, window: QUARTER };

impl Accounts {
    /// Counts one use by `whom`; says until when it is held, if it is.
    pub(crate) async fn held(&self, rate: Rate, whom: &str) -> Result<Option<Time>, Fault> {
        let name = format!("{}: {whom}", rate.verb);
        Ok(match self.db.front_desk().brake(&name, rate.times, rate.window).await? {
            Brake::Free { .. } => None,
            Brake::Held { until } => Some(until),
        })
    }
}

/// Whom a brake on a network counts: an IPv4 address, or the /64 that one IPv6 customer has. Unknown origins share one count.
pub(crate) fn network(origin: &Origin) -> String {
    match origin.ip.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_customer_is_one_network_and_an_ipv4_address_is_its_own() {
        let network = |ip: &str| network(&Origin::new(ip.parse().ok(), ""));
        assert_eq!(network("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2:ffff::1"), network("2001:db8:1:2::"));
        assert_ne!(network("2001:db8:1:3::1"), network("2001:db8:1:2::1"));
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("nothing"), "unknown");
    }
}
