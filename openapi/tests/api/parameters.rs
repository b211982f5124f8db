//! Every parameter of the document with values that it cannot have: named, in plain words, and nothing done.

use crate::{bad_input::in_plain_words, town::town};
use poem::Body;
use serde_json::Value;

/// Well formed, and nobody's.
const REST: &str = "01jd7q00000000000000000000";

#[tokio::test]
async fn every_parameter_names_itself_in_plain_words() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let (mut asked, document) = (0, town.document.clone());
    for (path, method, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        for parameter in parameters {
            let name = parameter["name"].as_str().unwrap();
            for value in wrong_values(&parameter["schema"]) {
                let (uri, headers) = request(path, parameters, name, &value);
                let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let answer = town.call(&ana, method.parse().unwrap(), &uri, &headers, Body::empty()).await;
                let at = format!("{method} {uri} {headers:?}: {}", answer.json);
                in_plain_words(answer.json["detail"].as_str().unwrap());
                asked += 1;
                if parameter["in"] == "path" {
                    assert_eq!(answer.problem(), "not-found", "{at}");
                    continue;
                }
                assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-parameter"), "{at}");
                assert_eq!(answer.json["errors"][0]["parameter"], name, "{at}");
                assert!(answer.json["detail"].as_str().unwrap().contains(&format!("“{name}”")), "{at}");
            }
        }
    }
    assert!(asked > 100, "{asked}");
    assert_eq!(town.get(&ana, "/v1/messages").await.json["messages"].as_array().unwrap().len(), 0);
}

fn operations(document: &Value) -> impl Iterator<Item = (&String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, methods)| methods.as_object().unwrap().iter().map(move |(m, operation)| (path, m.to_uppercase(), operation)))
}

fn wrong_values(schema: &Value) -> Vec<String> {
    if schema.get("enum").is_some() {
        return ["", "nonsense", "OPENED", "opened,expired"].map(str::to_owned).to_vec();
    }
    if schema.get("pattern").is_some() {
        let own = example(schema);
        return vec![
            "x".into(),
            "xyz_".into(),
            format!("xyz_{REST}"),
            format!("{own}0"),
            own.to_uppercase(),
            "%C3%A9".into(),
            "%ff".into(),
        ];
    }
    if schema["type"] == "integer" {
        let most = schema["maximum"].as_f64().unwrap() as u64 + 1;
        let fixed = ["", "many", "-1", "1.5", "0x1", "1e3", "99999999999999999999999", "%00", "%C3%A9"].map(str::to_owned);
        return fixed.into_iter().chain([most.to_string()]).collect();
    }
    let mut wrong = vec!["x".repeat(schema["maxLength"].as_u64().unwrap() as usize + 1)];
    wrong.extend(schema["minLength"].as_u64().map(|_| String::new()));
    wrong
}

/// A value that the schema takes.
fn example(schema: &Value) -> String {
    match schema["pattern"].as_str() {
        Some(pattern) => format!("{}_{REST}", pattern.trim_start_matches('^').split('_').next().unwrap()),
        None => "1".to_owned(),
    }
}

/// The address with `value` for `name`, and what else the operation must be given.
fn request(path: &str, parameters: &[Value], name: &str, value: &str) -> (String, Vec<(String, String)>) {
    let (mut uri, mut query, mut headers) = (path.to_owned(), Vec::new(), Vec::new());
    for parameter in parameters {
        let own = parameter["name"].as_str().unwrap();
        if own != name && parameter["required"] != true {
            continue;
        }
        let value = if own == name { value.to_owned() } else { example(&parameter["schema"]) };
        match parameter["in"].as_str().unwrap() {
            "path" => uri = uri.replace(&format!("{{{own}}}"), &value),
            "query" => query.push(format!("{own}={value}")),
            _ => headers.push((own.to_owned(), value)),
        }
    }
    (format!("{uri}?{}", query.join("&")).trim_end_matches('?').to_owned(), headers)
}
