//! `/problems` and `/problems/{slug}`: the pages behind the `type` of a problem (RFC 9457 §3.1.1). Written once, at the start.

use crate::{
    problem_kind::Kind,
    try_it::{html, version},
    try_page::{escape, inline},
};
use poem::{Route, endpoint::make_sync, get};

/// Where the pages are mounted; every problem's `type` begins with it, after the site's address.
pub const PROBLEMS: &str = "/problems";

/// A page for each kind of problem, and the list of them, to be nested at [`PROBLEMS`].
pub fn problem_pages() -> Route {
    let list = list();
    Kind::ALL
        .iter()
        .map(|kind| (format!("/{}", kind.slug()), page_of(*kind)))
        .chain([("/".to_owned(), list)])
        .fold(Route::new(), |route, (path, page)| route.at(path, get(make_sync(move |_| html(page.clone())))))
}

fn page_of(kind: Kind) -> String {
    let (slug, status) = (kind.slug(), kind.status());
    let content = format!(
        "<p class=\"quiet\"><code>{slug}</code> · HTTP status {status}</p><h2>What it means</h2><p>{}</p><h2>What to do</h2><p>{}</p>",
        inline(kind.means()),
        inline(kind.todo()),
    );
    page(kind.title(), &content, "")
}

fn list() -> String {
    let rows: String = Kind::ALL
        .iter()
        .map(|kind| {
            let (slug, status, title) = (kind.slug(), kind.status(), escape(kind.title()));
            format!("<dt><a href=\"{PROBLEMS}/{slug}\">{title}</a></dt><dd><code>{slug}</code>, {status}</dd>")
        })
        .collect();
    let about =
        "<p>What the API answers when it does not do what was asked. Branch on the <code>type</code>; the sentences may change.</p>";
    page("Problems", &format!("{about}<dl>{rows}</dl>"), " aria-current=\"page\"")
}

fn page(title: &str, content: &str, current: &str) -> String {
    format!(include_str!("../assets/problems.html"), title = escape(title), version = version(), content = content, current = current)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;
    use kernel::{EmailAddress, Site};
    use poem::test::TestClient;

    #[tokio::test]
    async fn the_type_of_every_problem_leads_to_its_page() {
        let site = Site::new("https://mail.example", EmailAddress::parse("post@mail.example").unwrap());
        let client = TestClient::new(Route::new().nest(PROBLEMS, problem_pages()));
        for kind in Kind::ALL {
            let body = Problem::new(*kind, "x").into_response(&site, None).into_body().into_string().await.unwrap();
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            let path = body["type"].as_str().unwrap().strip_prefix("https://mail.example").unwrap();
            let answer = client.get(path).send().await;
            answer.assert_status_is_ok();
            let page = answer.0.into_body().into_string().await.unwrap();
            for part in [kind.title(), kind.slug(), &inline(kind.means()), &inline(kind.todo())] {
                assert!(page.contains(part), "{path} lacks {part}");
            }
            assert!(kind.means().ends_with('.') && kind.todo().ends_with('.'), "{path}");
        }
        for path in [PROBLEMS, "/problems/"] {
            let list = client.get(path).send().await.0.into_body().into_string().await.unwrap();
            assert!(Kind::ALL.iter().all(|kind| list.contains(&format!("\"/problems/{}\"", kind.slug()))));
        }
        client.get("/problems/none").send().await.assert_status(poem::http::StatusCode::NOT_FOUND);
    }
}
