//! The shape of JSON text, seen without recursion: how deep it goes, and where in it an offset lies.

use std::fmt::Write;

/// Deeper than `max` levels of objects and lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooDeep;

/// Looks before the parser does, so that 10,000 brackets cost one pass and no stack.
pub(crate) fn check_depth(json: &[u8], max: usize) -> Result<(), TooDeep> {
    // With at most `max` opening brackets anywhere, in strings too, it cannot be deeper; this is the usual case.
    if opening_brackets(json) <= max {
        return Ok(());
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > max {
                    return Err(TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// `[` and `{` differ in one bit. Counted in bytes, so that the compiler looks at many at once.
fn opening_brackets(json: &[u8]) -> usize {
    json.chunks(255).map(|piece| usize::from(piece.iter().map(|b| u8::from(b | 0x20 == b'{')).sum::<u8>())).sum()
}

enum Frame {
    /// The key last read, raw between its quotes; `None` before the first.
    Object(Option<(usize, usize)>),
    /// The entry being read; `None` before the first.
    List(Option<usize>),
}

/// RFC 6901 pointer to the value in which `json[..offset]` ends. For text that `check_depth` passed.
pub(crate) fn pointer_at(json: &[u8], offset: usize) -> String {
    let mut stack: Vec<Frame> = Vec::new();
    let (mut at, mut key_next) = (0, false);
    let end = offset.min(json.len());
    while at < end {
        let byte = json[at];
        if !byte.is_ascii_whitespace() && byte != b']' && matches!(stack.last(), Some(Frame::List(None))) {
            stack.pop();
            stack.push(Frame::List(Some(0)));
        }
        match byte {
            b'{' => (stack.push(Frame::Object(None)), key_next = true).0,
            b'[' => stack.push(Frame::List(None)),
            b'}' | b']' => {
                stack.pop();
                key_next = false;
            }
            b',' => match stack.last_mut() {
                Some(Frame::Object(_)) => key_next = true,
                Some(Frame::List(Some(n))) => *n += 1,
                _ => {}
            },
            b'"' => {
                let close = string_end(json, at);
                if key_next && let Some(Frame::Object(key)) = stack.last_mut() {
                    *key = Some((at + 1, close));
                    key_next = false;
                }
                at = close;
            }
            _ => {}
        }
        at += 1;
    }
    write_pointer(json, &stack)
}

/// Index of the quote that closes the string opened at `open`, or the end of the text.
fn string_end(json: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while at < json.len() {
        match json[at] {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

fn write_pointer(json: &[u8], stack: &[Frame]) -> String {
    let mut pointer = String::new();
    for frame in stack {
        match frame {
            Frame::Object(Some((from, to))) => {
                let raw = String::from_utf8_lossy(&json[*from..*to]);
                let key: String = serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.into_owned());
                let shown: String = key.chars().take(100).collect();
                pointer.push('/');
                pointer.push_str(&shown.replace('~', "~0").replace('/', "~1"));
            }
            Frame::List(Some(n)) => {
                let _ = write!(pointer, "/{n}");
            }
            Frame::Object(None) | Frame::List(None) => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ten_thousand_levels_are_refused_and_sixteen_pass() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(check_depth(nested(16).as_bytes(), 16), Ok(()));
        assert_eq!(check_depth(nested(17).as_bytes(), 16), Err(TooDeep));
        assert_eq!(check_depth(nested(10_000).as_bytes(), 16), Err(TooDeep));
        assert_eq!(check_depth("{\"a\":".repeat(10_000).as_bytes(), 16), Err(TooDeep));
    }

    #[test]
    fn brackets_in_strings_and_side_by_side_are_not_depth() {
        assert_eq!(check_depth(format!("{{\"a\":\"{}\"}}", "[{\\\"".repeat(1_000)).as_bytes(), 16), Ok(()));
        assert_eq!(check_depth(format!("[{}[]]", "[],".repeat(1_000)).as_bytes(), 16), Ok(()));
        assert_eq!(check_depth(b"]]]]]]]]]]]]]]]]]]]]]]]]]][[[[[[[[[[[[[[[[", 16), Ok(()));
    }

    #[test]
    fn an_offset_becomes_a_pointer() {
        let at = |json: &str, mark: &str| pointer_at(json.as_bytes(), json.find(mark).expect("the mark is there") + mark.len());
        assert_eq!(at(r#"{"to":5}"#, "5"), "/to");
        assert_eq!(at(r#"{"to":["a","b",7]}"#, "7"), "/to/2");
        assert_eq!(at(r#"{"a":1,"bcc""#, "bcc\""), "/bcc");
        assert_eq!(at(r#"{"to":["a,]}"],"x":1}"#, "1"), "/x");
        assert_eq!(at(r#"{"a/b~":1}"#, "1"), "/a~1b~0");
        assert_eq!(at(r#"{"a":{"b":[{"c":null}]}}"#, "null"), "/a/b/0/c");
        assert_eq!(at(r#"{"a":1}"#, "}"), "");
        assert_eq!(at("[", "["), "");
    }

    #[test]
    fn every_opening_bracket_is_counted_and_nothing_else() {
        let every: Vec<u8> = (0..=255).cycle().take(256 * 5).collect();
        assert_eq!(opening_brackets(&every), 10);
        assert_eq!(opening_brackets("[".repeat(1_000).as_bytes()), 1_000);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), offset in 0usize..300) {
            let _ = check_depth(&bytes, 3);
            let _ = pointer_at(&bytes, offset);
        }
    }
}
