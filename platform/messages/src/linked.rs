//! Addresses of pages in running text become links.
//!
//! What would surprise you: the end is a guess. Punctuation that ends a sentence is left out, and so is a bracket that was
//! opened before the address.

use pulldown_cmark::{CowStr, Event, LinkType, Tag, TagEnd};

const SCHEMES: [&str; 2] = ["https://", "http://"];
/// Bytes that browsers and servers take; a longer one stays text.
const MAX_ADDRESS: usize = 2_000;
const NEVER_LAST: [char; 12] = ['.', ',', ';', ':', '!', '?', '\'', '"', '”', '’', '…', '*'];

/// `events` with bare addresses linked, but for those inside a link or a block of code.
pub(crate) fn linked<'t>(events: impl Iterator<Item = Event<'t>>) -> Vec<Event<'t>> {
    let (mut inside, mut out) = (0, Vec::with_capacity(events.size_hint().0));
    for event in events {
        match event {
            Event::Start(Tag::Link { .. } | Tag::CodeBlock(_)) => inside += 1,
            Event::End(TagEnd::Link | TagEnd::CodeBlock) => inside -= 1,
            Event::Text(text) if inside == 0 => {
                pieces(text, &mut out);
                continue;
            }
            _ => {}
        }
        out.push(event);
    }
    out
}

fn pieces<'t>(text: CowStr<'t>, out: &mut Vec<Event<'t>>) {
    let say = |text: &str| Event::Text(text.to_owned().into());
    let mut at = 0;
    while let Some((before, address)) = next(&text[at..]) {
        let link = Tag::Link { link_type: LinkType::Autolink, dest_url: address.to_owned().into(), title: "".into(), id: "".into() };
        out.extend([say(before), Event::Start(link), say(address), Event::End(TagEnd::Link)]);
        at += before.len() + address.len();
    }
    out.push(if at == 0 { Event::Text(text) } else { say(&text[at..]) });
}

/// What stands before the first address, and the address. Reads each byte a bounded number of times, whatever the text.
fn next(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find("http")?;
        from = at + "http".len();
        let Some(scheme) = SCHEMES.iter().find(|scheme| text[at..].starts_with(**scheme)) else { continue };
        let host = &text[at + scheme.len()..];
        if text[..at].ends_with(char::is_alphanumeric) || !host.starts_with(char::is_alphanumeric) {
            continue;
        }
        match run(&text[at..]) {
            Some(run) => return Some((&text[..at], end(run))),
            None => from = at + MAX_ADDRESS.min(text.len() - at),
        }
        while !text.is_char_boundary(from) {
            from += 1;
        }
    }
}

/// The characters up to the first that no address has; `None`: too many for one.
fn run(text: &str) -> Option<&str> {
    let stops = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '“' | '„' | '«' | '»');
    let stop = text.char_indices().take_while(|(at, _)| *at <= MAX_ADDRESS).find(|(_, c)| stops(*c));
    match stop {
        Some((at, _)) => Some(&text[..at]),
        None => (text.len() <= MAX_ADDRESS).then_some(text),
    }
}

/// The address without what ends the sentence.
fn end(mut address: &str) -> &str {
    let mut unopened = address.matches(')').count().saturating_sub(address.matches('(').count());
    loop {
        let shorter = address.trim_end_matches(NEVER_LAST);
        let shorter = match shorter.strip_suffix(')').filter(|_| unopened > 0) {
            Some(inside) => {
                unopened -= 1;
                inside
            }
            None => shorter,
        };
        if shorter.len() == address.len() {
            return address;
        }
        address = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markup::rendered;

    fn links(text: &str) -> Vec<String> {
        let html = rendered(text);
        html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn an_address_in_a_sentence_ends_before_its_full_stop() {
        for (text, found) in [
            ("See https://acme.example/how-to-find-us.", "https://acme.example/how-to-find-us"),
            ("(at http://acme.example/a_(b))", "http://acme.example/a_(b)"),
            ("“https://acme.example/x?a=1&b=2”, he said", "https://acme.example/x?a=1&amp;b=2"),
            ("**https://acme.example/bold**", "https://acme.example/bold"),
            ("a line\nhttps://acme.example/a_b_c!", "https://acme.example/a_b_c"),
            ("https://xn--mnchen-3ya.example/ü", "https://xn--mnchen-3ya.example/%C3%BC"),
        ] {
            assert_eq!(links(text), [found], "{text}");
        }
        assert_eq!(links("http://a.example and https://b.example"), ["http://a.example", "https://b.example"]);
    }

    /// Each of these once took a minute.
    #[test]
    fn no_text_takes_long() {
        for text in
            ["http://a.b ".repeat(90_000), format!("http://a.b/{}", ")".repeat(900_000)), format!("https://a/{}", ").".repeat(400_000))]
        {
            let began = std::time::Instant::now();
            linked(std::iter::once(Event::Text(text.into())));
            assert!(began.elapsed().as_secs() < 10, "a minute before, tens of milliseconds now");
        }
        for text in [
            "https://a.".repeat(90_000),
            "http://a.b\u{e9}/x".repeat(60_000),
            "http".repeat(200_000),
            format!("{} http://a.b", "x".repeat(5_000)),
        ] {
            let began = std::time::Instant::now();
            linked(std::iter::once(Event::Text(text.into())));
            assert!(began.elapsed().as_secs() < 10);
        }
        assert!(links(&format!("https://a.example/{}", "x".repeat(3_000))).is_empty(), "too long for an address");
    }

    #[test]
    fn what_is_no_address_stays_text() {
        for text in ["https://", "xhttps://a.example", "http:// a", "`https://a.example`", "    https://a.example", "javascript:x"] {
            assert_eq!(links(text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(links("[home](https://a.example/x)"), ["https://a.example/x"], "once");
        assert_eq!(links("<https://a.example>"), ["https://a.example"]);
    }
}
