//! Addresses of pages in running text become links.
//!
//! What would surprise you: the end is a guess. Punctuation that ends a sentence is left out, and so is a bracket that was
//! opened before the address.

use pulldown_cmark::{CowStr, Event, LinkType, Tag, TagEnd};

const SCHEMES: [&str; 2] = ["https://", "http://"];
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

/// What stands before the first address, and the address.
fn next(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let at = from + SCHEMES.iter().filter_map(|scheme| text[from..].find(scheme)).min()?;
        let starts = !text[..at].ends_with(char::is_alphanumeric);
        let address = end(&text[at..]);
        let host = SCHEMES.iter().find_map(|scheme| address.strip_prefix(scheme)).unwrap_or_default();
        if starts && host.starts_with(char::is_alphanumeric) {
            return Some((&text[..at], address));
        }
        from = at + SCHEMES[1].len();
    }
}

fn end(text: &str) -> &str {
    let stop = text.find(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '“' | '„' | '«' | '»'));
    let mut address = &text[..stop.unwrap_or(text.len())];
    loop {
        let shorter = address.trim_end_matches(NEVER_LAST);
        let unopened = shorter.ends_with(')') && shorter.matches(')').count() > shorter.matches('(').count();
        let shorter = if unopened { &shorter[..shorter.len() - 1] } else { shorter };
        if shorter.len() == address.len() {
            return address;
        }
        address = shorter;
    }
}

#[cfg(test)]
mod tests {
    use crate::render_html;

    fn links(text: &str) -> Vec<String> {
        let html = render_html(text);
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

    #[test]
    fn what_is_no_address_stays_text() {
        for text in ["https://", "xhttps://a.example", "http:// a", "`https://a.example`", "    https://a.example", "javascript:x"] {
            assert_eq!(links(text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(links("[home](https://a.example/x)"), ["https://a.example/x"], "once");
        assert_eq!(links("<https://a.example>"), ["https://a.example"]);
    }
}
