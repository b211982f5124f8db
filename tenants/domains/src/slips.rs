//! Slips that DNS panels invite, told by what was seen instead.

use crate::{DomainView, Domains};

impl DomainView {
    /// Whether `text`, which was seen, is the proof with quotes around it: the panel has its own, and these became part of the value.
    pub fn has_quotes(&self, text: &str) -> bool {
        let bare = text.trim().trim_matches(|c| matches!(c, '"' | '\'' | '\\' | '“' | '”' | '„'));
        bare == self.record.value && text.trim() != bare
    }
}

impl Domains {
    /// Whether the alias that was seen is the site's name with the tenant's own domain after it, as a panel writes a name without a final dot.
    pub fn was_appended(&self, view: &DomainView) -> bool {
        let alias = view.seen.alias.as_deref().unwrap_or_default();
        let more = alias.strip_prefix(self.ours.as_str()).and_then(|more| more.strip_prefix('.'));
        more.is_some_and(|zone| view.name.as_str() == zone || view.name.as_str().ends_with(&format!(".{zone}")))
    }
}
