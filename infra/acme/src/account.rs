//! Our account with the CA: one for all processes, made by the first that needs it.

use crate::{Settings, trouble::Trouble, wire::Wire};
use instant_acme::{Account, ExternalAccountKey, NewAccount};
use kernel::Fault;
use std::{sync::Arc, time::Duration};
use store::{AcmeAccount, Db};
use tokio::sync::Mutex;

/// For whoever makes the account.
const LEASE: Duration = Duration::from_secs(90);
/// While another process makes it.
const PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSES: u32 = 60;

pub struct Accounts {
    wire: Wire,
    settings: Arc<Settings>,
    /// The CA's address, and our customer number with it: what tells accounts apart.
    key: String,
    known: Mutex<Option<Arc<Known>>>,
}

/// An account that can be spoken for, and what it was read from.
pub struct Known {
    pub account: Account,
    written: AcmeAccount,
}

impl Accounts {
    pub fn new(settings: Arc<Settings>) -> Result<Accounts, Fault> {
        let bound = settings.external_account.as_ref().map(|external| format!(" {}", external.key_id)).unwrap_or_default();
        let key = format!("{}{bound}", settings.directory);
        Ok(Accounts { wire: Wire::new(&settings)?, settings, key, known: Mutex::default() })
    }

    /// The account; made if nobody has made it yet.
    pub async fn get(&self, db: &Db) -> Result<Arc<Known>, Trouble> {
        let mut known = self.known.lock().await;
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        for _ in 0..MAX_PAUSES {
            if let Some(written) = db.certificates().account(&self.key).await? {
                let found = Arc::new(self.read(written).await?);
                *known = Some(found.clone());
                return Ok(found);
            }
            if db.certificates().claim_account(&self.key, LEASE).await? {
                self.make(db).await?;
            } else {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Err(Trouble::Away("another process is making the account with the CA".to_owned()))
    }

    /// The CA knows it no more: the next order makes a new one.
    pub async fn forget(&self, db: &Db, gone: &Known) -> Result<(), Fault> {
        let mut known = self.known.lock().await;
        if known.as_ref().is_some_and(|known| known.written.made_at == gone.written.made_at) {
            *known = None;
        }
        db.certificates().forget_account(&self.key, &gone.written).await
    }

    async fn read(&self, written: AcmeAccount) -> Result<Known, Trouble> {
        let damaged = |e| Trouble::Fault(Fault::other(format!("the account with the ACME CA cannot be read: {e}")));
        let credentials = serde_json::from_slice(&written.credentials).map_err(damaged)?;
        let account = Account::builder_with_http(self.wire.boxed()).from_credentials(credentials).await?;
        Ok(Known { account, written })
    }

    async fn make(&self, db: &Db) -> Result<(), Trouble> {
        let contact: Vec<String> = self.settings.contact.iter().map(|address| format!("mailto:{address}")).collect();
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let external = self.settings.external_account.as_ref().map(|e| ExternalAccountKey::new(e.key_id.clone(), &e.key));
        let builder = Account::builder_with_http(self.wire.boxed());
        match builder.create(&new, self.settings.directory.clone(), external.as_ref()).await {
            Ok((_, credentials)) => {
                let bytes = serde_json::to_vec(&credentials).map_err(|e| Fault::other(format!("the account does not serialize: {e}")))?;
                db.certificates().keep_account(&self.key, &bytes).await?;
                tracing::info!(directory = self.settings.directory, "an account with the ACME CA was made");
                Ok(())
            }
            Err(error) => {
                db.certificates().let_account_go(&self.key).await?;
                // Not the name's fault that asked first.
                Err(match Trouble::from(error) {
                    Trouble::Refused(said) => Trouble::Away(format!("it refuses us an account: {said}")),
                    trouble => trouble,
                })
            }
        }
    }
}
