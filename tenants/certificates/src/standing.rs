//! What a certificate counted by when it was shown at one host, to be asked again at another one a little later.
//!
//! What would surprise you: between the two somebody may have revoked it or removed its authority. Its list and its time are not looked at
//! again, for the few minutes that there are.

use crate::{ClientCertificates, NotFound, Verified, authorities, whose};
use kernel::{ClientCaId, Fault, Time};
use std::{fmt, str::FromStr};
use store::{Caller, Look};

/// Travels sealed, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    authority: ClientCaId,
    issuer_key_hash: [u8; 32],
    key_hash: [u8; 32],
    serial: Vec<u8>,
    /// By an address in it, and not by enrolment.
    by_address: bool,
}

impl Standing {
    pub(crate) fn of(verified: &Verified, by_address: bool) -> Standing {
        let facts = &verified.facts;
        let (serial, key_hash) = (facts.serial.clone(), facts.key_hash);
        Standing { authority: verified.authority, issuer_key_hash: verified.issuer_key_hash, key_hash, serial, by_address }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (issuer, key, serial) = (hex::encode(self.issuer_key_hash), hex::encode(self.key_hash), hex::encode(&self.serial));
        write!(f, "{}:{issuer}:{key}:{serial}:{}", self.authority, u8::from(self.by_address))
    }
}

impl FromStr for Standing {
    type Err = ();

    fn from_str(text: &str) -> Result<Standing, ()> {
        let [authority, issuer, key, serial, by_address] = text.split(':').collect::<Vec<_>>()[..] else { return Err(()) };
        let bytes = |text: &str| hex::decode(text).map_err(|_| ());
        let hash = |text: &str| <[u8; 32]>::try_from(bytes(text)?).map_err(|_| ());
        Ok(Standing {
            authority: authority.parse().map_err(|_| ())?,
            issuer_key_hash: hash(issuer)?,
            key_hash: hash(key)?,
            serial: bytes(serial)?,
            by_address: by_address == "1",
        })
    }
}

impl ClientCertificates {
    /// Whether what was shown at the caller's tenant still counts.
    pub async fn still_counts(&self, caller: &Caller, standing: &Standing) -> Result<bool, Fault> {
        self.accounts.db.read(caller, async |read| counts(read, standing).await).await
    }
}

async fn counts(look: &impl Look, standing: &Standing) -> Result<bool, Fault> {
    let Some(ca) = authorities::find(look, standing.authority).await?.filter(|ca| look.now() <= Time(ca.not_after)) else {
        return Ok(false);
    };
    match whose::enrolled_as(look, &standing.issuer_key_hash, &standing.serial, &standing.key_hash).await {
        Ok(enrolled) => Ok(enrolled.is_some() || (standing.by_address && ca.maps_by_address)),
        Err(NotFound::Fault(fault)) => Err(fault),
        Err(_) => Ok(false),
    }
}
