//! What was wrong with a form: one sentence a field, summed up at the head of the page.

use std::fmt::Display;

/// One sentence about one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Id of the input it belongs to; empty for the form as a whole.
    pub field: String,
    pub sentence: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub fn none() -> Problems {
        Problems::default()
    }
    /// About the form as a whole.
    pub fn whole(sentence: impl Display) -> Problems {
        Problems::of("", sentence)
    }
    pub fn of(field: &str, sentence: impl Display) -> Problems {
        let mut problems = Problems::none();
        problems.add(field, sentence);
        problems
    }
    pub fn add(&mut self, field: &str, sentence: impl Display) {
        self.0.push(Problem { field: field.to_owned(), sentence: sentence.to_string() });
    }
    /// Adds what is about fields of which nothing was said before.
    pub fn add_to_the_rest<'a>(&mut self, more: impl Iterator<Item = (&'a str, impl Display)>) {
        let said: Vec<String> = self.0.iter().map(|p| p.field.clone()).collect();
        for (field, sentence) in more.filter(|(field, _)| !said.iter().any(|one| one == field)) {
            self.add(field, sentence);
        }
    }
    /// The first sentence about a field; empty if it is fine.
    pub fn about(&self, field: &str) -> &str {
        self.0.iter().find(|p| p.field == field).map_or("", |p| &p.sentence)
    }
    /// Where the page has several forms with the same fields.
    pub fn renamed(mut self, name: impl Fn(&str) -> String) -> Problems {
        for problem in self.0.iter_mut().filter(|problem| !problem.field.is_empty()) {
            problem.field = name(&problem.field);
        }
        self
    }
    /// In the order in which `fields` stand on the page; what is about the whole form comes first.
    pub fn in_order_of(mut self, fields: &[&str]) -> Problems {
        self.0.sort_by_key(|p| fields.iter().position(|field| *field == p.field).map_or(0, |at| at + 1));
        self
    }
    pub fn list(&self) -> &[Problem] {
        &self.0
    }
    pub fn any(&self) -> bool {
        !self.0.is_empty()
    }
}
