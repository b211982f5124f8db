//! Mails about an account. None of them tells a stranger who has one: the page that caused it says the same either way.

use super::{Button, mail};

/// Proves the address of a new account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProveAddress {
    pub name: String,
    pub link: String,
    /// How long the link is good.
    pub hours: i64,
}
impl ProveAddress {
    fn subject(&self) -> String {
        "Confirm your address".into()
    }
    fn button(&self) -> Option<Button<'_>> {
        Some(Button { label: "Confirm this address", link: &self.link })
    }
}
mail!(ProveAddress, "prove_address.txt", "prove_address.html");

/// Lets someone who forgot the password set a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetPassword {
    pub name: String,
    pub link: String,
    /// How long the link is good.
    pub hours: i64,
}
impl ResetPassword {
    fn subject(&self) -> String {
        "Set a new password".into()
    }
    fn button(&self) -> Option<Button<'_>> {
        Some(Button { label: "Set a new password", link: &self.link })
    }
}
mail!(ResetPassword, "reset_password.txt", "reset_password.html");

/// Instead of [`ProveAddress`], for the second account of an address that was proven for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlreadyRegistered {
    pub name: String,
    pub sign_in_link: String,
    pub reset_link: String,
    /// Proves the address of the second account.
    pub confirm_link: String,
    /// How long that link is good.
    pub hours: i64,
}
impl AlreadyRegistered {
    fn subject(&self) -> String {
        "You already have an account".into()
    }
    fn button(&self) -> Option<Button<'_>> {
        Some(Button { label: "Sign in", link: &self.sign_in_link })
    }
}
mail!(AlreadyRegistered, "already_registered.txt", "already_registered.html");
