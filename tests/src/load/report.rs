//! Figures for people, or for a program.

use serde_json::{Map, Value};

/// Prints each finding as a line as soon as it is known, or all of them as one JSON object at the end.
#[derive(Debug)]
pub struct Report(Option<Map<String, Value>>);

impl Report {
    pub fn new(as_json: bool) -> Self {
        Report(as_json.then(Map::new))
    }

    /// One finding: its name and figures, and the same in words.
    pub fn add(&mut self, name: &str, figures: Value, words: impl FnOnce() -> String) {
        match &mut self.0 {
            Some(all) => {
                all.insert(name.to_owned(), figures);
            }
            None => println!("{}", words()),
        }
    }

    pub fn end(self) {
        if let Some(all) = self.0 {
            println!("{}", Value::Object(all));
        }
    }
}
