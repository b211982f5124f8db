//! Offices: tenants with a proven owner, a signed-in browser and an API key, made through the rooms before the server starts.

use crate::Result;
use accounts::SignUp;
use countersign::{App, Config, Outside};
use kernel::{Chance, Clock};
use keys::TenantKey;
use mail::{CapturedMail, Mailer};
use std::{net::Ipv4Addr, sync::Arc};
use store::Origin;

/// One tenant and what its people hold.
pub struct Office {
    /// Value of the session cookie.
    pub session: String,
    pub api_key: String,
    /// Derives the links that are mailed, so that nobody has to read the mail.
    pub keys: TenantKey,
}

/// The rooms over the configured database, with mail kept in memory.
pub struct Rooms {
    pub app: App,
    letters: Arc<CapturedMail>,
}

impl Rooms {
    pub async fn open(config: &Config) -> Result<Rooms> {
        countersign::commands::migrate(config).await.map_err(|stop| stop.to_string())?;
        let letters = Arc::new(CapturedMail::new(10));
        let outside = Outside { clock: Clock::system(), chance: Chance::system(), mailer: Mailer::Mailbox(letters.clone()) };
        Ok(Rooms { app: App::build(config, outside).await?, letters })
    }

    /// Signs up the `n`th owner, proves the address by the mailed link, and makes an API key.
    pub async fn office(&self, n: u8) -> Result<Office> {
        let email = format!("owner{n}@office{n}.example");
        let form = SignUp { name: "Ana Brandt".into(), email: email.clone(), password: "four quiet herons wading".into() };
        let origin = Origin::new(Some(Ipv4Addr::new(10, n, 0, 1).into()), "bench");
        let accounts = &self.app.accounts;
        let signed_in = accounts.sign_up(&form, origin.clone()).await?;
        self.app.run_due_jobs().await;
        let letter = self.letters.letters_to(&email).pop().ok_or("no mail came to prove the address")?;
        let link = letter.text.split("/prove/").nth(1).and_then(|rest| rest.get(..43)).ok_or("no link in the mail")?;
        accounts.prove_address(&signed_in.caller, &link.parse()?).await?.ok_or("the link to prove the address did not work")?;
        let desk = self.app.db.front_desk();
        let caller = desk.session(&signed_in.token, origin).await?.ok_or("the session is over")?;
        let api_key = accounts.create_key(&caller, "bench").await?.secret;
        let keys = self.app.db.read::<_, kernel::Fault, _>(&caller, async |read| Ok(read.keys().clone())).await?;
        Ok(Office { session: signed_in.token.to_string(), api_key, keys })
    }

    pub async fn close(self) {
        self.app.db.close().await;
    }
}
