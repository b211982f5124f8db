//! HTTP to the CA: over TLS that the operator's choice of authorities vouches for, within bounds, following no redirect.

use crate::{Settings, trouble::chain};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::{Request, Response};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use kernel::Fault;
use reqwest::{Client, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use std::{pin::Pin, sync::Arc, time::Duration};

/// From the first byte of a request to the last of its answer; some CAs sign while we wait.
const TIME: Duration = Duration::from_secs(60);
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// A chain is a few KiB.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Cheap to clone; connections are kept.
#[derive(Clone)]
pub struct Wire(Client);

impl Wire {
    pub fn new(settings: &Settings) -> Result<Wire, Fault> {
        let mut roots = RootCertStore::empty();
        if settings.authorities.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for authority in &settings.authorities {
            roots.add(authority.clone()).map_err(|e| Fault::other(format!("an authority of the ACME CA cannot be trusted: {e}")))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_safe_default_protocol_versions();
        let builder = builder.map_err(|e| Fault::other(format!("TLS: {e}")))?;
        let tls = builder.with_root_certificates(roots).with_no_client_auth();
        let client = Client::builder().tls_backend_preconfigured(tls).https_only(true).redirect(Policy::none()).no_proxy();
        let client = client.timeout(TIME).connect_timeout(CONNECT_TIME).build();
        client.map(Wire).map_err(|e| Fault::other(format!("no HTTP client for the ACME CA: {}", chain(&e))))
    }
    pub fn boxed(&self) -> Box<dyn HttpClient> {
        Box::new(self.clone())
    }
}

impl HttpClient for Wire {
    fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let Ok(body) = body.collect().await;
            let wrong = |e: reqwest::Error| Error::Other(chain(&e).into());
            let request = reqwest::Request::try_from(Request::from_parts(parts, body.to_bytes())).map_err(wrong)?;
            let answer: Response<reqwest::Body> = client.execute(request).await.map_err(wrong)?.into();
            Ok(BytesResponse::from(answer.map(|body| Limited::new(body, MAX_ANSWER_BYTES))))
        })
    }
}
