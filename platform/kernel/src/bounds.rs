//! Every bound on what comes from outside, by name. Units are in the name or in the comment.

/// Recipients of one message, whatever the plan allows.
pub const MAX_RECIPIENTS: usize = 100;
/// Subject, in characters. RFC 5322 §2.1.1 would allow 998 octets a line; nobody reads those.
pub const MAX_SUBJECT_CHARS: usize = 255;
/// Text body, in bytes (UTF-8).
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Sealed bodies up to this size live in their row, larger ones in a blob.
pub const MAX_BODY_IN_ROW: usize = 64 * 1024;
/// Attachments of one message.
pub const MAX_ATTACHMENTS: usize = 200;
/// File name, in characters.
pub const MAX_FILE_NAME_CHARS: usize = 255;
/// Name of a person or a tenant, in characters.
pub const MAX_NAME_CHARS: usize = 100;
/// Account password, in characters after NFC.
pub const MIN_PASSWORD_CHARS: usize = 12;
pub const MAX_PASSWORD_CHARS: usize = 256;
/// Message password, in characters after NFC.
pub const MIN_MESSAGE_PASSWORD_CHARS: usize = 4;
/// Hint to a message password, in characters.
pub const MAX_HINT_CHARS: usize = 200;
/// Reason of a refusal, in characters.
pub const MAX_REASON_CHARS: usize = 500;
/// JSON request body of the API, in bytes: a full body escaped, 100 recipients and room.
pub const MAX_JSON_BYTES: usize = 3 * 1024 * 1024;
/// Nesting of a JSON request body; our deepest has four levels.
pub const MAX_JSON_DEPTH: usize = 16;
/// Form body without files, in bytes.
pub const MAX_FORM_BYTES: usize = 4 * 1024 * 1024;
/// The same where a long text is typed, in bytes: what does not fit the message is given back to be shortened.
pub const MAX_KEPT_FORM_BYTES: usize = 8 * 1024 * 1024;
/// Wrong message passwords before the slot locks, and wrong mailed codes before a new one is needed.
pub const MAX_TRIES: i64 = 5;
/// Rows on one page of any list.
pub const MAX_PAGE: u64 = 100;
/// User agent kept in evidence, in characters.
pub const MAX_USER_AGENT_CHARS: usize = 300;
/// SMTP reply kept in evidence, in characters.
pub const MAX_SMTP_REPLY_CHARS: usize = 500;
