//! The site as the outside knows it: its address and whom its mails come from.

use crate::EmailAddress;

/// Where links point and who signs the mails. Cheap enough to clone.
#[derive(Clone, Debug)]
pub struct Site {
    base: String,
    content: Option<String>,
    /// Header and envelope sender of every mail.
    pub mail_from: EmailAddress,
}

impl Site {
    /// `base` is an origin such as `https://mail.example.org`, without a path; a trailing slash is cut.
    pub fn new(base: &str, mail_from: EmailAddress) -> Site {
        Site { base: base.trim_end_matches('/').to_owned(), content: None, mail_from }
    }
    /// As well with an origin of their own for files that people were sent.
    pub fn with_content(self, origin: &str) -> Site {
        Site { content: Some(origin.to_owned()), ..self }
    }
    /// The origin that files leave from, where it is not the site's own.
    pub fn content(&self) -> Option<&str> {
        self.content.as_deref()
    }
    /// The origin, without a trailing slash.
    pub fn base(&self) -> &str {
        &self.base
    }
    /// Absolute address of `path`, which begins with a slash.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
    /// Host and, where it is not the default, port: what the address bar shows.
    pub fn host(&self) -> &str {
        self.base.split_once("://").map_or(self.base.as_str(), |(_, host)| host)
    }
    pub fn is_https(&self) -> bool {
        self.base.starts_with("https://")
    }
}
