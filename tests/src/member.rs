//! A member of a tenant, at a browser where they are signed in.

use crate::{Answer, ApiKey, Browser, Fields, File};

pub const PASSWORD: &str = "four quiet herons wading";

#[derive(Clone)]
pub struct Member {
    pub browser: Browser,
    pub email: String,
}

impl Member {
    /// Fills the sign-up page. The new tenant and its owner are called `name`.
    pub async fn sign_up(browser: Browser, name: &str, email: &str) -> Member {
        browser.get("/sign-up").await.is(200);
        let fields = [("name", name), ("email", email), ("password", PASSWORD)];
        assert_eq!(browser.press("/sign-up", &fields).await.to(), "/compose");
        browser.get("/compose").await.is(200);
        Member { browser, email: email.to_owned() }
    }

    /// The same person at another browser.
    pub async fn sign_in(&self, browser: Browser) -> Member {
        browser.get("/sign-in").await.is(200);
        browser.press("/sign-in", &[("email", &self.email), ("password", PASSWORD)]).await.is(303);
        browser.get("/settings").await.is(200);
        Member { browser, email: self.email.clone() }
    }

    /// Makes an API key on the settings page.
    pub async fn key(&self, name: &str) -> ApiKey {
        self.browser.get("/settings").await.is(200);
        let mut page = self.browser.press("/settings/keys", &[("key_name", name)]).await;
        if page.shows("/step-up") {
            self.step_up().await;
            page = self.browser.press("/settings/keys", &[("key_name", name)]).await;
        }
        let page = page.is(201);
        let secret = page.after(r#"id="secret" tabindex="0">"#).expect("the secret is shown once");
        ApiKey::new(self.browser.door.clone(), self.browser.address, &secret)
    }

    /// Types the password once more, and shows the settings page.
    pub async fn step_up(&self) {
        self.browser.get("/step-up").await.is(200);
        self.browser.press("/step-up", &[("password", PASSWORD)]).await.is(303);
        self.browser.get("/settings").await.is(200);
    }

    /// Fills the compose page and sends; answers the message's id.
    pub async fn send(&self, fields: &Fields<'_>) -> String {
        self.send_with(fields, &[]).await
    }
    pub async fn send_with(&self, fields: &Fields<'_>, files: &[File<'_>]) -> String {
        let answer = self.try_send(fields, files).await;
        answer.to().strip_prefix("/messages/").expect("the page of the new message").to_owned()
    }
    /// As [`Member::send_with`]; the answer, whatever it is.
    pub async fn try_send(&self, fields: &Fields<'_>, files: &[File<'_>]) -> Answer {
        self.browser.get("/compose").await.is(200);
        self.browser.press_with_files("/drafts?then=send", &[&letter()[..], fields].concat(), files).await
    }

    /// Begins a draft; answers its id.
    pub async fn draft(&self, fields: &Fields<'_>, files: &[File<'_>]) -> String {
        self.browser.get("/compose").await.is(200);
        let answer = self.browser.press_with_files("/drafts", fields, files).await;
        answer.to().strip_prefix("/drafts/").expect("the page of the new draft").to_owned()
    }

    /// The page of a message that was sent.
    pub async fn page(&self, message: &str) -> Answer {
        self.browser.get(&format!("/messages/{message}")).await.is(200)
    }
    /// Presses "Take it back"; what the next page says about it.
    pub async fn retract(&self, message: &str) -> Answer {
        let to = self.browser.press(&format!("/messages/{message}/retract"), &[]).await.to().to_owned();
        self.browser.get(&to).await.is(200)
    }
}

/// What a message says unless the test says otherwise (of two fields of one name the last counts).
fn letter<'f>() -> [(&'f str, &'f str); 2] {
    [("subject", "Wire instructions"), ("body", "Dear *Bob*,\nthe account is 12-34.")]
}
