//! One order at the CA, from the name to its certificate (RFC 8555 §7.4).
//!
//! What would surprise you: a step whose nonce was refused is simply taken again (§6.5), several times more than the client library does by
//! itself, because a CA with many servers refuses good nonces in bursts.

use crate::trouble::{Trouble, is_bad_nonce, words};
use edge::Certificate;
use instant_acme::{Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewOrder, Order as AtCa, OrderStatus};
use kernel::{Fault, HostName};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use std::time::Duration;
use store::{Challenge, ChallengeKind, Db};
use tokio::time::sleep;

/// For everything; shorter than the lease on the name.
pub const TIME: Duration = Duration::from_secs(150);
/// A challenge that was not taken away is answered no longer than this.
const CHALLENGE_TIME: Duration = Duration::from_secs(300);
/// Between two looks at the order: growing by half each.
const FIRST_LOOK: Duration = Duration::from_millis(200);
const LAST_LOOK: Duration = Duration::from_secs(5);
/// Times that a step is taken whose nonce was refused; the library takes each of them three times.
const NONCES: u32 = 6;

/// What came of it: PEM, and what the certificate says about itself.
pub struct Got {
    pub chain: String,
    pub key: String,
    pub certificate: Certificate,
}

macro_rules! insist {
    ($step:expr) => {{
        let mut times = 1;
        loop {
            match $step.await {
                Err(error) if times < NONCES && is_bad_nonce(&error) => times += 1,
                done => break done,
            }
        }
    }};
}

/// Orders a certificate for `name`, proving it by `way` where the CA offers that.
pub async fn order(db: &Db, account: &Account, name: &HostName, way: ChallengeKind) -> Result<Got, Trouble> {
    let identifiers = [Identifier::Dns(name.to_string())];
    let mut order = insist!(account.new_order(&NewOrder::new(&identifiers)))?;
    if order.state().status == OrderStatus::Pending {
        prove(db, &mut order, name, way).await?;
    }
    let (key, request) = key_and_request(name)?;
    if order.state().status == OrderStatus::Ready {
        insist!(order.finalize_csr(&request))?;
    }
    settle(&mut order, |status| status == OrderStatus::Valid).await?;
    let chain = insist!(order.certificate())?.ok_or_else(|| Trouble::Away("it gave no certificate".to_owned()))?;
    let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes());
    let certificate = certificate.map_err(|bad| Trouble::Refused(format!("its certificate cannot be used: {bad}")))?;
    if certificate.names != [name.as_str()] {
        return Err(Trouble::Refused(format!("its certificate is for {} instead", certificate.names.join(", "))));
    }
    if certificate.not_after <= db.clock().now() {
        return Err(Trouble::Refused(format!("its certificate ended already, at {}", certificate.not_after)));
    }
    Ok(Got { chain, key, certificate })
}

fn key_and_request(name: &HostName) -> Result<(String, Vec<u8>), Fault> {
    let trouble = |e: rcgen::Error| Fault::other(format!("no certificate request for {name}: {e}"));
    let key = KeyPair::generate().map_err(trouble)?;
    let mut params = CertificateParams::new([name.to_string()]).map_err(trouble)?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key).map_err(trouble)?;
    Ok((key.serialize_pem(), request.der().to_vec()))
}

/// Shows the CA that the name is ours: writes the answer down for every process, says so, waits for the verdict.
async fn prove(db: &Db, order: &mut AtCa, name: &HostName, way: ChallengeKind) -> Result<(), Trouble> {
    let status = insist!(async {
        match order.authorizations().next().await {
            Some(found) => found.map(|authorization| authorization.status),
            None => Err(Error::Str("the order has no authorization")),
        }
    })?;
    if status == AuthorizationStatus::Pending {
        let (kind, token, answer) = take_up(order, way, false).await?;
        let challenge = Challenge { name: name.clone(), kind, token, answer, ends_at: db.clock().now().plus(CHALLENGE_TIME) };
        db.certificates().put_challenge(&challenge).await?;
        let verdict = be_checked(order, way).await;
        db.certificates().drop_challenge(&challenge).await?;
        return verdict;
    }
    settle(order, |status| status != OrderStatus::Pending).await
}

async fn be_checked(order: &mut AtCa, way: ChallengeKind) -> Result<(), Trouble> {
    insist!(take_up(order, way, true))?;
    match settle(order, |status| status != OrderStatus::Pending).await {
        Err(Trouble::Refused(said)) => Err(Trouble::Refused(why(order).await.unwrap_or(said))),
        verdict => verdict,
    }
}

/// The challenge for `way`, or the other one if the CA does not offer that: kind, token, key authorization. `ready`: the CA is told
/// that it will be answered.
async fn take_up(order: &mut AtCa, way: ChallengeKind, ready: bool) -> Result<(ChallengeKind, String, String), Error> {
    let mut all = order.authorizations();
    let mut authorization = all.next().await.ok_or(Error::Str("the order has no authorization"))??;
    let offered = |kind: ChallengeKind| authorization.challenges.iter().any(|challenge| challenge.r#type == of(kind));
    let Some(kind) = [way, other(way)].into_iter().find(|kind| offered(*kind)) else {
        return Err(Error::Unsupported("neither tls-alpn-01 nor http-01 for this name"));
    };
    let mut challenge = authorization.challenge(of(kind)).ok_or(Error::Str("the challenge is gone"))?;
    if ready {
        challenge.set_ready().await?;
    }
    Ok((kind, challenge.token.clone(), challenge.key_authorization().as_str().to_owned()))
}

/// Looks at the order until `done`.
async fn settle(order: &mut AtCa, done: impl Fn(OrderStatus) -> bool) -> Result<(), Trouble> {
    let mut pause = FIRST_LOOK;
    loop {
        let state = order.state();
        if state.status == OrderStatus::Invalid {
            let said = state.error.as_ref().map(words);
            return Err(Trouble::Refused(said.unwrap_or_else(|| "it ended the order and did not say why".to_owned())));
        }
        if done(state.status) {
            return Ok(());
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(LAST_LOOK);
        insist!(async { order.refresh().await.map(|_| ()) })?;
    }
}

/// Why the CA was not convinced: it says so at the challenge.
async fn why(order: &mut AtCa) -> Option<String> {
    let mut all = order.authorizations();
    let mut authorization = all.next().await?.ok()?;
    let state = authorization.refresh().await.ok()?;
    state.challenges.iter().find_map(|challenge| challenge.error.as_ref().map(words))
}

/// The other way to prove a name.
pub fn other(way: ChallengeKind) -> ChallengeKind {
    match way {
        ChallengeKind::Http01 => ChallengeKind::TlsAlpn01,
        ChallengeKind::TlsAlpn01 => ChallengeKind::Http01,
    }
}

fn of(kind: ChallengeKind) -> ChallengeType {
    match kind {
        ChallengeKind::Http01 => ChallengeType::Http01,
        ChallengeKind::TlsAlpn01 => ChallengeType::TlsAlpn01,
    }
}
