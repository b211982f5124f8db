//! What lies in a blob store, as a sweep comes by it: by place, whoever's it is.

use super::check_name;

/// A segment, or what a killed process left of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Of the blob.
    pub name: String,
    /// `None`: it was never finished, and no row can name it.
    pub segment: Option<u64>,
    /// Below the blob's name.
    pub(super) file: String,
}

/// One look at a part of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredPage {
    /// Those that are old enough.
    pub old: Vec<Stored>,
    /// Where the next look goes on; `None`: that was the end.
    pub next: Option<String>,
}

impl Stored {
    /// `None`: this place is none of ours.
    pub(super) fn at(place: &str) -> Option<Stored> {
        let (name, file) = place.rsplit_once('/')?;
        check_name(name).ok()?;
        let segment = file.parse().ok();
        // As `local` writes them.
        (segment.is_some() || file.starts_with('.')).then(|| Stored { name: name.to_owned(), segment, file: file.to_owned() })
    }
    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.name, self.file)
    }
}
