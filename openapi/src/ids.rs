//! Our ids in paths, parameters and JSON. A path id that cannot be one of ours reads as "not found", like a stranger's.

use crate::json_text::text_as;
use kernel::*;
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{borrow::Cow, fmt::Display, str::FromStr};

/// One of the kernel's ids, with its prefix.
pub(crate) trait OurId: Copy + Display + FromStr<Err = BadId> + Send + Sync + 'static {
    const PREFIX: &'static str;
}
macro_rules! our_ids { ($($id:ty),*) => { $(impl OurId for $id { const PREFIX: &'static str = <$id>::PREFIX; })* } }
our_ids!(MessageId, RecipientId, AttachmentId, EvidenceId, ReplyId, TenantId, DomainId, ClientCaId, ClientCertificateId);

/// An id as the API writes it, `msg_` and 26 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: OurId> Serialize for Id<T> {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}
impl<'de, T: OurId> Deserialize<'de> for Id<T> {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let parse = |text: &str| text.parse().map(Id).map_err(|_| format!("This is not an id: those begin with “{}_”", T::PREFIX));
        text_as(d, parse)
    }
}

impl<T: OurId> Type for Id<T> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;
    fn name() -> Cow<'static, str> {
        format!("id_{}", T::PREFIX).into()
    }
    fn schema_ref() -> MetaSchemaRef {
        let pattern = format!("^{}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$", T::PREFIX);
        MetaSchemaRef::Inline(Box::new(MetaSchema { pattern: Some(pattern), ..MetaSchema::new("string") }))
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}
impl<T: OurId> ParseFromParameter for Id<T> {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        value.parse().map(Id).map_err(ParseError::<Self>::custom)
    }
}
impl<T: OurId> ParseFromJSON for Id<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        serde_json::from_value(value.unwrap_or_default()).map_err(ParseError::custom)
    }
}
impl<T: OurId> ToJSON for Id<T> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.to_string()))
    }
}
