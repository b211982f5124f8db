//! Whoever holds a pickup link, at a browser. Nothing here says that this is the recipient.

use crate::{Answer, Browser, Fields};

#[derive(Clone)]
pub struct Recipient {
    pub browser: Browser,
    /// As in `/p/<token>`.
    pub link: String,
}

impl Recipient {
    pub fn new(browser: Browser, link: &str) -> Recipient {
        Recipient { browser, link: link.to_owned() }
    }
    /// The same link in another browser.
    pub fn at(&self, browser: Browser) -> Recipient {
        Recipient::new(browser, &self.link)
    }

    /// Looks at the first page.
    pub async fn look(&self) -> Answer {
        self.browser.get(&self.link).await
    }
    /// A page behind the first one, as in `message` or `refuse`.
    pub async fn page(&self, name: &str) -> Answer {
        self.browser.get(&self.at_path(name)).await
    }
    /// A button of the page that is shown.
    pub async fn press(&self, name: &str, fields: &Fields<'_>) -> Answer {
        self.browser.press(&self.at_path(name), fields).await
    }

    /// Looks, then presses "Open the message".
    pub async fn open(&self) -> Answer {
        self.look().await;
        self.press("open", &[]).await
    }
    pub async fn type_code(&self, code: &str) -> Answer {
        self.page("code").await;
        self.press("code", &[("code", code)]).await
    }
    pub async fn type_password(&self, password: &str) -> Answer {
        self.page("password").await;
        self.press("password", &[("password", password)]).await
    }
    pub async fn refuse(&self, reason: &str) -> Answer {
        self.page("refuse").await;
        self.press("refuse", &[("reason", reason)]).await
    }
    /// The message as it was handed over to this browser.
    pub async fn message(&self) -> Answer {
        self.page("message").await
    }
    pub async fn reply(&self, text: &str) -> Answer {
        self.message().await.is(200);
        self.press("reply", &[("reply", text)]).await
    }
    /// Presses a file's button; where the file is then.
    pub async fn release(&self, file: &str) -> String {
        self.message().await.is(200);
        self.press(&format!("files/{file}"), &[]).await.to().to_owned()
    }

    fn at_path(&self, name: &str) -> String {
        format!("{}/{name}", self.link)
    }
}

/// Which step a 303 leads to: `code`, `password`, `accept`, `message`.
impl Answer {
    #[track_caller]
    pub fn step(&self) -> &str {
        self.to().rsplit('/').next().unwrap_or_default()
    }
}
