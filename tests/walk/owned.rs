//! What somebody owns that others would like to have: made new for each case, so that nothing was used up before.
//!
//! Every text carries a canary. `…name` may be seen at the door by whoever holds a link, `…sealed` by whoever opened the message,
//! `…private` by members and keys of the tenant alone.

use kernel::TenantId;
use std::{collections::BTreeMap, time::Duration};
use tests::{ApiKey, Body, File, Member, Recipient, Town};

/// A tenant of the walk, and the first part of its canaries.
#[derive(Clone)]
pub struct House {
    pub canary: &'static str,
    pub tenant: TenantId,
    pub owner: Member,
    pub key: ApiKey,
}

/// `<words>` of the cases → what stands for them.
#[derive(Clone, Default)]
pub struct Owned {
    values: BTreeMap<&'static str, String>,
    /// The browser that opened the message behind `<link>`.
    pub reader: Option<Recipient>,
    /// The member to whom `<prove>` and `<reset>` were mailed, where they signed up.
    pub newcomer: Option<Member>,
}

impl House {
    pub async fn found(town: &Town, canary: &'static str) -> House {
        let email = format!("owner@{canary}private.example");
        let owner = town.member_called(&format!("{canary}name"), &email).await;
        let key = owner.key("the walk's own").await;
        let tenants = town.app.db.front_desk().tenants(None, 1_000).await.unwrap();
        let tenant = tenants.iter().find(|tenant| tenant.owner_email == email).unwrap().id;
        House { canary, tenant, owner, key }
    }

    /// Makes what `words` ask for. `n` tells the people of one making from those of another.
    pub async fn make(&self, town: &Town, words: &[&str], n: usize) -> Owned {
        let mut owned = Owned::default();
        // A session of its own: some cases end every one there is.
        let house = House { owner: self.owner.sign_in(town.browser()).await, ..self.clone() };
        let any = |of: &[&str]| of.iter().any(|word| words.contains(word));
        if any(&["message", "recipient", "file", "reply", "link"]) {
            house.make_message(town, n, &mut owned).await;
        }
        if any(&["draft", "draft_file", "draft_part", "whole_draft"]) {
            house.make_drafts(&mut owned).await;
        }
        if any(&["upload", "upload_part", "unsent"]) {
            house.make_uploads(&mut owned).await;
        }
        if any(&["key", "session"]) {
            house.make_credentials(town, &mut owned).await;
        }
        if any(&["domain"]) {
            house.make_domain(n, &mut owned).await;
        }
        if any(&["authority", "certificate"]) {
            house.make_certificates(&mut owned).await;
        }
        if any(&["prove", "reset"]) {
            house.make_mailed_links(town, n, &mut owned).await;
        }
        owned
    }

    async fn make_message(&self, town: &Town, n: usize, owned: &mut Owned) {
        let canary = self.canary;
        let (bob, carol) = (format!("bob{n}@{canary}private.example"), format!("carol{n}@{canary}private.example"));
        let (to, subject, body) = (format!("{bob}, {carol}"), format!("{canary}sealed subject"), format!("{canary}sealed body"));
        let name = format!("{canary}sealed.pdf");
        let file = [File { name: &name, media_type: "application/pdf", bytes: body.as_bytes() }];
        let message = self.owner.send_with(&[("to", &to), ("subject", &subject), ("body", &body), ("proof", "r0")], &file).await;
        town.run_jobs().await;
        let reader = town.recipient(&bob);
        assert_eq!(reader.open().await.step(), "message");
        let file = self.first(&format!("/v1/messages/{message}/attachments"), "attachments").await;
        reader.release(&file).await;
        reader.reply(&format!("{canary}private reply")).await.is(303);
        reader.look().await;
        owned.put("reply", self.first(&format!("/v1/replies?message={message}"), "replies").await);
        owned.put("recipient", self.first(&format!("/v1/messages/{message}/recipients"), "recipients").await);
        owned.put("link", reader.link.trim_start_matches("/p/").to_owned());
        owned.put("file", file);
        owned.put("message", message);
        owned.reader = Some(reader);
    }

    async fn first(&self, path: &str, list: &str) -> String {
        self.key.get(path).await.is(200).json()[list][0]["id"].as_str().unwrap().to_owned()
    }

    async fn make_drafts(&self, owned: &mut Owned) {
        let canary = self.canary;
        let (text, name) = (format!("{canary}private draft"), format!("{canary}private.pdf"));
        let file = [File { name: &name, media_type: "application/pdf", bytes: text.as_bytes() }];
        let fields = [("to", &text[..]), ("subject", &text), ("body", &text)];
        let draft = self.owner.draft(&fields, &file).await;
        let page = self.owner.browser.get(&format!("/drafts/{draft}")).await.is(200);
        owned.put("draft_file", page.after("data-id=\"").unwrap());
        let begin = [("name", "part.pdf"), ("type", "application/pdf"), ("size", "3")];
        let begun = self.owner.browser.script(&format!("/drafts/{draft}/files"), &begin).await.is(201);
        owned.put("draft_part", begun.json()["id"].as_str().unwrap().to_owned());
        owned.put("draft", draft);
        owned.put("whole_draft", self.owner.draft(&fields, &file).await);
    }

    async fn make_uploads(&self, owned: &mut Owned) {
        let canary = self.canary;
        let path = format!("/v1/attachments?name={canary}private.pdf");
        let whole = self.key.upload(&path, Body::Whole(format!("{canary}private file").into())).await.is(201).json();
        let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        owned.put("upload", word(&whole["id"]));
        owned.put("unsent", word(&whole["message"]));
        let part = self.key.upload(&format!("{path}&size=3"), Body::Whole(Vec::new())).await.is(201).json();
        owned.put("upload_part", word(&part["id"]));
    }

    async fn make_credentials(&self, town: &Town, owned: &mut Owned) {
        // The newest stands first.
        town.clock.advance(Duration::from_millis(1));
        self.owner.key(&format!("{}private key", self.canary)).await;
        self.owner.sign_in(town.browser()).await;
        let page = self.owner.browser.get("/settings").await.is(200);
        owned.put("key", page.after("name=\"key\" value=\"").unwrap());
        owned.put("session", page.after("name=\"session\" value=\"").unwrap());
    }

    async fn make_domain(&self, n: usize, owned: &mut Owned) {
        let name = format!("post{n}.{}private.example", self.canary);
        let made = self.key.post("/v1/domains", &serde_json::json!({ "name": name })).await.is(201).json();
        owned.put("domain", made["id"].as_str().unwrap().to_owned());
    }

    /// An authority of the tenant's own, if there is none yet, and a certificate of it.
    async fn make_certificates(&self, owned: &mut Owned) {
        let browser = &self.owner.browser;
        browser.get("/settings/certificates").await.is(200);
        browser.press("/settings/certificates/own", &[]).await;
        browser.press("/settings/certificates/issue", &[("file_password", "four other herons")]).await.is(200);
        let page = browser.get("/settings/certificates").await.is(200);
        owned.put("authority", page.after("name=\"authority\" value=\"").unwrap());
        owned.put("certificate", page.after("name=\"certificate\" value=\"").unwrap());
    }

    /// Links to a newcomer's mailbox; the newcomer's tenant is another one, called by the same canary.
    async fn make_mailed_links(&self, town: &Town, n: usize, owned: &mut Owned) {
        let email = format!("newcomer{n}@{}private.example", self.canary);
        let newcomer = Member::sign_up(town.browser(), &format!("{}name", self.canary), &email).await;
        town.run_jobs().await;
        owned.put("prove", town.newest_to(&email).link("/prove/").trim_start_matches("/prove/").to_owned());
        newcomer.browser.get("/forgot").await.is(200);
        newcomer.browser.press("/forgot", &[("email", &email)]).await.is(200);
        town.run_jobs().await;
        owned.put("reset", town.newest_to(&email).link("/reset/").trim_start_matches("/reset/").to_owned());
        owned.newcomer = Some(newcomer);
    }
}

impl Owned {
    pub fn put(&mut self, word: &'static str, value: String) {
        self.values.insert(word, value);
    }
    pub fn get(&self, word: &str) -> &str {
        self.values.get(word).unwrap_or_else(|| panic!("nobody makes a <{word}>"))
    }
    pub fn values(&self) -> impl Iterator<Item = &String> {
        self.values.values()
    }
    /// The same, but for one word.
    pub fn with(&self, word: &'static str, value: &str) -> Owned {
        let mut other = self.clone();
        other.put(word, value.to_owned());
        other
    }
    /// As well formed, made at the same moment, and nobody's: the last characters are others.
    pub fn absent(&self) -> Owned {
        let values = self.values.iter().map(|(word, value)| (*word, absent(value))).collect();
        Owned { values, ..self.clone() }
    }
    pub fn fill(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, (word, value)| text.replace(&format!("<{word}>"), value))
    }
}

/// Leaves the last character alone: of a token it has bits that do not count.
pub fn absent(value: &str) -> String {
    let (head, tail) = value.split_at(value.len() - 7);
    let other = |c: char| if c == '7' { '8' } else { '7' };
    format!("{head}{}{}", tail[..6].chars().map(other).collect::<String>(), &tail[6..])
}
