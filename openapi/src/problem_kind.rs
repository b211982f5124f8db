//! The kinds of problem: each with its stable slug, its HTTP status and its title.

macro_rules! kinds { ($($name:ident $slug:literal $status:literal $title:literal;)*) => {
    /// The kinds of problem. Slug and status are promises: clients branch on them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Kind { $($name,)* }
    impl Kind {
        pub(crate) const ALL: &'static [Kind] = &[$(Kind::$name,)*];
        pub(crate) fn slug(self) -> &'static str { match self { $(Kind::$name => $slug,)* } }
        pub(crate) fn status(self) -> u16 { match self { $(Kind::$name => $status,)* } }
        pub(crate) fn title(self) -> &'static str { match self { $(Kind::$name => $title,)* } }
    }
} }

kinds! {
    MalformedJson      "malformed-json"         400 "The body is not JSON";
    TooDeep            "json-too-deep"          400 "The JSON is nested too deeply";
    InvalidParameter   "invalid-parameter"      400 "A parameter is not right";
    UploadBroken       "upload-broken"          400 "The upload stopped half-way";
    Unauthorized       "unauthorized"           401 "An API key is needed";
    OverQuota          "over-quota"             402 "The allowance is used up";
    NotAllowed         "not-allowed"            403 "This key may not do that";
    PlanLimit          "plan-limit"             403 "The plan does not include this";
    NotFound           "not-found"              404 "Not found";
    MethodNotAllowed   "method-not-allowed"     405 "This address does not take that method";
    Conflict           "conflict"               409 "It has changed meanwhile";
    UploadOffset       "upload-offset"          409 "The upload goes on from another byte";
    TooLarge           "too-large"              413 "Too large";
    UnsupportedType    "unsupported-media-type" 415 "Another content type is needed";
    InvalidFields      "invalid-fields"         422 "Some fields need another look";
    KeyReused          "idempotency-key-reused" 422 "The idempotency key belongs to another request";
    TooMany            "too-many-requests"      429 "Too many requests";
    Fault              "fault"                  500 "Our fault";
    Unavailable        "unavailable"            503 "Not available for a moment";
    StorageFull        "storage-full"           507 "No room left";
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
