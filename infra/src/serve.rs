//! Listening: the site behind the edge's doors, with the operator's settings.

use crate::{
    App, Config,
    config::{ForwardingHeader, ListenConfig, networks},
    front::Front,
};
use edge::{Doors, ForwardedBy, Settings};
use kernel::Fault;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

/// Bodies that are not uploads of files: above every door's own bound.
const MAX_BODY_BYTES: u64 = 16 * 1024 * 1024;

impl App {
    /// Serves the site over plain HTTP until `stop`, then drains: requests in progress may finish within the configured time.
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) -> Result<(), Fault> {
        self.serve_front(self.endpoint(), Doors { plain: Some(listener), tls: None }, stop).await
    }

    pub(crate) async fn serve_front(&self, front: Front, doors: Doors, stop: CancellationToken) -> Result<(), Fault> {
        doors.serve(front, settings(&self.config)?, self.shared.clone(), stop).await
    }
}

fn settings(config: &Config) -> Result<Settings, Fault> {
    let ListenConfig { trusted_proxies, proxy_protocol, max_connections, max_connections_per_address, .. } = &config.listen;
    Ok(Settings {
        trusted_proxies: networks(trusted_proxies)?,
        forwarded_by: match config.listen.forwarded_by {
            ForwardingHeader::XForwardedFor => ForwardedBy::XForwardedFor,
            ForwardingHeader::Forwarded => ForwardedBy::Forwarded,
        },
        proxy_protocol: networks(proxy_protocol)?,
        max_connections: *max_connections,
        max_connections_per_address: *max_connections_per_address,
        drain_notice: Duration::from_secs(config.listen.drain_notice_seconds),
        drain: Duration::from_secs(config.listen.drain_seconds),
        https_port: Url::parse(&config.site.base_url).ok().and_then(|url| url.port()),
        body_limit,
    })
}

/// On routes where files arrive the plan is the bound.
fn body_limit(path: &str) -> u64 {
    let files = path.starts_with("/drafts") || path.starts_with("/v1/attachments");
    if files { u64::MAX } else { MAX_BODY_BYTES }
}
