//! Reading a JSON string as something of ours, so that what is wrong with it is reported at the string itself.

use serde::{Deserializer, de};
use std::{fmt, marker::PhantomData};

struct Text<F, T>(F, PhantomData<T>);

impl<T, F: FnOnce(&str) -> Result<T, String>> de::Visitor<'_> for Text<F, T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

/// `parse` answers with a sentence when the text will not do. It must run inside the visitor: serde_json notes the place of
/// errors there, while an error made after the string was read gets the place of the list's end.
pub(crate) fn text_as<'de, D: Deserializer<'de>, T>(d: D, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, D::Error> {
    d.deserialize_str(Text(parse, PhantomData))
}
