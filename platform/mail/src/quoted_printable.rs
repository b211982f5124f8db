//! Quoted-printable (RFC 2045 §6.7), with the two letters that mail systems trip over encoded as well: a dot at the start of a line
//! (SMTP's end sign, RFC 5321 §4.5.2) and `F` of "From " (old mailbox files).

/// RFC 2045 §6.7 rule 5: at most 76 characters a line, the soft break's `=` among them.
const MAX_LINE: usize = 76;

/// ASCII with CRLF line ends and no line over 76 characters. `\n` and `\r\n` are line ends; a lone `\r` is kept, encoded.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        let more = lines.peek().is_some();
        let line = if more { line.strip_suffix('\r').unwrap_or(line) } else { line };
        encode_line(&mut out, line);
        if more {
            out.push_str("\r\n");
        }
    }
    out
}

fn encode_line(out: &mut String, line: &str) {
    let mut column = 0;
    let last = line.len().saturating_sub(1);
    for (i, &byte) in line.as_bytes().iter().enumerate() {
        let room = if i == last { MAX_LINE } else { MAX_LINE - 1 };
        // The widest piece decides, so that a letter moved to a new line's start still fits when it must be encoded there.
        let piece = if literal(byte, column == 0, i == last, line) { 1 } else { 3 };
        if column + piece > room {
            out.push_str("=\r\n");
            column = 0;
        }
        if literal(byte, column == 0, i == last, line) {
            out.push(char::from(byte));
            column += 1;
        } else {
            out.push_str(&format!("={byte:02X}"));
            column += 3;
        }
    }
}

fn literal(byte: u8, first: bool, last: bool, line: &str) -> bool {
    match byte {
        b'.' => !first,
        b'F' => !(first && line.contains("From ")),
        b' ' | b'\t' => !last,
        b'=' => false,
        _ => byte.is_ascii_graphic(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        assert_eq!(encode("a = b"), "a =3D b");
        assert_eq!(encode("é "), "=C3=A9=20");
        assert_eq!(encode(".\n..x\r\n."), "=2E\r\n=2E.x\r\n=2E");
        assert_eq!(encode("From here\nFor"), "=46rom here\r\nFor");
        assert_eq!(encode("a\rb\r"), "a=0Db=0D");
        assert_eq!(encode("\n"), "\r\n");
        assert_eq!(encode(""), "");
    }

    #[test]
    fn every_line_is_short_ascii_and_starts_with_no_dot() {
        for text in ["é".repeat(500), ".".repeat(1000), "x".repeat(76), "x".repeat(77), format!("{}.", "x".repeat(75)), "word ".repeat(99)]
        {
            let out = encode(&text);
            for line in out.split("\r\n") {
                assert!(line.is_ascii() && line.len() <= 76 && !line.starts_with('.') && !line.contains(['\r', '\n']), "{line:?}");
                assert!(!line.ends_with(' '), "{line:?}");
            }
        }
        assert_eq!(encode(&"x".repeat(76)), "x".repeat(76));
    }
}
