//! Style, scripts and the mark: embedded, named by their content, kept by browsers for good.

use crate::stop::{Answer, Stop};
use poem::{Response, handler, http::header, web::Path};
use std::sync::LazyLock;

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets { ($($name:literal $kind:literal;)*) => {
    static ASSETS: &[Asset] = &[$(Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("../assets/", $name)) },)*];
} }

assets! {
    "site.css" "text/css; charset=utf-8";
    "site.js" "text/javascript; charset=utf-8";
    "upload.js" "text/javascript; charset=utf-8";
    "compose.js" "text/javascript; charset=utf-8";
    "live.js" "text/javascript; charset=utf-8";
    "mark.svg" "image/svg+xml";
}

/// One hash over all of them: a new binary means new addresses.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let parts: Vec<&[u8]> = ASSETS.iter().flat_map(|a| [a.name.as_bytes(), a.bytes]).collect();
    hex::encode(&keys::sha256(&parts)[..8])
});

/// Where a page finds an asset: `/assets/<hash>/<name>`.
pub fn url(name: &str) -> String {
    format!("/assets/{}/{name}", *HASH)
}

/// Serves any hash: a page of the version before, still open in a browser, keeps working.
#[handler]
pub async fn serve(Path((hash, name)): Path<(String, String)>) -> Answer {
    let asset = ASSETS.iter().find(|a| a.name == name).ok_or(Stop::NotFound)?;
    let keep = if hash == *HASH { "public, max-age=31536000, immutable" } else { "no-cache" };
    Ok(Response::builder().content_type(asset.kind).header(header::CACHE_CONTROL, keep).body(asset.bytes))
}

#[handler]
pub async fn favicon() -> Answer {
    let mark = ASSETS.iter().find(|a| a.name == "mark.svg").ok_or(Stop::NotFound)?;
    Ok(Response::builder().content_type(mark.kind).header(header::CACHE_CONTROL, "public, max-age=86400").body(mark.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_stays_small() {
        let css = ASSETS.iter().find(|a| a.name == "site.css").unwrap();
        assert!(css.bytes.len() < 20 * 1024, "{} bytes", css.bytes.len());
    }

    #[test]
    fn assets_name_no_other_origin() {
        for asset in ASSETS {
            let text = std::str::from_utf8(asset.bytes).unwrap().replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("@import"), "{}", asset.name);
        }
    }
}
