//! A small town for this crate's own tests: own database, mailbox, stopped clock, seeded chance.

use crate::{App, Config, Outside, app};
use accounts::SignUp;
use kernel::{Chance, Clock, TenantId, Time};
use mail::{CapturedMail, Mailer};
use std::sync::Arc;
use store::Origin;

pub struct Town {
    pub app: App,
    pub clock: Clock,
    pub letters: Arc<CapturedMail>,
    _dir: tempfile::TempDir,
}

impl Town {
    pub async fn new() -> Town {
        Town::with(|_| {}).await
    }
    pub async fn with(change: impl FnOnce(&mut Config)) -> Town {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        change(&mut config);
        app::migrate(&config).await.unwrap();
        let (clock, letters) = (Clock::stopped(Time(1_790_000_000_000)), Arc::new(CapturedMail::new(100)));
        let outside = Outside { clock: clock.clone(), chance: Chance::seeded(1), mailer: Mailer::Mailbox(letters.clone()) };
        let app = App::build(&config, outside).await.unwrap();
        Town { app, clock, letters, _dir: dir }
    }
    /// Signs somebody up, which leaves the jobs of its mails.
    pub async fn sign_up(&self, email: &str) -> TenantId {
        let form = SignUp { name: "Ana Brandt".into(), email: email.into(), password: "four quiet lanterns by the harbour".into() };
        self.app.accounts.sign_up(&form, Origin::default()).await.unwrap().caller.tenant()
    }
}
