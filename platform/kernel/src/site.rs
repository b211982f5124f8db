//! The site as the outside knows it: its address and whom its mails come from.

use crate::{EmailAddress, HostName};

/// Where links point and who signs the mails. Cheap enough to clone.
#[derive(Clone, Debug)]
pub struct Site {
    base: String,
    content: Option<String>,
    asks: bool,
    /// Header and envelope sender of every mail.
    pub mail_from: EmailAddress,
}

impl Site {
    /// `base` is an origin such as `https://mail.example.org`, without a path; a trailing slash is cut.
    pub fn new(base: &str, mail_from: EmailAddress) -> Site {
        Site { base: base.trim_end_matches('/').to_owned(), content: None, asks: false, mail_from }
    }
    /// As well with an origin of their own for files that people were sent.
    pub fn with_content(self, origin: &str) -> Site {
        Site { content: Some(origin.to_owned()), ..self }
    }
    /// As well with hosts beneath its own that have certificates and ask for others'.
    pub fn with_asking_hosts(self) -> Site {
        Site { asks: true, ..self }
    }
    /// Whether client certificates can be asked for: that takes TLS that ends here, and a certificate for each of those hosts.
    pub fn asks_for_certificates(&self) -> bool {
        self.asks && self.is_https()
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
    /// The same site by another name, at the same port.
    pub fn at(&self, host: &HostName) -> Site {
        let (scheme, own) = self.base.split_once("://").unwrap_or(("https", &self.base));
        let port = own.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or("", |(_, port)| port);
        let colon = if port.is_empty() { "" } else { ":" };
        Site { base: format!("{scheme}://{host}{colon}{port}"), ..self.clone() }
    }
    pub fn is_https(&self) -> bool {
        self.base.starts_with("https://")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_has_the_scheme_and_the_port_of_the_site() {
        let at = |base: &str| {
            let site = Site::new(base, EmailAddress::parse("post@mail.example").expect("an address"));
            site.at(&HostName::parse("post.acme.example").expect("a name")).base().to_owned()
        };
        assert_eq!(at("https://mail.example"), "https://post.acme.example");
        assert_eq!(at("https://mail.example:8443/"), "https://post.acme.example:8443");
        assert_eq!(at("http://[::1]:8080"), "http://post.acme.example:8080");
        assert_eq!(at("http://[::1]"), "http://post.acme.example");
    }
}
