//! The kinds of problem: slug, HTTP status, title, what it means and what to do. The addresses in `type` and the pages behind them
//! both come from this table, so that none leads nowhere.

macro_rules! kinds { ($($name:ident $slug:literal $status:literal $title:literal $means:literal $todo:literal;)*) => {
    /// The kinds of problem. Slug and status are promises: clients branch on them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Kind { $($name,)* }
    impl Kind {
        pub(crate) const ALL: &'static [Kind] = &[$(Kind::$name,)*];
        pub(crate) fn slug(self) -> &'static str { match self { $(Kind::$name => $slug,)* } }
        pub(crate) fn status(self) -> u16 { match self { $(Kind::$name => $status,)* } }
        pub(crate) fn title(self) -> &'static str { match self { $(Kind::$name => $title,)* } }
        /// For the page: `code` and **bold**, as in the document's descriptions.
        pub(crate) fn means(self) -> &'static str { match self { $(Kind::$name => $means,)* } }
        pub(crate) fn todo(self) -> &'static str { match self { $(Kind::$name => $todo,)* } }
    }
} }

kinds! {
    MalformedJson      "malformed-json"         400 "The body is not JSON"
        "The request's body could not be read as JSON (RFC 8259), or ended before it was complete. Nothing was done."
        "`detail` says at which line and column reading stopped. Let a JSON library write the body, in UTF-8, and send it whole.";
    TooDeep            "json-too-deep"          400 "The JSON is nested too deeply"
        "Lists and objects go at most 16 levels deep. None of our operations takes more than four. Nothing was done."
        "Look at the shape of the body in the document of this API; most likely something was wrapped by mistake.";
    InvalidParameter   "invalid-parameter"      400 "A parameter is not right"
        "A parameter of the address, of the query or of the headers is missing, unknown, there twice, or has a value that it cannot have. Nothing was done."
        "`errors` names the parameter and says what it takes. Correct it and send the request again.";
    UploadBroken       "upload-broken"          400 "The upload stopped half-way"
        "The connection broke, or was silent for a minute, before the file was complete. Whole pieces of 4194304 bytes that arrived are kept."
        "Read the file's `received` and go on from there with `PUT /v1/attachments/{id}?offset=…`. A file begun without `size` has to be announced with it to be resumed.";
    Unauthorized       "unauthorized"           401 "An API key is needed"
        "The request has no API key, or one that is not known, was revoked, or belongs to a member or tenant that is suspended."
        "Make a key on the settings page and send it with every request: `Authorization: Bearer csk_…`.";
    OverQuota          "over-quota"             402 "The allowance is used up"
        "The plan's allowance does not cover this request. Nothing of it was done and nothing was counted."
        "`dimension`, `limit` and `used` say which allowance; `resets_at` says when it starts anew. Wait until then, send less, or change the plan.";
    NotAllowed         "not-allowed"            403 "This key may not do that"
        "A key acts for the member who made it, and that member's role does not include this."
        "Let a member whose role allows it make the key, or ask an owner of your tenant to change the role.";
    PlanLimit          "plan-limit"             403 "The plan does not include this"
        "Your plan lacks this function, or allows less of it for one message than was asked for. Nothing was done."
        "`dimension` and `limit` say what the plan allows. Ask for less, or change the plan.";
    NotFound           "not-found"              404 "Not found"
        "There is nothing at this address, or it belongs to somebody else: the answer is the same for both."
        "Compare the address with the document of this API, and the id with the one that was answered to you. Content goes at its expiry.";
    MethodNotAllowed   "method-not-allowed"     405 "This address does not take that method"
        "The address exists, but not for this HTTP method."
        "The header `Allow` lists the methods that it takes.";
    Conflict           "conflict"               409 "It has changed meanwhile"
        "What the request is about is not as the request expects it: it was sent, completed, discarded or is not locked any more."
        "Read it again and decide anew; repeating the same request changes nothing.";
    Sealed             "sealed"                 409 "Sealed with a password we do not have"
        "The message is sealed with a message password. We keep no copy of it, so we cannot open the text or the files, not even for their sender."
        "Use your own copy of the file. Recipients who know the password open it as before.";
    UploadOffset       "upload-offset"          409 "The upload goes on from another byte"
        "The `offset` is not the number of bytes that are here, so the piece would leave a hole or overwrite something."
        "Go on from the byte that `received` says.";
    UploadsWaiting     "uploads-waiting"        409 "Too many uploads wait for a message"
        "At most 500 messages may be begun by an upload and not sent yet. Nothing of this file was kept."
        "Send the messages that the uploads are for, or remove the files with `DELETE /v1/messages/{id}/attachments/{attachment}`. After two days we remove what nobody sent.";
    Gone               "gone"                   410 "The content was destroyed"
        "The message was retracted, was refused by everybody, or has expired, so our copy of its content and the keys to it are destroyed."
        "Use your own copy. The evidence stays: `GET /v1/messages/{id}/evidence`.";
    TooLarge           "too-large"              413 "Too large"
        "The body, the file, or the message with all its files is larger than we or your plan take. Nothing of it was kept."
        "`detail` says the bound. Send long texts as files, and split what is larger than a message may be.";
    UnsupportedType    "unsupported-media-type" 415 "Another content type is needed"
        "The operation takes JSON, and the request does not say that it is."
        "Send the header `Content-Type: application/json`.";
    BeyondTheEnd       "range-not-satisfiable"  416 "The range begins after the end"
        "The header `Range` asks for bytes that the file does not have."
        "`Content-Range` says how many bytes there are. A download that has them all is complete.";
    InvalidFields      "invalid-fields"         422 "Some fields need another look"
        "The body is JSON, but fields are missing, unknown, or have values that they cannot have. Nothing was done."
        "`errors` has one entry for each: `pointer` (RFC 6901) says where, `detail` says what is wrong and can be shown beside the field.";
    KeyReused          "idempotency-key-reused" 422 "The idempotency key belongs to another request"
        "The same `Idempotency-Key` came with another body within 24 hours, so it is not a repetition. Nothing was done."
        "Use a new key for a new message, and repeat a request with exactly the bytes it had.";
    TooMany            "too-many-requests"      429 "Too many requests"
        "The plan allows so many requests a minute, and they were used up."
        "Wait as many seconds as the header `Retry-After` says, and spread requests evenly.";
    Fault              "fault"                  500 "Our fault"
        "Something went wrong on our side. It was written down with the `reference` of the answer."
        "Try again later; a message is sent again safely with the same `Idempotency-Key`. If it stays, tell us the reference.";
    Unavailable        "unavailable"            503 "Not available for a moment"
        "A part of the service is away or busy. Unless `detail` says otherwise, nothing was changed."
        "Wait as many seconds as the header `Retry-After` says and try again, a message with the same `Idempotency-Key`.";
    StorageFull        "storage-full"           507 "No room left"
        "We have no room to store this right now, so new messages and files are not taken. What was accepted stays safe, and recipients go on picking up."
        "Try again later. Whoever operates the service frees or adds disk space.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_told_apart() {
        let mut slugs: Vec<_> = Kind::ALL.iter().map(|k| k.slug()).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), Kind::ALL.len());
    }
}
