//! The front of the site: every request passes here once, on its way to a page or to the API.
//!
//! What would surprise you: nothing that comes in a header is believed about who asks (`forwarded` is the one exception,
//! and it runs before, in the listener). Paths are logged with their tokens masked, query strings never.

mod classes;
mod hosts;
mod masked;
mod probes;
mod slots;

use crate::{App, numbers};
use bytes::Bytes;
use classes::class;
use client_certificates::Presented;
use edge::TlsConn;
use futures_util::FutureExt;
use kernel::{Chance, Site};
use masked::masked;
use poem::{
    Addr, Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Request, Response, Route,
    endpoint::{BoxEndpoint, make_sync},
    error::ParsePathError,
    get,
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
};
use slots::Slots;
use std::{net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::Instrument;

pub(crate) use probes::{live, ready};
use web::TenantHost;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers in which somebody claims to be somebody: taken off whatever arrives (`security.md`, "Client certificates").
const CLAIMS: [&str; 8] =
    ["forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "client-cert", "client-cert-chain", "x-client-cert", "x-request-id"];
/// The same for whole families.
const FAMILIES: [&str; 3] = ["x-forwarded-", "x-ssl-", "ssl-client-"];

fn claims(name: &HeaderName) -> bool {
    CLAIMS.contains(&name.as_str()) || FAMILIES.iter().any(|family| name.as_str().starts_with(family))
}

/// The whole site as one endpoint. Cheap to clone.
#[derive(Clone)]
pub struct Front(Arc<Inner>);

struct Inner {
    pages: <Route as IntoEndpoint>::Endpoint,
    /// What hosts that ask for a certificate answer, and nothing else.
    certificate_pages: <Route as IntoEndpoint>::Endpoint,
    /// For files on a host of their own.
    web: web::Web,
    api: BoxEndpoint<'static, Response>,
    slots: Slots,
    chance: Chance,
    site: Site,
}

impl Front {
    pub(crate) fn new(app: &App, more: impl FnOnce(Route) -> Route) -> Front {
        let listen = &app.config.listen;
        let slots = Slots::new(listen.max_requests, listen.max_requests_per_address, app.shared.arrivals.clone());
        let (post, domains, certificates, site) = (app.post.clone(), app.domains.clone(), app.certificates.clone(), app.site.clone());
        let api = openapi::api(openapi::Api { post, domains, certificates, site }).boxed();
        let web = web_of(app);
        let pages = more(pages(app, web.clone())).into_endpoint();
        let certificate_pages = web::certificate_pages(&web).into_endpoint();
        Front(Arc::new(Inner { pages, certificate_pages, web, api, slots, chance: app.db.chance().clone(), site: app.site.clone() }))
    }
}

fn web_of(app: &App) -> web::Web {
    let origins = web::Origins::of(&app.site).and(named_besides(app));
    web::Web {
        post: app.post.clone(),
        accounts: app.accounts.clone(),
        certificates: app.certificates.clone(),
        domains: app.domains.clone(),
        sign_up_open: app.config.sign_up.open,
        origins,
        places: web::Places::default(),
    }
}

fn pages(app: &App, web: web::Web) -> Route {
    // Shared: strangers may ask for it as often as they like.
    let document = Bytes::from(openapi::document(&app.site));
    web::pages(web)
        .at("/openapi.json", get(make_sync(move |_| json(document.clone()))))
        .nest("/docs", openapi::try_it(&app.site))
        .nest(openapi::PROBLEMS, openapi::problem_pages())
        .at("/live", get(make_sync(|_| live())))
        .at("/ready", get(ready(app)))
}

/// The further names of the local certificates, on the port of the site's address.
fn named_besides(app: &App) -> impl Fn(&str) -> bool + Send + Sync + use<> {
    let port = app.site.host().rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or("", |(_, port)| port);
    let port = if port.is_empty() { String::new() } else { format!(":{port}") };
    let origin = |name: &String| match name.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!("https://[{address}]{port}"),
        Err(_) => format!("https://{}{port}", name.to_ascii_lowercase()),
    };
    let files = app.site.content().map(str::to_owned);
    let names: Vec<String> = app.config.tls.names.iter().map(origin).filter(|name| Some(name) != files.as_ref()).collect();
    move |origin| names.iter().any(|name| name == origin)
}

fn json(text: Bytes) -> Response {
    Response::builder().content_type("application/json").body(text)
}

impl Endpoint for Front {
    type Output = Response;

    async fn call(&self, mut req: Request) -> poem::Result<Response> {
        let began = Instant::now();
        let id = hex::encode(self.0.chance.bytes::<8>());
        let (method, uri) = (req.method().clone(), req.uri().clone());
        let claimed: Vec<HeaderName> = req.headers().keys().filter(|name| claims(name)).cloned().collect();
        for name in claimed {
            req.headers_mut().remove(name);
        }
        let span = tracing::info_span!("request", id = %id);
        let mut answer = self.0.answer(req, &id).instrument(span).await;
        web::security_headers(answer.headers_mut(), &self.0.site);
        if let Ok(value) = HeaderValue::from_str(&id) {
            answer.headers_mut().insert(REQUEST_ID, value);
        }
        record(&method, &uri, answer.status(), began.elapsed(), &id);
        Ok(answer)
    }
}

impl Inner {
    async fn answer(&self, req: Request, id: &str) -> Response {
        let api = is_api(req.uri());
        let Some(_slot) = self.slots.take(from(&req)).await else { return busy(&self.site, api) };
        let content = web::is_for_content(&self.site, &req);
        let (mut req, asked) = with_certificate(req);
        // A host that asks for certificates has no API.
        let api = api && !asked;
        let answer = async {
            if asked {
                return self.certificate_pages.call(req).await.map(IntoResponse::into_response);
            }
            if content {
                // On the heap, because it is rare and long: every request is moved with this.
                return Ok(Box::pin(web::content(&self.web, &self.pages, req)).await);
            }
            if let Some(at) = self.at(&req).await? {
                let mut answer = match TenantHost::elsewhere(&self.site, &req) {
                    Some(elsewhere) => elsewhere,
                    None => {
                        req.set_data(at);
                        self.page_for(req).await?
                    }
                };
                TenantHost::headers(answer.headers_mut(), &self.site);
                return Ok(answer);
            }
            if api { self.api.call(req).await } else { self.page_for(req).await }
        };
        match AssertUnwindSafe(answer).catch_unwind().await {
            Ok(Ok(answer)) => answer,
            // A path that is not UTF-8 leads nowhere.
            Ok(Err(error)) if error.is::<ParsePathError>() => self.page(StatusCode::NOT_FOUND, api, None),
            Ok(Err(error)) => self.page(error.status(), api, None),
            Err(panic) => {
                tracing::error!(reference = id, panic = what(&*panic), "a request panicked");
                self.page(StatusCode::INTERNAL_SERVER_ERROR, api, Some(id))
            }
        }
    }
    async fn page_for(&self, req: Request) -> poem::Result<Response> {
        let astray = web::Astray::of(&req);
        let answer = self.pages.call(req).await.map(IntoResponse::into_response);
        let status = answer.as_ref().map_or_else(poem::Error::status, Response::status);
        astray.led_back(status, &self.site).map_or(answer, Ok)
    }
    /// The tenant's host that is asked. Probes ask a machine, by whatever name.
    async fn at(&self, req: &Request) -> poem::Result<Option<TenantHost>> {
        if matches!(req.uri().path(), "/live" | "/ready") {
            return Ok(None);
        }
        hosts::tenant_host(&self.web.accounts.db, &self.site, req).await.map_err(|fault| {
            tracing::error!(%fault, "whose host is asked could not be looked up");
            poem::Error::from_status(StatusCode::SERVICE_UNAVAILABLE)
        })
    }
    /// An error that nobody inside has put into words.
    fn page(&self, status: StatusCode, api: bool, reference: Option<&str>) -> Response {
        if api { openapi::failed(&self.site, reference.map(str::to_owned)) } else { web::error_page(status, reference) }
    }
}

/// Puts what the handshake showed beside a request to a host that asks for certificates; it comes from nowhere else.
fn with_certificate(mut req: Request) -> (Request, bool) {
    let presented = req.data::<Arc<TlsConn>>().filter(|tls| tls.asks).and_then(|tls| {
        let (host, chain) = (tls.name.clone()?, tls.client_certificates.clone());
        Some(Presented { host, chain })
    });
    let asked = presented.is_some();
    if let Some(presented) = presented {
        req.set_data(presented);
    }
    (req, asked)
}

fn from(req: &Request) -> Option<IpAddr> {
    match &req.remote_addr().0 {
        Addr::SocketAddr(address) => Some(address.ip()),
        _ => None,
    }
}

fn is_api(uri: &Uri) -> bool {
    uri.path() == "/v1" || uri.path().starts_with("/v1/")
}

fn busy(site: &Site, api: bool) -> Response {
    if api {
        return openapi::busy(site);
    }
    let sentence = "We are busy at this moment and nothing was done. Try again in a few seconds.\n";
    let answer = Response::builder().status(StatusCode::SERVICE_UNAVAILABLE).header(header::RETRY_AFTER, "1");
    answer.content_type("text/plain; charset=utf-8").body(sentence)
}

fn record(method: &Method, uri: &Uri, status: StatusCode, took: Duration, id: &str) {
    let class = class(uri.path());
    numbers::request(class, status.as_u16(), took);
    // Probes every few seconds say nothing that /ready does not say itself.
    if class == "probe" && status.is_success() {
        return;
    }
    let path = masked(uri.path());
    let ms = took.as_secs_f64() * 1e3;
    tracing::info!(target: "access", id, method = method.as_str(), path, status = status.as_u16(), ms = (ms * 100.0).round() / 100.0);
}

/// What a panic said.
pub(crate) fn what(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;
    use poem::{endpoint::make, test::TestClient};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };
    use tokio_util::sync::CancellationToken;

    async fn client(max_requests: usize) -> (Town, TestClient<Front>) {
        let town = Town::with(|config| config.listen.max_requests = max_requests).await;
        let front = town.app.endpoint_with(|route| {
            route
                .at("/x/panics", get(make(|_| async { panic!("oh") as () })))
                .at("/v1x/slow", get(make(|_| tokio::time::sleep(Duration::from_secs(1)))))
                .at("/x/says", get(make_sync(|req: Request| req.headers().keys().map(|name| format!("{name} ")).collect::<String>())))
        });
        (town, TestClient::new(front))
    }

    #[tokio::test]
    async fn probes_and_the_document_answer() {
        let (town, client) = client(9).await;
        client.get("/live").send().await.assert_status_is_ok();
        client.get("/ready").send().await.assert_status_is_ok();
        client.get("/openapi.json").send().await.assert_content_type("application/json");
        town.app.draining().begin();
        client.get("/ready").send().await.assert_status(StatusCode::SERVICE_UNAVAILABLE);
        client.get("/live").send().await.assert_status_is_ok();
    }

    #[tokio::test]
    async fn a_panic_is_a_page_with_a_reference() {
        let (_town, client) = client(9).await;
        let answer = client.get("/x/panics").send().await;
        answer.assert_status(StatusCode::INTERNAL_SERVER_ERROR);
        let id = answer.0.headers()["x-request-id"].to_str().unwrap().to_owned();
        let html = answer.0.into_body().into_string().await.unwrap();
        assert!(html.contains(&id) && !html.contains("oh<"), "{html}");
    }

    #[tokio::test]
    async fn what_is_not_there_is_a_page_and_never_cached() {
        let (_town, client) = client(9).await;
        let answer = client.get("/wp-login.php").send().await;
        answer.assert_status(StatusCode::NOT_FOUND);
        answer.assert_header("cache-control", "no-store");
        answer.assert_header("x-content-type-options", "nosniff");
        answer.assert_header_exist("content-security-policy");
    }

    #[tokio::test]
    async fn a_reloaded_form_and_a_full_stop_behind_a_link_lead_to_the_page() {
        let (_town, client) = client(9).await;
        for (path, page) in [("/sign-in.", "/sign-in"), ("/p/abc/", "/p/abc"), ("/settings/name", "/settings"), ("/p/abc/open", "/p/abc")] {
            let answer = client.get(path).header("accept", "text/html,*/*;q=0.8").send().await;
            answer.assert_status(StatusCode::SEE_OTHER);
            answer.assert_header("location", page);
            answer.assert_header("cache-control", "no-store");
            let script = client.get(path).send().await.0.status();
            assert!([StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&script), "{path}: {script}");
        }
        client.get("//evil.example/").header("accept", "text/html").send().await.assert_status(StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn a_path_that_is_not_text_is_not_there() {
        let (_town, client) = client(9).await;
        for path in ["/v1/%ff", "/v1/messages/%ff", "/docs/%ff", "/messages/%ff", "/%ff"] {
            let answer = client.get(path).send().await;
            let status = if path.starts_with("/v1") { StatusCode::UNAUTHORIZED } else { StatusCode::NOT_FOUND };
            assert!([status, StatusCode::SEE_OTHER].contains(&answer.0.status()), "{path}: {}", answer.0.status());
        }
    }

    #[tokio::test]
    async fn the_api_is_answered_with_problems_that_have_pages() {
        let (_town, client) = client(1).await;
        let (_, busy) = tokio::join!(client.get("/v1x/slow").send(), client.get("/v1/account").send());
        busy.assert_status(StatusCode::SERVICE_UNAVAILABLE);
        busy.assert_content_type("application/problem+json");
        let problem: serde_json::Value = busy.0.into_body().into_json().await.unwrap();
        let page = Uri::try_from(problem["type"].as_str().unwrap()).unwrap();
        client.get(page.path()).send().await.assert_status_is_ok();
    }

    #[tokio::test]
    async fn a_closed_site_has_no_sign_up_page() {
        for (open, status) in [(true, StatusCode::OK), (false, StatusCode::NOT_FOUND)] {
            let town = Town::with(|config| config.sign_up.open = open).await;
            let client = TestClient::new(town.app.endpoint());
            client.get("/sign-up").send().await.assert_status(status);
            for page in ["/", "/sign-in", "/forgot", "/prove/x", "/docs"] {
                let body = client.get(page).send().await.0.into_body().into_string().await.unwrap();
                assert!(open || !body.contains("/sign-up"), "{page} leads to a page that is not there");
                assert!(!open || page != "/" || body.contains("/sign-up"));
            }
        }
    }

    #[tokio::test]
    async fn nobody_says_in_a_header_who_they_are() {
        let (_town, client) = client(9).await;
        let mut asked = client.get("/x/says").header("x-harmless", "1");
        for name in
            ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Client-Cert", "X-SSL-Client-S-DN", "SSL-Client-Verify"]
        {
            asked = asked.header(name, "203.0.113.9");
        }
        asked.send().await.assert_text("x-harmless ").await;
    }

    #[tokio::test]
    async fn whoever_comes_when_all_slots_are_taken_has_that_of_the_slowest_body() {
        let town = Town::with(|config| config.listen.max_requests = 2).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, app) = (listener.local_addr().unwrap(), town.app.clone());
        tokio::spawn(async move { app.serve(listener, CancellationToken::new()).await });
        let say = async |text: &str| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            stream
        };
        let hear = async |mut stream: TcpStream| {
            let mut heard = String::new();
            let _ = stream.read_to_string(&mut heard).await;
            heard
        };
        let live = async || hear(say("GET /live HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await).await;
        let form = "POST /sign-in HTTP/1.1\r\nhost: h\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 99\r\n\r\n";
        let (slowest, slow) = (say(form).await, say(&format!("{form}email=")).await);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(live().await.starts_with("HTTP/1.1 503"), "both have just begun");
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(live().await.starts_with("HTTP/1.1 200"));
        let told = hear(slowest).await;
        assert!(told.starts_with("HTTP/1.1 408") && told.contains("came too slowly"), "{told}");
        assert!(live().await.starts_with("HTTP/1.1 200"), "there is room now");
        let still = tokio::time::timeout(Duration::from_millis(100), hear(slow)).await;
        assert!(still.is_err(), "the other one goes on: {still:?}");
    }

    #[tokio::test]
    async fn more_requests_than_we_can_work_on_are_asked_to_come_again() {
        let (_town, client) = client(1).await;
        let (first, second) = tokio::join!(client.get("/v1x/slow").send(), client.get("/live").send());
        first.assert_status_is_ok();
        second.assert_status(StatusCode::SERVICE_UNAVAILABLE);
        second.assert_header("retry-after", "1");
        client.get("/live").send().await.assert_status_is_ok();
    }
}
