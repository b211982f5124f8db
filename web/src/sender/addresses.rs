//! Addresses as people type and paste them, taken apart. Whether each is one is the room's to say. The page's script counts them likewise.

/// Apart at commas, semicolons, line breaks and spaces; of `Bob <bob@example.org>` what is between the angles.
pub fn addresses(typed: &str) -> Vec<String> {
    let mut out = Vec::new();
    for piece in typed.split(['\n', '\r']).flat_map(pieces) {
        match (piece.find('<'), piece.rfind('>')) {
            (Some(from), Some(to)) if from < to => out.push(piece[from + 1..to].trim().to_owned()),
            _ => out.extend(piece.split_whitespace().map(str::to_owned)),
        }
    }
    out
}

/// A line apart at commas and semicolons, but for those in a name in quotes (RFC 5322 §3.2.4): `"Carla, Jr." <carla@example.org>`. Anything
/// less plain is no such name, so that no address is taken for a part of one. Each character is looked at twice at most.
fn pieces(line: &str) -> Vec<&str> {
    let bytes = line.as_bytes();
    let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
    // Nothing of this piece was seen yet but spaces; a quote that is opened on this line may be closed on it.
    let (mut blank, mut may_close) = (true, true);
    while at < bytes.len() {
        match bytes[at] {
            b',' | b';' => {
                pieces.push(&line[from..at]);
                (from, blank) = (at + 1, true);
            }
            b'"' if blank && may_close => {
                match closing(bytes, at) {
                    Some(end) if is_name(&bytes[at..end], &bytes[end + 1..]) => at = end,
                    Some(_) => {}
                    None => may_close = false,
                }
                blank = false;
            }
            b' ' | b'\t' => {}
            _ => blank = false,
        }
        at += 1;
    }
    pieces.push(&line[from..]);
    pieces
}

/// Where the quote that is opened at `at` ends, if it does.
fn closing(bytes: &[u8], at: usize) -> Option<usize> {
    let mut escaped = false;
    bytes[at + 1..]
        .iter()
        .position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        })
        .map(|length| at + 1 + length)
}

/// Whether a quote is the name of the address behind it.
fn is_name(quoted: &[u8], behind: &[u8]) -> bool {
    behind.trim_ascii_start().starts_with(b"<") && !quoted.contains(&b'@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_paste_them() {
        assert_eq!(
            addresses("a@b.example, c@d.example;e@f.example\r\ng@h.example i@j.example"),
            ["a@b.example", "c@d.example", "e@f.example", "g@h.example", "i@j.example"]
        );
        assert_eq!(addresses("Bob Smith <bob@example.org>, \"Ana\" <ana@example.org>"), ["bob@example.org", "ana@example.org"]);
        let two = ["ana@example.org", "bob@example.org"];
        for typed in [
            "\"Brandt, Ana \\\"A; B\\\"\" <ana@example.org>, \"Bob\" <bob@example.org>",
            "„Ana\" <ana@example.org>, „Bob\" <bob@example.org>",
            "5\" Pipes <ana@example.org>, 6\" Pipes <bob@example.org>",
            "\"Ana <ana@example.org>\", \"Bob <bob@example.org>\"",
            "\"Ana <ana@example.org>, Bob\" <bob@example.org>",
            "\"Ana <ana@example.org>, \"Bob\" <bob@example.org>",
            "\"Ana\" <ana@example.org>, \"Bob <bob@example.org>",
        ] {
            assert_eq!(addresses(typed), two, "{typed}");
        }
        assert_eq!(addresses("\"a@b.example, c@d.example\ne@f.example"), ["\"a@b.example", "c@d.example", "e@f.example"]);
        assert_eq!(addresses(" ,;\n"), Vec::<String>::new());
        assert_eq!(addresses("a > b < c"), ["a", ">", "b", "<", "c"]);
    }

    /// A quarter of a mebibyte of quotes is looked at as often as one of letters.
    #[test]
    fn quotes_without_an_end_cost_no_more_than_other_letters() {
        for quotes in ["\\\"", "\"", "\",", "\" ,\\\"", ",\"\\\""] {
            let typed = format!("\"{}", quotes.repeat(256 * 1024 / quotes.len()));
            assert!(pieces(&typed).iter().map(|piece| piece.len()).sum::<usize>() <= typed.len());
        }
    }
}
