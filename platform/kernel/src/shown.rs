//! Text from outside as it can be shown to somebody: what leaves no mark on a page is named by its number.

use crate::line::is_bidi_control;

/// The first `max` characters, with those that cannot be seen written out: `a[U+202E]fdp.exe`. For sentences that quote what was typed.
pub fn shown(text: &str, max: usize) -> String {
    let mut out = String::new();
    for (c, hidden) in marked(text).take(max) {
        if hidden { out.push_str(&format!("[U+{:04X}]", u32::from(c))) } else { out.push(c) }
    }
    out
}

/// Whether a character in it leaves no mark: control, direction, zero width.
pub fn hides_something(text: &str) -> bool {
    marked(text).any(|(_, hidden)| hidden)
}

/// Whether nothing in it leaves a mark: it is empty, or all of it is spaces and such characters.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c) || c == '\u{2800}')
}

/// Each character, and whether it leaves no mark where it stands. Joiners shape Persian and Indic words and join emoji, so they pass
/// between two visible characters that are not ASCII.
fn marked(text: &str) -> impl Iterator<Item = (char, bool)> {
    let shapes = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !is_invisible(c));
    let (mut before, mut rest) = (None, text.chars().peekable());
    std::iter::from_fn(move || {
        let c = rest.next()?;
        let joins = matches!(c, '\u{200c}' | '\u{200d}') && shapes(before) && shapes(rest.peek().copied());
        before = Some(c);
        Some((c, is_invisible(c) && !joins))
    })
}

/// Control and direction characters, and of Unicode's `Default_Ignorable_Code_Point` all but the variation selectors.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || is_bidi_control(c)
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200d}'
            | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        assert_eq!(shown("a\u{202e}fdp.exe", 80), "a[U+202E]fdp.exe");
        assert_eq!(shown("a\u{200b}b\u{feff}c\u{2066}d\r\n\0", 80), "a[U+200B]b[U+FEFF]c[U+2066]d[U+000D][U+000A][U+0000]");
        assert_eq!(shown("pay\u{200d}pal", 80), "pay[U+200D]pal");
        assert_eq!(shown("x\u{e0041}", 80), "x[U+E0041]");
        assert_eq!(shown("abcdef", 3), "abc");
    }

    #[test]
    fn words_and_emoji_stay_as_they_are() {
        for plain in ["Übersicht", "報告", "می\u{200c}خواهم", "क्\u{200d}ष", "👩\u{200d}🔬", "❤\u{fe0f}\u{200d}🔥", "שלום", "a b"]
        {
            assert_eq!(shown(plain, 80), plain);
            assert!(!hides_something(plain), "{plain}");
        }
        for hiding in ["a\u{200b}", "\u{200d}報", "報\u{200d}\u{200d}告", "\u{3164}", "so\u{ad}ft"] {
            assert!(hides_something(hiding), "{hiding:?}");
        }
    }
}
