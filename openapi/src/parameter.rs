//! A parameter as the document describes it, and the sentence for whoever got it wrong. Written from the document alone, so that
//! no library's words for its own types reach anybody.

use serde_json::Value;

pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) in_query: bool,
    /// “The parameter” or “The header”, with the name.
    called: String,
    takes: String,
}

impl Parameter {
    pub(crate) fn read(parameter: &Value) -> Parameter {
        let text = |field: &str| parameter[field].as_str().unwrap_or_default().to_owned();
        let (name, place) = (text("name"), text("in"));
        let called = format!("The {} “{name}”", if place == "header" { "header" } else { "parameter" });
        Parameter { in_query: place == "query", takes: takes(&parameter["schema"]), called, name }
    }
    /// For a value that it cannot have.
    pub(crate) fn wrong(&self) -> String {
        format!("{} takes {}.", self.called, self.takes)
    }
    pub(crate) fn missing(&self) -> String {
        format!("{} is missing.", self.called)
    }
}

fn takes(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        return format!("one of: {}", words.join(", "));
    }
    if let Some((prefix, _)) = schema["pattern"].as_str().and_then(|pattern| pattern.trim_start_matches('^').split_once('_')) {
        return format!("an id of ours, which begins with “{prefix}_”");
    }
    let (kind, least, most) = match schema["type"].as_str() {
        Some("integer") => ("a whole number", &schema["minimum"], &schema["maximum"]),
        _ => ("text", &schema["minLength"], &schema["maxLength"]),
    };
    let (least, most) = (least.as_f64().map(|n| n as u64), most.as_f64().map(|n| n as u64));
    match (kind, least, most) {
        ("text", None, Some(most)) => format!("at most {most} characters"),
        ("text", Some(least), Some(most)) => format!("{least} to {most} characters"),
        (_, Some(least), Some(most)) => format!("{kind} from {least} to {most}"),
        _ => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_kind_of_parameter_says_what_it_takes() {
        let says = |place: &str, schema: Value| Parameter::read(&json!({"name": "x", "in": place, "schema": schema})).wrong();
        let number = json!({"type": "integer", "minimum": 1, "maximum": 100.0});
        assert_eq!(says("query", number), "The parameter “x” takes a whole number from 1 to 100.");
        assert_eq!(says("query", json!({"type": "string", "enum": ["a", "b", null]})), "The parameter “x” takes one of: a, b.");
        let id = json!({"type": "string", "pattern": "^msg_[0-7][0-9a-z]{25}$"});
        assert_eq!(says("query", id), "The parameter “x” takes an id of ours, which begins with “msg_”.");
        let key = json!({"type": "string", "minLength": 1, "maxLength": 200});
        assert_eq!(says("header", key), "The header “x” takes 1 to 200 characters.");
        assert_eq!(says("query", json!({"type": "string", "maxLength": 9})), "The parameter “x” takes at most 9 characters.");
    }
}
