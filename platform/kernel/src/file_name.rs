//! The name of an attachment: a name alone, never a path, never one that reads as something else.

use crate::{MAX_FILE_NAME_CHARS, line, shown::hides_something};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFileName {
    #[error("the file has no name")]
    Empty,
    #[error("the file name has {0} characters; at most {MAX_FILE_NAME_CHARS} fit")]
    TooLong(usize),
    #[error("the file name has a slash in it; send the name alone, without folders")]
    Path,
    #[error("the file name has a character in it that cannot be seen; rename the file and try again")]
    Invisible,
}

/// A file name of 1 to 255 characters, no path separators, nothing that cannot be seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileName(String);

impl FileName {
    pub fn parse(text: &str) -> Result<FileName, BadFileName> {
        let name = text.trim();
        match line::check(name, MAX_FILE_NAME_CHARS) {
            Err(line::BadLine::TooLong { chars, .. }) => return Err(BadFileName::TooLong(chars)),
            Err(_) => return Err(BadFileName::Invisible),
            Ok(()) if hides_something(name) => return Err(BadFileName::Invisible),
            Ok(()) => {}
        }
        if name.contains(['/', '\\']) || name == "." || name == ".." {
            return Err(BadFileName::Path);
        }
        if name.is_empty() {
            return Err(BadFileName::Empty);
        }
        Ok(FileName(name.to_owned()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_pass_and_paths_do_not() {
        for good in ["a.pdf", "Übersicht 2026.xlsx", ".profile", "報告.docx", "a..b"] {
            assert_eq!(FileName::parse(good).map(|n| n.to_string()), Ok(good.into()));
        }
        for path in ["../../etc/passwd", "a/b", "C:\\x", "..", "."] {
            assert_eq!(FileName::parse(path), Err(BadFileName::Path), "{path}");
        }
        assert_eq!(FileName::parse(" "), Err(BadFileName::Empty));
        assert_eq!(FileName::parse("a\u{202e}fdp.exe"), Err(BadFileName::Invisible));
        for hiding in ["invoice\u{200b}.pdf", "a\u{feff}.pdf", "a\u{2060}b", "pay\u{200d}pal.pdf", "\u{3164}", "so\u{ad}ft.pdf"] {
            assert_eq!(FileName::parse(hiding), Err(BadFileName::Invisible), "{hiding:?}");
        }
        assert_eq!(FileName::parse("a\0b"), Err(BadFileName::Invisible));
        assert_eq!(FileName::parse("a\r\nb"), Err(BadFileName::Invisible));
        assert_eq!(FileName::parse(&"x".repeat(256)), Err(BadFileName::TooLong(256)));
    }
}
