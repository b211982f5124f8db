//! The words of the house as the API writes them: times, states, proofs, kinds of evidence, grounds.

use crate::json_text::text_as;
use evidence::Kind;
use kernel::Time;
use messages::{Proof, RecipientState};
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// poem-openapi's traits for a type that serde can write and read.
macro_rules! json_type {
    ($name:ident, $schema:expr) => {
        impl Type for $name {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new($schema))
            }
            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }
            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }
        impl ParseFromJSON for $name {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                serde_json::from_value(value.unwrap_or_default()).map_err(ParseError::custom)
            }
        }
        impl ToJSON for $name {
            fn to_json(&self) -> Option<Value> {
                serde_json::to_value(self).ok()
            }
        }
    };
}

/// One of a room's closed sets of words.
macro_rules! word { ($(#[$doc:meta])* $name:ident, $inner:ty, $all:expr) => {
    $(#[$doc])*
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct $name(pub(crate) $inner);
    impl Serialize for $name {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(self.0.as_str()) }
    }
    impl<'de> Deserialize<'de> for $name {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            text_as(d, $name::of)
        }
    }
    impl $name {
        fn of(text: &str) -> Result<Self, String> {
            let known = || $all.into_iter().map(|w: $inner| w.as_str()).collect::<Vec<_>>().join(", ");
            <$inner>::parse(text).filter(|w| w.as_str() == text).map($name).ok_or_else(|| format!("Choose one of: {}", known()))
        }
    }
    json_type!($name, MetaSchema { enum_items: $all.into_iter().map(|w: $inner| w.as_str().into()).collect(), ..MetaSchema::new("string") });
    impl ParseFromParameter for $name {
        fn parse_from_parameter(value: &str) -> ParseResult<Self> { $name::of(value).map_err(ParseError::<Self>::custom) }
    }
} }

word! {
    /// Where a recipient stands.
    StateWord, RecipientState, RecipientState::ALL
}
word! {
    /// What a recipient must prove.
    ProofWord, Proof, Proof::ALL
}
word! {
    /// A kind of evidence.
    KindWord, Kind, Kind::ALL.iter().copied()
}

/// An instant: RFC 3339, written in UTC with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At(pub(crate) Time);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        text_as(d, |text| Time::parse(text).map(At).ok_or_else(|| "Write the time as RFC 3339, such as 2026-11-24T09:30:00Z".to_owned()))
    }
}
json_type!(At, MetaSchema::new_with_format("string", "date-time"));

/// What a fact rests on: short named values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Grounds(pub(crate) Map<String, Value>);
json_type!(Grounds, MetaSchema::new("object"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_exactly_as_written() {
        assert!(serde_json::from_str::<ProofWord>("\"r1\"").is_ok());
        assert!(serde_json::from_str::<ProofWord>("\"R1\"").unwrap_err().to_string().starts_with("Choose one of: r0, r1, r2, r4"));
        assert!(StateWord::parse_from_parameter("opened").is_ok());
        assert!(StateWord::parse_from_parameter("read").is_err());
    }

    #[test]
    fn times_are_rfc_3339_both_ways() {
        let at: At = serde_json::from_str("\"2026-11-24T10:30:00+01:00\"").unwrap();
        assert_eq!(serde_json::to_string(&at).unwrap(), "\"2026-11-24T09:30:00.000Z\"");
        assert!(serde_json::from_str::<At>("\"tomorrow\"").is_err());
    }
}
