//! Values between sea-query and SQLite. A column's declared type says how to read it, because sea-orm takes a value of another
//! variant for NULL without a word.

use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use sea_orm::Value;

/// What a column was declared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declared {
    Uuid,
    Bytes,
    Whole,
    Bool,
    Text,
    /// An expression: whatever the value itself is.
    Nothing,
}

impl Declared {
    pub(super) fn parse(text: Option<&str>) -> Declared {
        let Some(text) = text else { return Declared::Nothing };
        let is = |name: &str| text.len() >= name.len() && text.as_bytes()[..name.len()].eq_ignore_ascii_case(name.as_bytes());
        match () {
            () if is("uuid") => Declared::Uuid,
            () if is("blob") => Declared::Bytes,
            () if is("bool") => Declared::Bool,
            () if is("bigint") || is("integer") => Declared::Whole,
            () if is("text") || is("varchar") => Declared::Text,
            () => Declared::Nothing,
        }
    }
    fn null(self) -> Value {
        match self {
            Declared::Uuid => Value::Uuid(None),
            Declared::Bytes => Value::Bytes(None),
            Declared::Whole => Value::BigInt(None),
            Declared::Bool => Value::Bool(None),
            Declared::Text | Declared::Nothing => Value::String(None),
        }
    }
}

/// The value as SQLite stores it, borrowed; `Err` names a kind of value that no table of ours has.
pub(super) fn bind(value: &Value) -> Result<ToSqlOutput<'_>, &'static str> {
    let null = ToSqlOutput::Owned(Owned::Null);
    Ok(match value {
        Value::Uuid(v) => v.as_ref().map_or(null, |u| ToSqlOutput::Borrowed(ValueRef::Blob(u.as_bytes()))),
        Value::Bytes(v) => v.as_ref().map_or(null, |b| ToSqlOutput::Borrowed(ValueRef::Blob(b))),
        Value::String(v) => v.as_ref().map_or(null, |s| ToSqlOutput::Borrowed(ValueRef::Text(s.as_bytes()))),
        Value::BigInt(v) => v.map_or(null, whole),
        Value::Int(v) => v.map_or(null, |i| whole(i64::from(i))),
        Value::Unsigned(v) => v.map_or(null, |i| whole(i64::from(i))),
        // sea-orm's LIMIT and OFFSET come as u64.
        Value::BigUnsigned(v) => v.map_or(null, |i| whole(i64::try_from(i).unwrap_or(i64::MAX))),
        Value::Bool(v) => v.map_or(null, |b| whole(i64::from(b))),
        _ => return Err("a value of a kind that no column has"),
    })
}

fn whole(i: i64) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(Owned::Integer(i))
}

/// The stored value as sea-orm expects it for a column so declared; `Err` says what does not fit.
pub(super) fn read(value: ValueRef<'_>, declared: Declared) -> Result<Value, &'static str> {
    Ok(match (value, declared) {
        (ValueRef::Null, declared) => declared.null(),
        (ValueRef::Blob(b), Declared::Uuid) => Value::Uuid(Some(uuid::Uuid::from_slice(b).map_err(|_| "an id that is not 16 bytes long")?)),
        (ValueRef::Blob(b), Declared::Bytes | Declared::Nothing) => Value::Bytes(Some(b.to_vec())),
        (ValueRef::Integer(i), Declared::Bool) => Value::Bool(Some(i != 0)),
        (ValueRef::Integer(i), Declared::Whole | Declared::Nothing) => Value::BigInt(Some(i)),
        (ValueRef::Text(t), Declared::Text | Declared::Nothing) => {
            Value::String(Some(std::str::from_utf8(t).map_err(|_| "text that is not UTF-8")?.to_owned()))
        }
        _ => return Err("a value of another type than its column"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_keeps_the_type_of_its_column() {
        for (decl, null) in [
            ("uuid_text", Value::Uuid(None)),
            ("blob", Value::Bytes(None)),
            ("bigint", Value::BigInt(None)),
            ("boolean", Value::Bool(None)),
            ("text", Value::String(None)),
        ] {
            assert_eq!(read(ValueRef::Null, Declared::parse(Some(decl))), Ok(null), "{decl}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_an_error_and_not_null() {
        assert!(read(ValueRef::Text(b"7"), Declared::Whole).is_err());
        assert!(read(ValueRef::Integer(7), Declared::Text).is_err());
        assert!(read(ValueRef::Blob(b"short"), Declared::Uuid).is_err());
    }
}
