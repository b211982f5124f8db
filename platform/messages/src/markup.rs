//! The text body's small Markdown subset (bold, italic, lists, quotes, headings, links, code), rendered and sanitised.
//!
//! What would surprise you: rendering drops raw HTML and images before the sanitiser sees them; the sanitiser is the second lock, for
//! everything that comes with an attribute. Text and bare tags leave it as they went in, so it is not asked about a letter of those alone.

use crate::linked::linked;
use ammonia::{Builder, UrlRelative};
use kernel::Fault;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeStream, html};
use std::{collections::HashSet, sync::LazyLock};

const TAGS: [&str; 17] =
    ["p", "br", "strong", "em", "ul", "ol", "li", "blockquote", "code", "pre", "a", "hr", "h3", "h4", "h5", "h6", "del"];

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(TAGS.into_iter().collect())
        .add_tag_attributes("a", ["href"])
        .add_tag_attributes("ol", ["start"])
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

/// Longer texts are rendered on a thread of their own.
const AT_ONCE_BYTES: usize = 16 * 1024;
/// Quotes, lists and emphasis within one another; what is deeper loses its tags, not its words.
const MAX_DEPTH: usize = 20;

/// HTML fit to put into our page: no images, no raw HTML, links to http, https and mailto only.
/// A single line break is a line break, as people expect of a letter.
pub async fn render_html(text: &str) -> Result<String, Fault> {
    if text.len() <= AT_ONCE_BYTES {
        return Ok(rendered(text));
    }
    let text = text.to_owned();
    tokio::task::spawn_blocking(move || rendered(&text)).await.map_err(|e| Fault::other(format!("rendering stopped: {e}")))
}

pub(crate) fn rendered(text: &str) -> String {
    let events = linked(TextMergeStream::new(events(text)));
    let bare = events.iter().all(is_bare);
    let html = pushed(events, text.len());
    if bare { html } else { SANITISER.clean(&html).to_string() }
}

fn pushed(events: Vec<Event>, text_bytes: usize) -> String {
    let mut html = String::with_capacity(text_bytes + text_bytes / 4);
    html::push_html(&mut html, events.into_iter());
    html
}

/// Becomes escaped text, or a tag of `TAGS` without attributes.
fn is_bare(event: &Event) -> bool {
    match event {
        Event::Text(_) | Event::Code(_) | Event::HardBreak | Event::Rule | Event::End(_) => true,
        Event::Start(tag) => match tag {
            Tag::Paragraph | Tag::BlockQuote(None) | Tag::Item | Tag::Emphasis | Tag::Strong | Tag::Strikethrough => true,
            Tag::Heading { id: None, classes, attrs, .. } => classes.is_empty() && attrs.is_empty(),
            Tag::CodeBlock(kind) => !kind.is_fenced(),
            Tag::List(start) => start.is_none_or(|first| first == 1),
            _ => false,
        },
        _ => false,
    }
}

fn events(text: &str) -> impl Iterator<Item = Event<'_>> {
    let mut depth = 0;
    let shallow = move |event: &Event| {
        let (start, end) = match event {
            Event::Start(tag) => (nests(&tag.to_end()), false),
            Event::End(tag) => (false, nests(tag)),
            _ => (false, false),
        };
        depth += usize::from(start);
        let kept = !(start || end) || depth <= MAX_DEPTH;
        depth -= usize::from(end);
        kept
    };
    Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH).filter(shallow).filter_map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Some(Event::Text(raw)),
        Event::SoftBreak => Some(Event::HardBreak),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Some(Event::Start(Tag::Heading { level: below(level), id, classes, attrs }))
        }
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(below(level)))),
        other => Some(other),
    })
}

fn nests(tag: &TagEnd) -> bool {
    matches!(tag, TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item | TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough)
}

/// The page has its own h1 and h2; the letter's headings begin at h3.
fn below(level: pulldown_cmark::HeadingLevel) -> pulldown_cmark::HeadingLevel {
    use pulldown_cmark::HeadingLevel::{H1, H2, H3, H4, H5, H6};
    match level {
        H1 => H3,
        H2 => H4,
        H3 => H5,
        H4 | H5 | H6 => H6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_subset_is_rendered() {
        let html = rendered("# Title\nDear **Bob**,\nsee *this*:\n\n- one\n- two\n\n> quoted\n\n`code` <https://example.org/a?b=1>");
        for want in ["<h3>Title</h3>", "<strong>Bob</strong>", "<br>", "<em>this</em>", "<li>one</li>", "<blockquote>", "<code>code</code>"]
        {
            assert!(html.contains(want), "{want} in {html}");
        }
        assert!(html.contains("href=\"https://example.org/a?b=1\" rel=\"noopener noreferrer nofollow\""), "{html}");
    }

    #[test]
    fn nothing_that_runs_or_loads_gets_through() {
        for bad in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "![x](https://evil.example/p.png)",
            "[x](javascript:alert(1))",
            "[x](data:text/html,x)",
            "[x](//evil.example)",
            "<a href=\"x\" onclick=\"y\">z</a>",
            "<style>*{}</style>",
            "<iframe src=x></iframe>",
            "[a](<javascript:x>)",
        ] {
            let html = rendered(bad);
            for part in ["<script", "<img", "javascript:", "data:", "<style", "<iframe", "href=\"//", "<a href=\"x\""] {
                assert!(!html.contains(part), "{bad} gave {html}");
            }
        }
    }

    /// As the sanitiser writes what it leaves alone.
    fn in_its_hand(html: &str) -> String {
        html.replace("<br />", "<br>").replace("<hr />", "<hr>").replace("&quot;", "\"").replace("\u{a0}", "&nbsp;")
    }

    #[test]
    fn a_letter_of_text_and_bare_tags_is_not_sanitised_and_one_with_an_address_is() {
        for (text, bare) in
            [("# Dear *Bob*\n\n- a\n\n> b\n\n    code\n\n***", true), ("<b>x</b>", true), ("3. three", false), ("[x](y)", false)]
        {
            assert_eq!(linked(TextMergeStream::new(events(text))).iter().all(is_bare), bare, "{text}");
        }
    }

    #[test]
    fn what_is_nested_too_deep_keeps_its_words() {
        let html = rendered(&format!("{} deep", ">".repeat(100_000)));
        assert!(html.contains("deep") && html.len() < 2_000, "{} bytes", html.len());
        let list: String = (0..40).map(|n| format!("{}- x{n}\n", " ".repeat(2 * n))).collect();
        let html = rendered(&list);
        assert!(html.contains("x39") && html.matches("<ul>").count() == html.matches("</ul>").count());
    }

    proptest! {
        #[test]
        fn what_is_not_sanitised_would_pass_unchanged(text in "[<>&a-z\\[\\]()!\"'=:/ \\n*_`~#.0-9+-]{0,200}") {
            let events = linked(TextMergeStream::new(events(&text)));
            if events.iter().all(is_bare) {
                let html = pushed(events, text.len());
                prop_assert_eq!(in_its_hand(&html), SANITISER.clean(&html).to_string());
            }
        }
        #[test]
        fn any_text_renders_to_allowed_tags_only(text in "[<>a-z\\[\\]()!\"'=:/ \\n*_`#-]{0,200}") {
            let html = rendered(&text);
            for piece in html.split('<').skip(1) {
                let name: String = piece.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                prop_assert!(TAGS.contains(&name.as_str()), "{name} in {html}");
            }
        }
    }
}
