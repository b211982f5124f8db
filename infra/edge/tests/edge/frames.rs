//! HTTP/2 by hand (RFC 9113 §4.1), for clients that no library would be.

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// `:method: GET`, `:scheme: https`, `:path: PATH`, `:authority: site.test`, without Huffman (RFC 7541 §6.2.2).
pub fn head(path: &str) -> Vec<u8> {
    let literal = |index: u8, text: &str| [&[index, text.len() as u8][..], text.as_bytes()].concat();
    [&[0x82, 0x87][..], &literal(0x04, path), &literal(0x01, "site.test")].concat()
}
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let size = (payload.len() as u32).to_be_bytes();
    [&size[1..], &[kind, flags], &stream.to_be_bytes()[..], payload].concat()
}

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
pub const END_HEADERS: u8 = 4;
pub const CANCEL: [u8; 4] = [0, 0, 0, 8];
