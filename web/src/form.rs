//! A posted form: read within bounds, its token checked, its fields as typed. Unknown fields are ignored.

use crate::{
    browser,
    browser::Browser,
    csrf,
    kept::{FormRoom, Kept, Places},
    multipart,
    stop::Stop,
};
use kernel::{MAX_FORM_BYTES, MAX_KEPT_FORM_BYTES};
use poem::{FromRequest, Request, RequestBody, Result, http::StatusCode};
use std::{io, sync::Arc};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Fields of one form; more than any of ours has.
const MAX_FIELDS: usize = 500;
/// Bytes of a form that are read without asking for room.
const SHORT: usize = 64 * 1024;
const NO_ROOM: &str = "We are busy right now, and nothing was done. Go back, and send the form again in a moment.";
/// Bytes of a form that are read beyond those that are kept.
const MAX_DROPPED_BYTES: u64 = 64 * 1024 * 1024;

/// Fields in the order they came. Only [`Form`] has had its token checked.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    pairs: Arc<Vec<(String, String)>>,
    /// More came than a form may hold: what is here is its beginning.
    pub cut: bool,
    /// What a long form takes of the room for all of them, until it is answered.
    room: Option<Arc<Vec<FormRoom>>>,
}

impl Fields {
    /// Of the first `keep` bytes.
    pub fn parse(body: &[u8], keep: usize) -> Fields {
        let kept = &body[..body.len().min(keep)];
        let pairs = url::form_urlencoded::parse(kept).take(MAX_FIELDS).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        Fields { pairs: Arc::new(pairs), cut: body.len() > keep, room: None }
    }
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
    /// The first value of that name, as typed; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.iter().find(|(found, _)| *found == name).map_or("", |(_, value)| value)
    }
    /// Every value of that name.
    pub fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.iter().filter(move |(found, _)| *found == name).map(|(_, value)| value)
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
        let fields = read(req, body, MAX_FORM_BYTES).await?;
        if fields.cut {
            return Err(Stop::TooLarge.into());
        }
        csrf::check(web, &Browser::of(req, web), req.headers(), fields.text("form"))?;
        Ok(Form(fields))
    }
}

/// The fields with no token checked: for pages whose forms are bound otherwise. A form that came cut is given too.
pub struct Unchecked(pub Fields);

impl<'a> FromRequest<'a> for Unchecked {
    async fn from_request(req: &'a Request, body: &mut RequestBody) -> Result<Self> {
        Ok(Unchecked(read(req, body, MAX_KEPT_FORM_BYTES).await?))
    }
}

pub async fn read(req: &Request, body: &mut RequestBody, keep: usize) -> Result<Fields, Stop> {
    if !multipart::kind(req).eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Stop::NotAForm);
    }
    let web = browser::web_of(req).map_err(|_| Stop::Broken)?;
    let mut body = body.take().map_err(|_| Stop::Broken)?.into_async_read();
    let read = beginning(&mut body, keep + 1, &web.places).await.map_err(|_| Stop::Broken)?;
    // Read on, or the browser would see a broken connection in place of the answer.
    tokio::io::copy(&mut body.take(MAX_DROPPED_BYTES), &mut tokio::io::sink()).await.map_err(|_| Stop::Broken)?;
    let Some((bytes, room)) = read else { return Err(Stop::refused(StatusCode::SERVICE_UNAVAILABLE, NO_ROOM)) };
    let mut fields = Fields::parse(&bytes, keep);
    fields.room = Some(Arc::new(room));
    let kept = Kept::of(req);
    fields.iter().for_each(|(name, value)| kept.field(name, value));
    if fields.cut {
        kept.was_cut();
    }
    Ok(fields)
}

/// The first `most` bytes, with the room they take; `None`: there is none for a long form now. What is short needs none.
async fn beginning(body: &mut (impl AsyncRead + Unpin), most: usize, places: &Places) -> io::Result<Option<(Vec<u8>, Vec<FormRoom>)>> {
    let (mut bytes, mut room, mut upto) = (Vec::new(), Vec::new(), SHORT.min(most));
    loop {
        bytes.reserve_exact(upto - bytes.len());
        let more = (&mut *body).take((upto - bytes.len()) as u64).read_to_end(&mut bytes).await?;
        if more == 0 || bytes.len() < upto || upto == most {
            return Ok(Some((bytes, room)));
        }
        let Some(taken) = places.room(upto) else { return Ok(None) };
        room.push(taken);
        upto = (upto * 2).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_as_typed() {
        let fields = Fields::parse(b"to=a%40b.example&to=c&subject=%C3%9Cber+alles&flag=&bad=%FF%00", 100);
        assert_eq!(fields.text("to"), "a@b.example");
        assert_eq!(fields.all("to").collect::<Vec<_>>(), ["a@b.example", "c"]);
        assert_eq!(fields.text("subject"), "Über alles");
        assert_eq!(fields.text("bad"), "\u{fffd}\0");
    }

    #[test]
    fn a_flood_of_fields_is_cut() {
        let body = "a=1&".repeat(100_000);
        assert_eq!(Fields::parse(body.as_bytes(), body.len()).iter().count(), MAX_FIELDS);
    }

    #[test]
    fn of_a_form_that_is_too_long_the_beginning_stays() {
        let body = format!("form=token&reply={}", "%C3%BC".repeat(1000));
        let fields = Fields::parse(body.as_bytes(), 1000);
        let text = fields.text("reply");
        assert!(fields.cut && fields.text("form") == "token" && text.chars().count() > 150 && text.starts_with("üüü"));
        assert!(!Fields::parse(body.as_bytes(), body.len()).cut);
    }

    #[tokio::test]
    async fn long_forms_share_bounded_room_and_short_ones_need_none() {
        let places = Places::default();
        let long = vec![b'x'; 3 * SHORT];
        let read = async |most: usize| beginning(&mut &long[..], most, &places).await.unwrap();
        let (bytes, room) = read(usize::MAX / 4).await.unwrap();
        assert!(bytes == long && room.iter().map(FormRoom::num_permits).sum::<usize>() >= long.len() / 1024 - 64);
        assert_eq!(read(SHORT + 1).await.unwrap().0.len(), SHORT + 1);
        drop(room);
        let all = places.room(64 << 20).unwrap();
        assert!(read(usize::MAX / 4).await.is_none(), "others have it all");
        assert_eq!(beginning(&mut &long[..SHORT - 1], SHORT * 2, &places).await.unwrap().unwrap().0.len(), SHORT - 1);
        drop(all);
        assert!(read(usize::MAX / 4).await.is_some());
    }
}
