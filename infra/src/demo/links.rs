//! What people look for in a mail: our links, and the code.

/// Every address of ours in the text, in order, each once.
pub fn links(text: &str, base: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, _) in text.match_indices(base) {
        let rest = &text[at..];
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ')')).unwrap_or(rest.len());
        let link = rest[..end].trim_end_matches(['.', ',']);
        if link.len() > base.len() && link[base.len()..].starts_with('/') && !found.iter().any(|f| f == link) {
            found.push(link.to_owned());
        }
    }
    found
}

/// The token in the first link whose path is `/<first>/TOKEN`.
pub fn token(text: &str, base: &str, first: &str) -> Option<String> {
    let prefix = format!("{base}/{first}/");
    links(text, base).iter().find_map(|link| link.strip_prefix(&prefix).map(|rest| rest.split('/').next().unwrap_or_default().to_owned()))
}

/// The first word that is six to eight digits and nothing else.
pub fn code(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| (6..=8).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Open it:\nhttp://h:1/p/TOKEN\n\nBlock: <http://h:1/p/TOKEN/block>. Not ours: http://h:12/p/x, http://h:1\nYour code is\n\n    012345\n";

    #[test]
    fn links_are_found_once_and_only_ours() {
        assert_eq!(links(TEXT, "http://h:1"), ["http://h:1/p/TOKEN", "http://h:1/p/TOKEN/block"]);
        assert_eq!(token(TEXT, "http://h:1", "p").as_deref(), Some("TOKEN"));
        assert_eq!(token(TEXT, "http://h:1", "prove"), None);
    }

    #[test]
    fn the_code_is_the_word_of_digits() {
        assert_eq!(code(TEXT), Some("012345"));
        assert_eq!(code("in 2026 at 123456."), None);
    }
}
