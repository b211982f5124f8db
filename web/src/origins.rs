//! Whose pages are ours: the site's own origin, and the further ones that whoever assembled it says it serves.

use kernel::Site;
use std::sync::Arc;

/// Origins as a browser writes them: scheme, host and, where it is not the default, port (RFC 6454 §6.2). Cheap to clone.
#[derive(Clone)]
pub struct Origins {
    site: String,
    served: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Origins {
    /// The origin of the site's address alone.
    pub fn of(site: &Site) -> Origins {
        Origins { site: site.base().to_owned(), served: Arc::new(|_| false) }
    }
    /// As well as those for which `served` says yes, asked for each form whose origin is another; it must not block.
    pub fn and(self, served: impl Fn(&str) -> bool + Send + Sync + 'static) -> Origins {
        Origins { served: Arc::new(served), ..self }
    }
    pub(crate) fn has(&self, origin: &str) -> bool {
        origin.eq_ignore_ascii_case(&self.site) || (self.served)(origin)
    }
}
