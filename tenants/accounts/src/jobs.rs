//! What accounts does later: mailing its links. Shallow on purpose; running a job twice mails the same letter twice,
//! under the same Message-ID.
//!
//! What would surprise you: only the job of a sign-up's mail finds out whether the address has another account already, and words the
//! mail accordingly; only `accounts.forgot` looks whether anybody has an address. So the requests themselves never look.

use crate::{Accounts, LinkPurpose, RESET_LINK_LIFE, links, name::carries_link};
use kernel::{EmailAddress, Fault, FaultKind, JobEnd, MailedLinkId, Time};
use keys::{RootKeys, SealedByRoot, Token};
use mail::{
    Letter, Mailbox, Mailer, Rendered,
    mails::{AlreadyRegistered, ProveAddress, ResetPassword},
};
use store::{ClaimedJob, Look, NewJob, Origin, TenantTx, entity};

/// Mails the link that proves an address.
const PROVE: &str = "accounts.prove";
/// Mails the link that resets a password.
const RESET: &str = "accounts.reset";
/// Mails a link to each membership of an address whose password was forgotten, if it has any.
const FORGOT: &str = "accounts.forgot";

/// Ids only: job rows can be read by the worker of any tenant.
#[derive(serde::Serialize, serde::Deserialize)]
struct Payload {
    link: MailedLinkId,
}

/// What the root keys seal an address for.
const FORGOTTEN: (&str, &str) = ("forgotten password", "address");

/// The address, sealed by the root keys: the job's tenant has nothing to do with it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Forgotten {
    version: i64,
    sealed: String,
}

/// Leaves the question whether anybody has the address, and the mails to those who do.
pub(crate) async fn forgot_later(tx: &TenantTx, roots: &RootKeys, address: &EmailAddress) -> Result<(), Fault> {
    let (purpose, of) = FORGOTTEN;
    let sealed = roots.seal(purpose, of, address.as_str().as_bytes(), tx.chance());
    let payload = Forgotten { version: sealed.version, sealed: hex::encode(sealed.bytes) };
    let payload = serde_json::to_string(&payload).expect("a number and a text always write");
    tx.later(NewJob { kind: FORGOT, payload, run_at: tx.now(), held: false, urgent: true }).await
}

/// Leaves the mail of a link for later.
pub(crate) async fn mail_later(tx: &TenantTx, link: MailedLinkId, purpose: LinkPurpose) -> Result<(), Fault> {
    let kind = match purpose {
        LinkPurpose::ProveAddress => PROVE,
        LinkPurpose::ResetPassword => RESET,
    };
    let payload = serde_json::to_string(&Payload { link }).expect("an id always writes");
    tx.later(NewJob { kind, payload, run_at: tx.now(), held: false, urgent: true }).await
}

impl Accounts {
    /// Runs a job whose kind begins with `accounts.`; any other is parked.
    pub async fn run_job(&self, mailer: &Mailer, job: &ClaimedJob) -> JobEnd {
        if job.kind == FORGOT {
            return match self.mail_links(job).await {
                Ok(()) => JobEnd::Done,
                Err(fault) => JobEnd::Again { after: mail::pause(job.attempts), why: fault.to_string() },
            };
        }
        let Ok(Payload { link }) = serde_json::from_str(&job.payload) else {
            return JobEnd::Park(format!("the payload of a {} job cannot be read", job.kind));
        };
        let letter = match job.kind.as_str() {
            PROVE | RESET => self.link_letter(job, link).await,
            // Left by a version that mailed this apart from the link; the link's mail says it now.
            "accounts.elsewhere" => return JobEnd::Done,
            other => return JobEnd::Park(format!("accounts has no job {other}")),
        };
        match letter {
            // Refused for good: the person finds out at the page, which offers another. A link that is over stops the tries.
            Ok(Some(letter)) => mailer.deliver(&letter).await.job_end(job.attempts),
            // Used, over, or nobody to tell: nothing left to mail.
            Ok(None) => JobEnd::Done,
            Err(fault) => JobEnd::Again { after: mail::pause(job.attempts), why: fault.to_string() },
        }
    }

    /// Writes the links; their mails are jobs of their own. Nothing for a request that is as old as its links could be.
    async fn mail_links(&self, job: &ClaimedJob) -> Result<(), Fault> {
        if self.db.clock().now().since(job.created_at) >= RESET_LINK_LIFE {
            return Ok(());
        }
        let address = self.forgotten(job)?;
        for member in self.memberships(&address, None, &Origin::default()).await? {
            let mail = async |tx: &mut TenantTx| links::mail_link(tx, member.id, LinkPurpose::ResetPassword).await;
            self.db.act(&member.caller, mail).await?;
        }
        Ok(())
    }

    fn forgotten(&self, job: &ClaimedJob) -> Result<EmailAddress, Fault> {
        let unreadable = || Fault::other("the payload of a forgotten password cannot be read");
        let Forgotten { version, sealed } = serde_json::from_str(&job.payload).map_err(|_| unreadable())?;
        let sealed = SealedByRoot { version, bytes: hex::decode(sealed).map_err(|_| unreadable())? };
        let (purpose, of) = FORGOTTEN;
        let address = self.db.roots().open(purpose, of, &sealed)?;
        stored_address(&String::from_utf8_lossy(&address))
    }

    async fn link_letter(&self, job: &ClaimedJob, id: MailedLinkId) -> Result<Option<Letter>, Fault> {
        let Some((token, link, member)) = self.db.read(&job.caller(), async |read| with_token(read, id).await).await? else {
            return Ok(None);
        };
        let purpose = LinkPurpose::parse(&link.purpose).ok_or_else(|| Fault::other("the link's purpose is not one of ours"))?;
        let (name, hours) = (greeting(&member), i64::try_from(purpose.life().as_secs() / 3_600).unwrap_or(0));
        let rendered = match purpose {
            LinkPurpose::ProveAddress => {
                let confirm_link = self.site.link(&format!("/prove/{token}"));
                match self.elsewhere(job, &member.email).await? {
                    None => ProveAddress { name, link: confirm_link, hours }.render(),
                    // The name of the account that is known: the one just typed may be a stranger's.
                    Some(name) => {
                        let (sign_in_link, reset_link) = (self.site.link("/sign-in"), self.site.link("/forgot"));
                        AlreadyRegistered { name, sign_in_link, reset_link, confirm_link, hours }.render()
                    }
                }
            }
            LinkPurpose::ResetPassword => ResetPassword { name, link: self.site.link(&format!("/reset/{token}")), hours }.render(),
        };
        self.letter(&id.to_string(), &member.email, Time(link.created_at), rendered).map(Some)
    }

    /// The name of another account for which the address was proven.
    async fn elsewhere(&self, job: &ClaimedJob, email: &str) -> Result<Option<String>, Fault> {
        let members = self.memberships(&stored_address(email)?, None, &Origin::default()).await?;
        let other = members.into_iter().find(|other| other.caller.tenant() != job.tenant && other.row.email_proven_at.is_some());
        Ok(other.map(|other| other.row.name))
    }

    /// `name` is the part of the Message-ID before the @; the same for every try.
    fn letter(&self, name: &str, to: &str, date: Time, rendered: Rendered) -> Result<Letter, Fault> {
        let from = self.site.mail_from.clone();
        Ok(Letter {
            message_id: format!("{name}@{}", from.domain()),
            from: Mailbox::bare(from.clone()),
            to: stored_address(to)?,
            reply_to: None,
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            list_unsubscribe: None,
            date,
            envelope_from: from,
        })
    }
}

type WithToken = (Token, entity::mailed_link::Model, entity::member::Model);

/// A living link with its token, which is derived again from the tenant's key.
async fn with_token(look: &impl Look, id: MailedLinkId) -> Result<Option<WithToken>, Fault> {
    let found = links::living(look, id).await?;
    Ok(found.map(|(link, member)| (look.keys().link_token(id), link, member)))
}

/// How a letter to an address that may be unproven addresses its reader. A name that carries a link or an address would
/// let a stranger mail those to anybody in our name; none is taken any more.
fn greeting(member: &entity::member::Model) -> String {
    if carries_link(&member.name) { member.email.clone() } else { member.name.clone() }
}

fn stored_address(text: &str) -> Result<EmailAddress, Fault> {
    text.parse().map_err(|bad| Fault::from_error(FaultKind::Other, "a stored address does not parse", Box::new(bad)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_carries_a_link_is_not_repeated_in_a_letter() {
        let member = |name: &str| entity::member::Model {
            tenant_id: Default::default(),
            id: Default::default(),
            email: "bob@example.org".into(),
            email_folded: "bob@example.org".into(),
            name: name.into(),
            role: "owner".into(),
            state: "active".into(),
            password_hash: String::new(),
            email_proven_at: None,
            epoch: 1,
            created_at: 0,
        };
        for name in ["Ana Brandt", "J. R. R. Tolkien", "Dr. Müller jun.", "O'Hara", "St.  John", "Ana B."] {
            assert_eq!(greeting(&member(name)), name);
        }
        for name in ["win at evil.example", "https://evil.example/x", "www.evil.com", "call eve@evil.example", "evil.com/x now"] {
            assert_eq!(greeting(&member(name)), "bob@example.org", "{name}");
        }
    }
}
