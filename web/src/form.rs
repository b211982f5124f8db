//! A posted form: read within bounds, its token checked, its fields as typed. Unknown fields are ignored.

use crate::{browser, browser::Browser, csrf, stop::Stop};
use kernel::MAX_FORM_BYTES;
use poem::{FromRequest, Request, RequestBody, Result, error::ReadBodyError};

/// Fields of one form; more than any of ours has.
const MAX_FIELDS: usize = 500;

/// Fields in the order they came. Only [`Form`] has had its token checked.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn parse(body: &[u8]) -> Fields {
        Fields(url::form_urlencoded::parse(body).take(MAX_FIELDS).map(|(k, v)| (k.into_owned(), v.into_owned())).collect())
    }
    /// The first value of that name, as typed; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }
    /// Every value of that name.
    pub fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// The fields of a form that stood on one of our pages, in this browser.
pub struct Form(pub Fields);

impl std::ops::Deref for Form {
    type Target = Fields;
    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl<'a> FromRequest<'a> for Form {
    async fn from_request(req: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let web = browser::web_of(req)?;
        let fields = read(req, body).await?;
        csrf::check(web, &Browser::of(req, web), req.headers(), fields.text("form"))?;
        Ok(Form(fields))
    }
}

/// The fields with no token checked: for pages whose forms are bound otherwise.
pub struct Unchecked(pub Fields);

impl<'a> FromRequest<'a> for Unchecked {
    async fn from_request(req: &'a Request, body: &mut RequestBody) -> Result<Self> {
        Ok(Unchecked(read(req, body).await?))
    }
}

async fn read(req: &Request, body: &mut RequestBody) -> Result<Fields, Stop> {
    let kind = req.content_type().and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Stop::NotAForm);
    }
    let bytes = body.take().map_err(|_| Stop::Broken)?.into_bytes_limit(MAX_FORM_BYTES).await.map_err(|e| match e {
        ReadBodyError::PayloadTooLarge => Stop::TooLarge,
        _ => Stop::Broken,
    })?;
    Ok(Fields::parse(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_as_typed() {
        let fields = Fields::parse(b"to=a%40b.example&to=c&subject=%C3%9Cber+alles&flag=&bad=%FF%00");
        assert_eq!(fields.text("to"), "a@b.example");
        assert_eq!(fields.all("to").collect::<Vec<_>>(), ["a@b.example", "c"]);
        assert_eq!(fields.text("subject"), "Über alles");
        assert_eq!(fields.text("bad"), "\u{fffd}\0");
    }

    #[test]
    fn a_flood_of_fields_is_cut() {
        let body = "a=1&".repeat(100_000);
        assert_eq!(Fields::parse(body.as_bytes()).0.len(), MAX_FIELDS);
    }
}
