//! The message that every run sends: one recipient, 4 KiB of text.

pub const TO: &str = "bob.recipient@example.org";
pub const SUBJECT: &str = "Statement for November";
pub const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const BODY_BYTES: usize = 4096;

/// Lines of plain words, exactly 4 KiB.
pub fn body() -> String {
    let mut text = "Dear Bob, the account moved to the bank that we spoke about on the telephone.\n".repeat(60);
    text.truncate(BODY_BYTES);
    text
}
