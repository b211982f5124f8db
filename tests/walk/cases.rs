//! One case for every route: how its owner asks for it, and what the owner is answered. `<words>` stand for what somebody owns.
//!
//! A page route or an operation without a line here fails the walk, and so does a line whose route is gone.

/// How to ask for one route.
pub struct Case {
    pub method: &'static str,
    /// As `web::ROUTES` or `openapi::routes()` has it.
    pub route: &'static str,
    pub path: &'static str,
    pub body: Says,
    /// The status that the owner is answered with.
    pub done: u16,
}

/// What goes along.
#[derive(Clone, Copy)]
pub enum Says {
    Nothing,
    /// Fields of a form, to which the hidden ones are added.
    Form(&'static str),
    /// The same, sent by the page's script.
    Script(&'static str),
    Json(&'static str),
    Bytes(&'static str),
}
use Says::{Bytes, Form, Json, Nothing, Script};

macro_rules! cases { ($($method:literal $route:literal => $path:literal $body:expr, $done:literal;)+) => {
    &[$(Case { method: $method, route: $route, path: $path, body: $body, done: $done },)+]
} }

pub const CASES: &[Case] = cases! {
    "GET" "/" => "/" Nothing, 303;
    "GET" "/assets/:hash/:name" => "/assets/any/site.css" Nothing, 200;
    "GET" "/favicon.ico" => "/favicon.ico" Nothing, 200;
    "GET" "/sign-up" => "/sign-up" Nothing, 200;
    "POST" "/sign-up" => "/sign-up" Form("name=&email=nowhere&password=short"), 422;
    "GET" "/sign-in" => "/sign-in" Nothing, 200;
    "POST" "/sign-in" => "/sign-in" Form("email=<caller>@example.org&password=a guess, and a wrong one"), 422;
    "POST" "/sign-out" => "/sign-out" Form(""), 303;
    "GET" "/step-up" => "/step-up?next=/settings" Nothing, 200;
    "POST" "/step-up" => "/step-up" Form("password=a guess, and a wrong one&next=/settings"), 422;
    "GET" "/forgot" => "/forgot" Nothing, 200;
    "POST" "/forgot" => "/forgot" Form("email=<caller>@example.org"), 200;
    "GET" "/reset/:token" => "/reset/<reset>" Nothing, 200;
    "POST" "/reset/:token" => "/reset/<reset>" Form("password=four other herons wading"), 303;
    "GET" "/prove/:token" => "/prove/<prove>" Nothing, 200;
    "POST" "/prove/:token" => "/prove/<prove>" Form(""), 303;

    "GET" "/hand-off" => "/hand-off" Nothing, 404;
    "GET" "/arrive" => "/arrive" Nothing, 403;

    "GET" "/settings" => "/settings" Nothing, 200;
    "POST" "/settings/name" => "/settings/name" Form("name=<name>"), 303;
    "POST" "/settings/organisation" => "/settings/organisation" Form("organisation=<name>"), 303;
    "POST" "/settings/proof" => "/settings/proof" Form(""), 303;
    "POST" "/settings/password" => "/settings/password" Form("old_password=a guess, and a wrong one&password=four other herons wading"), 422;
    "POST" "/settings/sessions/end" => "/settings/sessions/end" Form("session=<session>"), 303;
    "POST" "/settings/sessions/end-all" => "/settings/sessions/end-all" Form(""), 303;
    "POST" "/settings/keys" => "/settings/keys" Form("key_name=another"), 201;
    "POST" "/settings/keys/revoke" => "/settings/keys/revoke" Form("key=<key>"), 303;

    "GET" "/settings/domains" => "/settings/domains" Nothing, 200;
    "POST" "/settings/domains" => "/settings/domains" Form("name=page.<name>.example"), 303;
    "GET" "/settings/domains/:id" => "/settings/domains/<domain>" Nothing, 200;
    "POST" "/settings/domains/:id/look" => "/settings/domains/<domain>/look" Form(""), 303;
    "POST" "/settings/domains/:id/remove" => "/settings/domains/<domain>/remove" Form(""), 303;
    "GET" "/sign-in/certificate" => "/sign-in/certificate" Nothing, 200;
    "POST" "/sign-in/certificate" => "/sign-in/certificate" Form("ticket=no ticket"), 403;
    "GET" "/settings/certificates" => "/settings/certificates" Nothing, 200;
    "POST" "/settings/certificates/authorities" => "/settings/certificates/authorities" Form("chain=no certificate"), 422;
    "POST" "/settings/certificates/authorities/rules" => "/settings/certificates/authorities/rules" Form("authority=<authority>&crl_grace_hours=1"), 303;
    "POST" "/settings/certificates/authorities/remove" => "/settings/certificates/authorities/remove" Form("authority=<authority>"), 303;
    "POST" "/settings/certificates/own" => "/settings/certificates/own" Form(""), 303;
    "POST" "/settings/certificates/enrol" => "/settings/certificates/enrol" Form(""), 303;
    "POST" "/settings/certificates/issue" => "/settings/certificates/issue" Form("file_password=short"), 422;
    "POST" "/settings/certificates/revoke" => "/settings/certificates/revoke" Form("certificate=<certificate>"), 303;

    "GET" "/sent" => "/sent?after=<message>" Nothing, 200;
    "GET" "/compose" => "/compose" Nothing, 200;
    "GET" "/drafts" => "/drafts?after=<draft>" Nothing, 200;
    "POST" "/drafts" => "/drafts" Form("subject=typed"), 303;
    "GET" "/drafts/:id" => "/drafts/<draft>" Nothing, 200;
    "POST" "/drafts/:id" => "/drafts/<draft>" Form("subject=typed"), 303;
    "POST" "/drafts/:id/send" => "/drafts/<whole_draft>/send" Form("to=x@example.org&subject=typed&body=typed"), 303;
    "POST" "/drafts/:id/discard" => "/drafts/<draft>/discard" Form(""), 303;
    "POST" "/drafts/:id/files" => "/drafts/<draft>/files" Script("name=a.pdf&type=application/pdf&size=3"), 201;
    "GET" "/drafts/:id/files/:att" => "/drafts/<draft>/files/<draft_file>" Nothing, 200;
    "PUT" "/drafts/:id/files/:att" => "/drafts/<draft>/files/<draft_part>?offset=0" Bytes("abc"), 200;
    "POST" "/drafts/:id/files/:att/remove" => "/drafts/<draft>/files/<draft_file>/remove" Form("subject=typed"), 303;
    "GET" "/messages/:id" => "/messages/<message>?recipient=<recipient>" Nothing, 200;
    "GET" "/messages/:id/timeline" => "/messages/<message>/timeline?recipient=<recipient>" Nothing, 200;
    "GET" "/messages/:id/events" => "/messages/<message>/events" Nothing, 200;
    "POST" "/messages/:id/again" => "/messages/<message>/again" Form(""), 303;
    "POST" "/messages/:id/retract" => "/messages/<message>/retract" Form("recipient=<recipient>"), 303;
    "POST" "/messages/:id/unlock" => "/messages/<message>/unlock" Form("recipient=<recipient>"), 303;
    "GET" "/messages/:id/files/:att/:name" => "/messages/<message>/files/<file>/a.pdf" Nothing, 200;
    "GET" "/received" => "/received?after=<reply>" Nothing, 200;
    "GET" "/received/:id" => "/received/<reply>" Nothing, 200;
    "POST" "/received/:id/read" => "/received/<reply>/read" Form(""), 303;

    // The owner of a link is the browser that opened the message behind it.
    "GET" "/p/:token" => "/p/<link>" Nothing, 200;
    "POST" "/p/:token/open" => "/p/<link>/open" Form(""), 303;
    "GET" "/p/:token/code" => "/p/<link>/code" Nothing, 303;
    "POST" "/p/:token/code" => "/p/<link>/code" Form("code=123456"), 303;
    "POST" "/p/:token/code/again" => "/p/<link>/code/again" Form(""), 303;
    "GET" "/p/:token/password" => "/p/<link>/password" Nothing, 303;
    "POST" "/p/:token/password" => "/p/<link>/password" Form("password=a guess"), 303;
    "GET" "/p/:token/certificate" => "/p/<link>/certificate" Nothing, 303;
    "POST" "/p/:token/certificate" => "/p/<link>/certificate" Form("shown=no word of ours"), 303;
    "GET" "/p/:token/accept" => "/p/<link>/accept" Nothing, 303;
    "POST" "/p/:token/accept" => "/p/<link>/accept" Form(""), 303;
    "GET" "/p/:token/refuse" => "/p/<link>/refuse" Nothing, 303;
    "POST" "/p/:token/refuse" => "/p/<link>/refuse" Form("reason=too late"), 303;
    "GET" "/p/:token/message" => "/p/<link>/message" Nothing, 200;
    "POST" "/p/:token/reply" => "/p/<link>/reply" Form("reply=typed"), 303;
    "GET" "/p/:token/block" => "/p/<link>/block" Nothing, 200;
    "POST" "/p/:token/block" => "/p/<link>/block" Form(""), 200;
    "POST" "/p/:token/unblock" => "/p/<link>/unblock" Form(""), 303;
    "POST" "/p/:token/files/:id" => "/p/<link>/files/<file>" Form(""), 303;
    "GET" "/p/:token/files/:id/:name" => "/p/<link>/files/<file>/a.pdf" Nothing, 200;

    "POST" "/v1/messages" => "/v1/messages" Json(r#"{"to":["x@example.org"],"subject":"typed","body":"","attachments":["<upload>"]}"#), 201;
    "GET" "/v1/messages" => "/v1/messages?after=<message>" Nothing, 200;
    "GET" "/v1/messages/{id}" => "/v1/messages/<message>" Nothing, 200;
    "GET" "/v1/messages/{id}/recipients" => "/v1/messages/<message>/recipients" Nothing, 200;
    "GET" "/v1/messages/{id}/evidence" => "/v1/messages/<message>/evidence?recipient=<recipient>" Nothing, 200;
    "POST" "/v1/messages/{id}/retraction" => "/v1/messages/<message>/retraction" Json(r#"{"recipients":["<recipient>"]}"#), 200;
    "POST" "/v1/messages/{id}/recipients/{recipient}/unlocking" => "/v1/messages/<message>/recipients/<recipient>/unlocking" Nothing, 409;
    "GET" "/v1/messages/{id}/attachments" => "/v1/messages/<message>/attachments" Nothing, 200;
    "GET" "/v1/messages/{id}/attachments/{attachment}" => "/v1/messages/<message>/attachments/<file>" Nothing, 200;
    "DELETE" "/v1/messages/{id}/attachments/{attachment}" => "/v1/messages/<unsent>/attachments/<upload>" Nothing, 204;
    "POST" "/v1/attachments" => "/v1/attachments?name=a.pdf&message=<unsent>" Bytes("abc"), 201;
    "GET" "/v1/attachments/{id}" => "/v1/attachments/<file>" Nothing, 200;
    "PUT" "/v1/attachments/{id}" => "/v1/attachments/<upload_part>?offset=0" Bytes("abc"), 200;
    "GET" "/v1/replies" => "/v1/replies?message=<message>&after=<reply>" Nothing, 200;
    "GET" "/v1/replies/{id}" => "/v1/replies/<reply>" Nothing, 200;
    "POST" "/v1/replies/{id}/read" => "/v1/replies/<reply>/read" Nothing, 204;
    "GET" "/v1/domains" => "/v1/domains" Nothing, 200;
    "POST" "/v1/domains" => "/v1/domains" Json(r#"{"name":"api.<name>.example"}"#), 201;
    "GET" "/v1/domains/{id}" => "/v1/domains/<domain>" Nothing, 200;
    "DELETE" "/v1/domains/{id}" => "/v1/domains/<domain>" Nothing, 204;
    "POST" "/v1/domains/{id}/look" => "/v1/domains/<domain>/look" Nothing, 204;
    "GET" "/v1/authorities" => "/v1/authorities" Nothing, 200;
    "GET" "/v1/certificates" => "/v1/certificates" Nothing, 200;
    "POST" "/v1/certificates/{id}/revoke" => "/v1/certificates/<certificate>/revoke" Nothing, 204;
    "GET" "/v1/account" => "/v1/account" Nothing, 200;
};

/// Addresses that are in neither list: read by anyone, and telling nothing of anybody.
pub const OPEN: [&str; 7] = ["/openapi.json", "/docs", "/problems", "/problems/not-found", "/live", "/ready", "/nothing-here"];

/// Whose business a route is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Anyones,
    Members,
    Keys,
    /// Of whoever holds a pickup link, or a link mailed to a member: the token in the path is the credential.
    Holders,
}

impl Case {
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.route)
    }
    pub fn whose(&self) -> Whose {
        if self.route.starts_with("/v1/") {
            return Whose::Keys;
        }
        if self.route.contains(":token") {
            return Whose::Holders;
        }
        let page = web::ROUTES.iter().find(|page| (page.method, page.path) == (self.method, self.route));
        match page.map(|page| page.who) {
            Some(web::Who::Anyone) => Whose::Anyones,
            _ => Whose::Members,
        }
    }
    /// What the path, the query and the body name, in that order, each once.
    pub fn words(&self) -> Vec<&'static str> {
        let body = match self.body {
            Nothing => "",
            Form(text) | Script(text) | Json(text) | Bytes(text) => text,
        };
        let mut words = Vec::new();
        for word in [self.path, body].into_iter().flat_map(|text| text.split('<').skip(1)).filter_map(|rest| rest.split('>').next()) {
            if !words.contains(&word) && !["caller", "name"].contains(&word) {
                words.push(word);
            }
        }
        words
    }
    /// Those in the path itself: when they are wrong there is nothing there.
    pub fn words_of_path(&self) -> Vec<&'static str> {
        let path = self.path.split('?').next().unwrap_or_default();
        self.words().into_iter().filter(|word| path.contains(&format!("<{word}>"))).collect()
    }
}

#[test]
fn every_route_has_a_case_and_every_case_a_route() {
    let pages = web::ROUTES.iter().map(|page| format!("{} {}", page.method, page.path));
    let operations = openapi::routes().into_iter().map(|operation| format!("{} {}", operation.method, operation.path));
    let mut routes: Vec<String> = pages.chain(operations).collect();
    let mut cases: Vec<String> = CASES.iter().map(Case::name).collect();
    routes.sort();
    cases.sort();
    let lacking: Vec<_> = routes.iter().filter(|route| !cases.contains(route)).collect();
    assert!(lacking.is_empty(), "routes without a case in tests/walk/cases.rs: {lacking:#?}");
    let gone: Vec<_> = cases.iter().filter(|case| !routes.contains(case)).collect();
    assert!(gone.is_empty(), "cases without a route: {gone:#?}");
    assert_eq!(routes.len(), cases.len(), "a case is there twice");
}
