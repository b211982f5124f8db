//! Our cookies, all `__Host-`: Secure, for this host and the whole path alone (RFC 6265bis §4.1.3.2).

use accounts::{DEVICE_LIFE, SESSION_LIFE, SignedIn};
use keys::Token;
use poem::http::{HeaderMap, HeaderValue, header};
use std::time::Duration;

pub const SESSION: &str = "__Host-session";
/// By which an account knows the browser again; it opens nothing.
pub const DEVICE: &str = "__Host-device";
/// Binds the forms of somebody who is not signed in.
pub const FORM: &str = "__Host-form";
/// Binds a recipient's visit to one browser.
pub const PICKUP: &str = "__Host-pickup";
/// Binds a hand-off code to the browser that asked for it.
pub const HAND_OFF: &str = "__Host-hand-off";
/// One sentence for the next page.
pub const FLASH: &str = "__Host-flash";

/// The cookies of a browser that just signed in.
pub fn set_signed_in(headers: &mut HeaderMap, signed_in: &SignedIn) {
    set_session(headers, &signed_in.token);
    set(headers, DEVICE, &signed_in.device.to_string(), Some(DEVICE_LIFE));
}

/// Another token for a session.
pub fn set_session(headers: &mut HeaderMap, token: &Token) {
    set(headers, SESSION, &token.to_string(), Some(SESSION_LIFE));
}

/// The first cookie of that name; the value as sent.
pub fn read<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// Sets a cookie; without `life` it ends with the browser. `value` is ours and plain (base64url).
pub fn set(headers: &mut HeaderMap, name: &str, value: &str, life: Option<Duration>) {
    let life = life.map(|life| format!("; Max-Age={}", life.as_secs())).unwrap_or_default();
    append(headers, &format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{life}"));
}

pub fn forget(headers: &mut HeaderMap, name: &str) {
    append(headers, &format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"));
}

fn append(headers: &mut HeaderMap, line: &str) {
    let value = HeaderValue::from_str(line).expect("names are constants and values base64url");
    headers.append(header::SET_COOKIE, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(line: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(line))])
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let headers = cookies("a=1; __Host-session=abc; x__Host-session=evil; __Host-session=second");
        assert_eq!(read(&headers, SESSION), Some("abc"));
        assert_eq!(read(&headers, "session"), None);
        assert_eq!(read(&headers, "a"), Some("1"));
    }

    #[test]
    fn a_cookie_is_set_for_this_host_alone() {
        let mut headers = HeaderMap::new();
        set(&mut headers, SESSION, "abc", Some(Duration::from_secs(60)));
        forget(&mut headers, FLASH);
        let lines: Vec<_> = headers.get_all(header::SET_COOKIE).iter().map(|v| v.to_str().unwrap()).collect();
        assert_eq!(lines[0], "__Host-session=abc; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60");
        assert!(lines[1].ends_with("Max-Age=0") && !lines[1].contains("Domain"));
    }
}
