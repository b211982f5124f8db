//! One line of text from outside: subject, name, hint, reason. No control characters, so no header can be smuggled in.

/// What is wrong with a line, as a sentence without its subject ("has a line break in it").
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    #[error("is empty")]
    Empty,
    #[error("has {chars} characters; at most {max} fit")]
    TooLong { chars: usize, max: usize },
    #[error("has a line break in it; it must be one line")]
    LineBreak,
    #[error("has a control character in it")]
    Control,
    #[error("has an invisible character that changes the direction of text in it")]
    Bidi,
}

/// One line of printable text, trimmed, at most `MAX` characters; may be empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Line<const MAX: usize>(String);

impl<const MAX: usize> Line<MAX> {
    pub fn parse(text: &str) -> Result<Self, BadLine> {
        let text = text.trim();
        check(text, MAX)?;
        Ok(Self(text.to_owned()))
    }
    /// As [`Line::parse`], but something must be there.
    pub fn parse_some(text: &str) -> Result<Self, BadLine> {
        let line = Self::parse(text)?;
        if line.0.is_empty() { Err(BadLine::Empty) } else { Ok(line) }
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MAX: usize> std::fmt::Display for Line<MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bounds the length first, so that a subject of 10 MiB costs one count.
pub(crate) fn check(text: &str, max: usize) -> Result<(), BadLine> {
    if text.len() > max {
        let chars = text.chars().count();
        if chars > max {
            return Err(BadLine::TooLong { chars, max });
        }
    }
    for c in text.chars() {
        match c {
            '\r' | '\n' | '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{b}' | '\u{c}' => return Err(BadLine::LineBreak),
            c if is_bidi_control(c) => return Err(BadLine::Bidi),
            c if c.is_control() => return Err(BadLine::Control),
            _ => {}
        }
    }
    Ok(())
}

/// Unicode's explicit direction controls (UAX #9 §2): they make `exe.fdp` read as `pdf.exe`.
pub(crate) fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_and_bounded() {
        assert_eq!(Line::<5>::parse("  añb ").map(Line::into_string), Ok("añb".into()));
        assert_eq!(Line::<5>::parse("123456"), Err(BadLine::TooLong { chars: 6, max: 5 }));
        assert_eq!(Line::<5>::parse("ñññññ").map(Line::into_string), Ok("ñññññ".into()));
        assert_eq!(Line::<5>::parse_some("   "), Err(BadLine::Empty));
    }

    #[test]
    fn nothing_that_starts_a_header_gets_through() {
        for bad in ["a\r\nBcc: x", "a\nb", "a\rb", "a\u{2028}b", "a\u{85}b"] {
            assert_eq!(Line::<50>::parse(bad), Err(BadLine::LineBreak), "{bad:?}");
        }
        assert_eq!(Line::<50>::parse("a\0b"), Err(BadLine::Control));
        assert_eq!(Line::<50>::parse("a\u{202e}b"), Err(BadLine::Bidi));
    }
}
