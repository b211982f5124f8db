//! Everybody who may come to a route.

use super::{
    cases::{Case, Says, Whose},
    owned::{House, Owned},
};
use poem::http::Method;
use std::time::Duration;
use tests::{Answer, ApiKey, Body, Browser, Town};

/// Somebody who asks.
pub struct Caller {
    pub name: &'static str,
    pub browser: Browser,
    pub key: Option<ApiKey>,
    /// Canaries that this caller may see.
    pub sees: Vec<String>,
}

/// Whom a case is walked as, in this order.
pub const NAMES: [&str; 10] = [
    "nobody",
    "ended session",
    "suspended tenant",
    "suspended member",
    "other member",
    "revoked key",
    "suspended key",
    "other key",
    "other link",
    "owner",
];

/// The tenants of the walk.
pub struct Street {
    pub acme: House,
    pub bolt: House,
    /// Suspended, tenant and member, after they got their sessions and keys.
    shut: House,
    gone: House,
    revoked: ApiKey,
}

impl Street {
    pub async fn found(town: &Town) -> Street {
        let acme = House::found(town, "acme").await;
        let bolt = House::found(town, "bolt").await;
        let (shut, gone) = (House::found(town, "shut").await, House::found(town, "gone").await);
        shut.make(town, &["message", "draft", "upload", "key"], 0).await;
        town.app.db.front_desk().set_tenant_state(shut.tenant, "suspended").await.unwrap();
        let suspend = format!("UPDATE member SET state = 'suspended' WHERE email = '{}'", gone.owner.email);
        town.database().run(&suspend).await;
        // What no process did is noticed within a second.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        // The newest key stands first on the page.
        town.clock.advance(Duration::from_millis(1));
        let revoked = acme.owner.key("revoked").await;
        let id = acme.owner.browser.get("/settings").await.is(200).after("name=\"key\" value=\"").unwrap();
        acme.owner.browser.press("/settings/keys/revoke", &[("key", &id)]).await.is(303);
        Street { acme, bolt, shut, gone, revoked }
    }

    /// Everybody but the owner. Sessions are new each time, because some cases end them.
    pub async fn strangers(&self, town: &Town, bolts: &Owned) -> Vec<Caller> {
        let person = |name, browser: Browser| Caller { name, browser, key: None, sees: Vec::new() };
        let program = |name, browser: Browser, key: &ApiKey| Caller { name, browser, key: Some(key.clone()), sees: Vec::new() };
        let nobody = async || {
            let browser = town.browser();
            browser.get("/sign-in").await.is(200);
            browser
        };
        let ended = self.acme.owner.sign_in(town.browser()).await.browser;
        let signed_out = ended.copy();
        ended.press("/sign-out", &[]).await.is(303);
        let eve = self.bolt.owner.sign_in(town.browser()).await.browser;
        let dan = bolts.reader.as_ref().expect("bolt has sent a message").browser.copy();
        dan.get("/sign-in").await.is(200);
        let all = ["boltname", "boltsealed", "boltprivate"].map(str::to_owned).to_vec();
        vec![
            person("nobody", nobody().await),
            person("ended session", signed_out),
            person("suspended tenant", self.shut.owner.browser.copy()),
            person("suspended member", self.gone.owner.browser.copy()),
            Caller { sees: all.clone(), ..person("other member", eve) },
            program("revoked key", nobody().await, &self.revoked),
            program("suspended key", nobody().await, &self.shut.key),
            Caller { sees: all, ..program("other key", nobody().await, &self.bolt.key) },
            Caller { sees: vec!["boltname".into(), "boltsealed".into()], ..person("other link", dan) },
        ]
    }

    /// The owner of what the case is about.
    pub async fn owner(&self, town: &Town, case: &Case, owned: &Owned) -> Caller {
        let canary = self.acme.canary;
        let all = ["name", "sealed", "private"].map(|kind| format!("{canary}{kind}")).to_vec();
        match (case.whose(), &owned.reader) {
            (Whose::Keys, _) => Caller { name: "owner", browser: town.browser(), key: Some(self.acme.key.clone()), sees: all },
            (Whose::Holders, Some(reader)) => {
                let sees = vec![format!("{canary}name"), format!("{canary}sealed")];
                Caller { name: "owner", browser: reader.browser.copy(), key: None, sees }
            }
            (Whose::Holders, None) => {
                let newcomer = owned.newcomer.as_ref().expect("a link that is no pickup link was mailed to a newcomer");
                Caller { name: "owner", browser: newcomer.browser.copy(), key: None, sees: all }
            }
            _ => {
                let member = self.acme.owner.sign_in(town.browser()).await;
                Caller { name: "owner", browser: member.browser, key: None, sees: all }
            }
        }
    }
}

impl Caller {
    /// Asks as the case has it, with all that this caller has to show.
    pub async fn ask(&self, case: &Case, owned: &Owned) -> Answer {
        let (caller, name) = (self.name.replace(' ', "-"), self.sees.first().map_or("typed", String::as_str));
        let fill = |text: &str| owned.fill(&text.replace("<caller>", &caller).replace("<name>", name));
        let (form, json) = ("application/x-www-form-urlencoded", "application/json");
        let mut headers: Vec<(&str, String)> = Vec::new();
        let body = match case.body {
            Says::Nothing => Body::None,
            Says::Form(fields) | Says::Script(fields) => {
                headers.push(("content-type", form.to_owned()));
                if matches!(case.body, Says::Script(_)) {
                    headers.push(("accept", json.to_owned()));
                }
                Body::Whole(self.encoded(&fill(fields)).into())
            }
            Says::Json(text) => {
                headers.push(("content-type", json.to_owned()));
                Body::Whole(fill(text).into())
            }
            Says::Bytes(text) => {
                headers.push(("x-form", self.hidden("form")));
                Body::Whole(text.into())
            }
        };
        if let Some(key) = &self.key {
            headers.push(("authorization", format!("Bearer {}", key.secret)));
        }
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let method: Method = case.method.parse().unwrap();
        // A copy: what an answer sets is not kept, so that every request of a caller is made alike.
        self.browser.copy().ask(method, &fill(case.path), &headers, body).await
    }

    fn encoded(&self, fields: &str) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(self.browser.hidden_fields());
        form.extend_pairs(fields.split('&').filter_map(|field| field.split_once('=')));
        form.finish()
    }
    fn hidden(&self, name: &str) -> String {
        self.browser.hidden_fields().into_iter().find(|(found, _)| found == name).map(|(_, value)| value).unwrap_or_default()
    }
}
