//! Signing up: a person becomes the owner of a tenant of their own, on the free plan.

use crate::{
    Accounts, LinkPurpose, SignedIn, WrongField,
    brakes::{SIGN_UP_PER_ADDRESS, SIGN_UP_PER_NETWORK, network},
    links, name, refused, session,
};
use kernel::{EmailAddress, Fault, Line, MAX_NAME_CHARS, MemberId, Time};
use keys::{AccountPassword, Busy};
use quota::Limits;
use sea_orm::Set;
use store::{
    Origin, Role, TenantTx,
    entity::{chain, member},
};

/// The form as typed.
#[derive(Clone, Default)]
pub struct SignUp {
    pub name: String,
    pub email: String,
    pub password: String,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum SignUpRefused {
    /// Every field that is wrong, in the order of the form.
    #[error("Please look at the marked fields.")]
    Form(Vec<WrongField>),
    #[error("{}", refused::slow_down(*.until))]
    SlowDown { until: Time },
    #[error("{}", refused::BUSY)]
    Busy,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Busy> for SignUpRefused {
    fn from(_: Busy) -> Self {
        SignUpRefused::Busy
    }
}

impl Accounts {
    /// Founds a tenant named after the person, mails a link that proves the address, and signs in.
    /// The same answer and the same work whether the address is known or not.
    pub async fn sign_up(&self, form: &SignUp, origin: Origin) -> Result<SignedIn, SignUpRefused> {
        let person = Person::parse(form)?;
        for (rate, whom) in [(SIGN_UP_PER_NETWORK, network(&origin)), (SIGN_UP_PER_ADDRESS, person.email.mailbox())] {
            if let Some(until) = self.held(rate, &whom).await? {
                return Err(SignUpRefused::SlowDown { until });
            }
        }
        let hash = self.hash(&person.password).await?;
        let (name, plan, limits) = (person.name.as_str(), self.sign_up_plan.as_str(), &self.sign_up_limits);
        let desk = self.db.front_desk();
        let founding = async |tx: &mut TenantTx| {
            let owner = found(tx, &person, &hash, limits).await?;
            session::open(tx, owner, 1, Some(tx.now()), None).await
        };
        let tokens = desk.found(name, plan, origin.clone(), founding).await?;
        self.walk_in(tokens, origin).await?.ok_or_else(|| Fault::other("a session just opened is not there").into())
    }
}

/// The form, parsed.
struct Person {
    name: Line<MAX_NAME_CHARS>,
    email: EmailAddress,
    password: AccountPassword,
}

impl Person {
    /// Looks at every field, so that all that is wrong is said at once.
    fn parse(form: &SignUp) -> Result<Person, SignUpRefused> {
        let name = name::parse(&form.name);
        let email = EmailAddress::parse(&form.email).map_err(WrongField::Email);
        let password = AccountPassword::parse(&form.password, &[&form.name, &form.email]).map_err(WrongField::Password);
        match (name, email, password) {
            (Ok(name), Ok(email), Ok(password)) => Ok(Person { name, email, password }),
            (name, email, password) => {
                let wrong = [name.err(), email.err(), password.err()].into_iter().flatten().collect();
                Err(SignUpRefused::Form(wrong))
            }
        }
    }
}

/// All that a new tenant is made of: allowance, evidence chain, owner, the link to prove the address.
async fn found(tx: &TenantTx, person: &Person, password_hash: &str, limits: &Limits) -> Result<MemberId, Fault> {
    quota::open_allowance(tx, limits).await?;
    tx.insert(chain::ActiveModel { seq: Set(0), head: Set(Vec::new()), ..Default::default() }).await?;
    let owner = MemberId::new(tx.now(), tx.chance());
    tx.insert(member::ActiveModel {
        id: Set(owner.0),
        email: Set(person.email.to_string()),
        email_folded: Set(person.email.folded()),
        name: Set(person.name.to_string()),
        role: Set(Role::Owner.as_str().to_owned()),
        state: Set("active".to_owned()),
        password_hash: Set(password_hash.to_owned()),
        email_proven_at: Set(None),
        epoch: Set(1),
        created_at: Set(tx.now().0),
        ..Default::default()
    })
    .await?;
    links::mail_link(tx, owner, LinkPurpose::ProveAddress).await?;
    Ok(owner)
}
