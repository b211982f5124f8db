//! The head of every page: brand, navigation, who is signed in, sends left, the sentence of the page before.

use crate::{assets, browser::Browser, human};
use accounts::Me;
use store::Right;

/// What `layout.html` needs; a template that extends it has this as its field `page`.
pub struct Top {
    /// `sent`, `received`, `drafts`, `settings`, or nothing.
    pub current: &'static str,
    pub person: Option<Person>,
    pub flash: Option<String>,
    /// Strangers may sign up here.
    pub sign_up_open: bool,
    /// Value of the hidden field `form` of every form on the page.
    pub form: String,
}

/// Whoever is signed in.
pub struct Person {
    pub tenant: String,
    pub email: String,
    /// The address was proven by a mailed link.
    pub proven: bool,
    /// Their role lets them write messages.
    pub writes: bool,
    /// "8 of 10 sends left", or "no limit on sends".
    pub sends_left: String,
}

impl Top {
    pub fn anyone(browser: &Browser) -> Top {
        Top { current: "", person: None, flash: browser.flash.clone(), sign_up_open: browser.sign_up_open, form: browser.form.clone() }
    }
    pub fn writes(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.writes)
    }
    /// Address of a script or style sheet.
    pub fn asset(&self, name: &str) -> String {
        assets::url(name)
    }
    pub fn member(browser: &Browser, me: &Me, current: &'static str) -> Top {
        let person = Person {
            tenant: me.tenant_name.clone(),
            email: me.email.clone(),
            proven: me.proven,
            writes: me.role.may(Right::Write),
            sends_left: human::sends_left(&me.usage),
        };
        Top { current, person: Some(person), ..Top::anyone(browser) }
    }
}
