//! File names in a header and in an address: whatever they hold, they stay in their place.

/// RFC 6266: always `attachment`, a plain name for old programs and the true one as RFC 8187 has it.
pub fn disposition(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\%;".contains(c) || c == ' ' { c } else { '_' }).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", encoded(name))
}

/// Percent-encoded but for RFC 8187 §3.2.1 `attr-char`; fit for a path segment too.
pub fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) && byte != b'#' {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn names_cannot_leave_the_header() {
        assert_eq!(disposition("return 2025.pdf"), "attachment; filename=\"return 2025.pdf\"; filename*=UTF-8''return%202025.pdf");
        assert_eq!(disposition("a\"; x=\"b.html"), "attachment; filename=\"a__ x=_b.html\"; filename*=UTF-8''a%22%3B%20x%3D%22b.html");
        assert_eq!(disposition("Übung €.txt"), "attachment; filename=\"_bung _.txt\"; filename*=UTF-8''%C3%9Cbung%20%E2%82%AC.txt");
        assert!(HeaderValue::from_str(&disposition("a\r\nSet-Cookie: x=1")).is_ok());
        assert_eq!(encoded("a/b?c#d%e"), "a%2Fb%3Fc%23d%25e");
    }
}
