//! The sample tenant: Acme Tax Advisers, with a message that was sent, one that was opened and answered, and one taken back.

use super::{credentials::Credentials, links};
use crate::{App, app};
use accounts::{Accounts, SignUp};
use kernel::{Chance, Fault, MessageId};
use keys::Token;
use mail::CapturedMail;
use messages::{Outline, Proof, Step};
use std::fmt::Display;
use store::{Caller, Origin, entity::tenant};

const PLAN: &str = "business";
const OWNER: &str = "Ana Brandt";
const EMAIL: &str = "ana@acme.example";
const TENANT: &str = "Acme Tax Advisers";
const OPENER: &str = "m.keller@example.org";

/// Makes the sample; its jobs are run here, one after another, so the worker must not have started.
pub async fn plant(app: &App, letters: &CapturedMail) -> Result<Credentials, Fault> {
    let password = password(app.db.chance());
    let owner = sign_up(app, letters, &password).await?;
    let api_key = app.accounts.create_key(&owner, "Demo").await.map_err(failed("make an API key"))?.secret;
    let opened = send(app, &owner, opened()).await?;
    open(app, letters, opened).await?;
    send(app, &owner, waiting()).await?;
    let wrong = send(app, &owner, wrong_file()).await?;
    app.db.act(&owner, async |tx| messages::retract(tx, wrong, None).await).await.map_err(failed("take a message back"))?;
    app.run_due_jobs().await;
    app.accounts.sign_out(&owner).await.map_err(failed("sign out"))?;
    Ok(Credentials { email: EMAIL.into(), password, api_key })
}

fn failed<E: Display>(what: &'static str) -> impl Fn(E) -> Fault {
    move |e| Fault::other(format!("the sample could not {what}: {e}"))
}

/// Signs the owner up on the sample's plan, proves the address by the mailed link, and names the tenant.
async fn sign_up(app: &App, letters: &CapturedMail, password: &str) -> Result<Caller, Fault> {
    let plan = app::catalogue(&app.config)?.plan(PLAN).cloned().ok_or_else(|| Fault::other("the plan catalogue has no business plan"))?;
    let accounts = Accounts { sign_up_plan: plan.name, sign_up_limits: plan.limits, ..app.accounts.clone() };
    let form = SignUp { name: OWNER.into(), email: EMAIL.into(), password: password.into() };
    let signed_in = accounts.sign_up(&form, Origin::default()).await.map_err(failed("sign up"))?;
    app.run_due_jobs().await;
    let letter = letters.letters_to(EMAIL).pop().ok_or_else(|| Fault::other("no mail came to prove the sample's address"))?;
    let link: Token = read(links::token(&letter.text, app.site.base(), "prove"), "a link to prove the address")?;
    accounts.prove_address(&signed_in.caller, &link).await?.ok_or_else(|| Fault::other("the link to prove the address did not work"))?;
    let tenant = signed_in.caller.tenant();
    let system = app.db.front_desk().system(tenant);
    app.db.act::<_, Fault, _>(&system, async |tx| tx.update::<tenant::Entity>().set(tenant::Column::Name, TENANT).exec().await).await?;
    let caller = app.db.front_desk().session(&signed_in.token, Origin::default()).await?;
    caller.ok_or_else(|| Fault::other("the sample's session is not there"))
}

async fn send(app: &App, owner: &Caller, outline: Outline) -> Result<MessageId, Fault> {
    let sent = messages::submit(&app.post, owner, &outline, None).await.map_err(failed("send a message"))?;
    app.run_due_jobs().await;
    Ok(sent.id)
}

/// The recipient's way: link, gesture, code from the mail, content, reply.
async fn open(app: &App, letters: &CapturedMail, message: MessageId) -> Result<(), Fault> {
    let post = &app.post;
    let notice = letters.letters_to(OPENER).pop().ok_or_else(|| Fault::other(format!("no notice came for {message}")))?;
    let link: Token = read(links::token(&notice.text, app.site.base(), "p"), "a pickup link")?;
    // An address of the documentation (RFC 5737), so that the timeline has something to show.
    let origin =
        Origin::new("203.0.113.24".parse().ok(), "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0");
    let who = app.db.front_desk().pickup(&link, origin).await?.ok_or_else(|| Fault::other("the pickup link did not work"))?;
    let cookie = Token::random(app.db.chance());
    let step = messages::gesture(post, &who, &cookie).await.map_err(failed("open a message"))?.step;
    if matches!(step, Step::Code { .. }) {
        app.run_due_jobs().await;
        let letter = letters.letters_to(OPENER).pop().ok_or_else(|| Fault::other("no code came by mail"))?;
        let code = links::code(&letter.text).ok_or_else(|| Fault::other("the mail has no code in it"))?;
        messages::prove_code(post, &who, &cookie, code).await.map_err(failed("type the code"))?;
    }
    messages::content(post, &who, &cookie).await?.ok_or_else(|| Fault::other("the message was not handed over"))?;
    messages::reply(post, &who, &cookie, "Thank you. I have read it and will sign tomorrow.\n\nM. Keller")
        .await
        .map_err(failed("reply"))?;
    Ok(())
}

fn read(text: Option<String>, what: &str) -> Result<Token, Fault> {
    text.and_then(|t| t.parse().ok()).ok_or_else(|| Fault::other(format!("the mail has no {what} in it")))
}

/// Four groups of five letters and digits that are not mistaken for one another: 97 bits.
fn password(chance: &Chance) -> String {
    const LETTERS: &[u8] = b"23456789abcdefghjkmnpqrstvwxyz";
    let group = || (0..5).map(|_| char::from(LETTERS[chance.below(LETTERS.len() as u64) as usize])).collect::<String>();
    [group(), group(), group(), group()].join("-")
}

fn opened() -> Outline {
    Outline {
        to: vec![OPENER.into()],
        subject: "Your 2025 return for signature".into(),
        body: "Dear Ms Keller,\n\nyour return for 2025 is ready. Please read these three points before you sign:\n\n\
               - the refund is **1,240.00**\n- the deadline is *15 December*\n- the account is the one ending in 4711\n\nKind regards\nAna Brandt"
            .into(),
        notify_opened: true,
        ..Outline::default()
    }
}
fn waiting() -> Outline {
    Outline {
        to: vec!["j.ortiz@example.net".into(), "office@example.com".into()],
        subject: "Wire instructions".into(),
        body:
            "Hello,\n\nas agreed on the telephone: the new account details are below. We never change them by ordinary mail.\n\nAna Brandt"
                .into(),
        proof: Some(Proof::R1),
        remind_days: vec![7, 1],
        ..Outline::default()
    }
}
fn wrong_file() -> Outline {
    Outline {
        to: vec!["office@example.com".into()],
        subject: "Draft statement, wrong file".into(),
        body: "Please find the draft statement.".into(),
        ..Outline::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_never_the_same() {
        let chance = Chance::seeded(7);
        let (a, b) = (password(&chance), password(&chance));
        assert_eq!(a.len(), 23);
        assert_ne!(a, b);
    }
}
