//! What one look at DNS found, kept for people: what is there instead of what should be.

use crate::{Domains, Silent};
use kernel::HostName;
use serde::{Deserialize, Serialize};

/// Records that are kept of each kind.
const MAX_SHOWN: usize = 5;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// TXT records at the place of the proof, by the resolver that saw fewest of ours.
    pub texts: Vec<String>,
    /// Every resolver saw the proof.
    pub proven: bool,
    /// Every resolver answered, and one of them did not see it: it is missing, not merely unknown.
    pub missing: bool,
    /// The name that it is an alias of.
    pub alias: Option<String>,
    pub addresses: Vec<String>,
    /// The site's own addresses, for a name that cannot be an alias.
    pub ours: Vec<String>,
    /// It leads to where the site is.
    pub points: bool,
    /// CAs that CAA records name; empty: all may certify it.
    pub caa: Vec<String>,
    /// The name that has those records: this one, or the closest above.
    pub caa_at: Option<String>,
    /// Ours is not among them.
    pub excluded: bool,
    /// What could not be looked at, in words.
    pub trouble: Option<String>,
}

impl Seen {
    /// As it lies in the row.
    pub(crate) fn read(text: &str) -> Seen {
        serde_json::from_str(text).unwrap_or_default()
    }
}

impl Domains {
    /// Looks at everything that matters for `name`, whose proof is the text `proof` at `place`. Where nobody answers, what was seen
    /// `before` stands.
    pub(crate) async fn see(&self, name: &HostName, place: &str, proof: &str, before: Seen) -> Seen {
        let mut seen = before;
        let answers = self.dns.texts(place).await;
        let has = |texts: &[String]| texts.iter().any(|text| text.trim() == proof);
        seen.proven = answers.iter().all(|answer| answer.as_ref().is_ok_and(|texts| has(texts)));
        seen.missing = !seen.proven && answers.iter().all(Result::is_ok);
        seen.trouble = answers.iter().find_map(|answer| answer.as_ref().err().map(Silent::to_string));
        let fewest = answers.into_iter().flatten().min_by_key(|texts| has(texts));
        seen.texts = fewest.unwrap_or_default().into_iter().take(MAX_SHOWN).collect();
        if let Err(silent) = self.see_where_it_leads(name, &mut seen).await {
            seen.trouble.get_or_insert_with(|| silent.to_string());
        }
        seen
    }

    async fn see_where_it_leads(&self, name: &HostName, seen: &mut Seen) -> Result<(), Silent> {
        // Kept also where it leads to no address, because then it is what is wrong.
        seen.alias = self.dns.alias(name).await?;
        let (theirs, ours) = (self.dns.addresses(name).await?, self.dns.addresses(&self.ours).await?);
        if ours.is_empty() {
            // A slip in our own DNS says nothing about theirs, and must not take every tenant's domain out of links.
            seen.trouble.get_or_insert_with(|| format!("our own name {} has no address", self.ours));
        } else {
            // All of them: a CA and people's browsers may take any.
            seen.points = !theirs.is_empty() && theirs.is_subset(&ours);
            seen.ours = ours.iter().take(MAX_SHOWN).map(ToString::to_string).collect();
        }
        seen.addresses = theirs.iter().take(MAX_SHOWN).map(ToString::to_string).collect();
        let caa = self.dns.caa(name).await?;
        seen.excluded = !self.ca.is_empty() && !caa.allows(&self.ca);
        seen.caa_at = caa.at;
        seen.caa = caa.issue.into_iter().take(MAX_SHOWN).collect();
        Ok(())
    }
}
