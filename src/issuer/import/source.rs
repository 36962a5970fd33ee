//! What is read, and how is its text parsed? JSON as its writers really write it, and YAML.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::issuer::document::syntax::{describe, yaml_options};

/// A file of an export.
#[derive(Debug)]
pub struct SourceFile {
    /// Its path, for messages.
    pub name: String,
    /// Its text: it may hold secrets.
    pub text: Zeroizing<String>,
}

/// Why an export cannot be imported. No text repeats a value of it.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is neither JSON nor YAML.
    #[error("{file}: {what}")]
    Syntax {
        /// Which file.
        file: String,
        /// What is wrong, and where.
        what: String,
    },
    /// A member holds something else than belongs there.
    #[error("{place}: {member} must be {expected}")]
    Member {
        /// The file, and the place in it.
        place: String,
        /// The member's name.
        member: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A member that must be there is not.
    #[error("{place}: {member} is missing")]
    Missing {
        /// The file, and the place in it.
        place: String,
        /// The member's name.
        member: String,
    },
    /// It is something else.
    #[error("{file}: this is no export of {product}: {expected}")]
    NotAnExport {
        /// Which file.
        file: String,
        /// Of which product it should be.
        product: &'static str,
        /// What was looked for.
        expected: &'static str,
    },
    /// Auth0's keywords were not given.
    #[error(
        "{place}: no value for the keyword{} {}: give --mapping FILE with AUTH0_KEYWORD_REPLACE_MAPPINGS",
        if .keywords.len() == 1 { "" } else { "s" },
        .keywords.join(", ")
    )]
    MissingKeywords {
        /// Where the first stands.
        place: String,
        /// Which are missing.
        keywords: Vec<String>,
    },
    /// Two objects that only their name tells apart have the same.
    #[error("{0}")]
    Ambiguous(String),
    /// There are scopes of no API.
    #[error(
        "scopes of {clients} client(s) belong to no API ({scopes}): a token of Tokenhouse is for one API, so \
         give --audience with the identifier of the API that they are for{hint}"
    )]
    AudienceNeeded {
        /// How many clients.
        clients: usize,
        /// Some of the scopes.
        scopes: String,
        /// How the product did without.
        hint: &'static str,
    },
}

impl SourceFile {
    /// A file.
    pub fn new(name: impl Into<String>, text: String) -> Self {
        // .NET writes a byte order mark before its JSON.
        let text = Zeroizing::new(text);
        let name = name.into();
        match text.strip_prefix('\u{feff}') {
            Some(rest) => Self { name, text: Zeroizing::new(rest.to_owned()) },
            None => Self { name, text },
        }
    }

    /// The text as JSON; comments and commas too many, which .NET allows, are forgiven.
    pub(super) fn json(&self) -> Result<Value, ImportError> {
        serde_json::from_str(&self.text)
            .or_else(|_| serde_json::from_str(&Zeroizing::new(without_comments(&self.text))))
            .map_err(|error| self.syntax(&error))
    }

    /// The text as JSON, or as one JSON value in each line, as databases write rows.
    pub(super) fn json_or_lines(&self) -> Result<Value, ImportError> {
        let whole = self.json();
        let lines = || self.text.lines().filter(|line| !line.trim().is_empty());
        if whole.is_ok() || lines().count() < 2 {
            return whole;
        }
        lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>().map(Value::Array).or(whole)
    }

    /// The text as YAML, of which JSON is a part.
    pub(super) fn yaml(&self) -> Result<Value, ImportError> {
        serde_saphyr::from_str_with_options(&self.text, yaml_options(&self.text))
            .map_err(|error| ImportError::Syntax { file: self.name.clone(), what: describe(&error) })
    }

    fn syntax(&self, error: &serde_json::Error) -> ImportError {
        // serde_json's words about syntax quote nothing.
        let what =
            if self.text.trim().is_empty() { "the file is empty".to_owned() } else { format!("no JSON: {error}") };
        ImportError::Syntax { file: self.name.clone(), what }
    }
}

/// `text` without `//` and `/* */` comments and without commas before a closing bracket. Line breaks stay, so that
/// errors name the right line.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut in_string = false;
    while let Some(character) = rest.next() {
        match (in_string, character, rest.peek()) {
            (true, '\\', Some(_)) => {
                kept.push(character);
                kept.extend(rest.next());
                continue;
            }
            (_, '"', _) => in_string = !in_string,
            (false, '/', Some('/')) => {
                while rest.next_if(|next| *next != '\n').is_some() {}
                continue;
            }
            (false, '/', Some('*')) => {
                let mut last = ' ';
                for next in rest.by_ref().skip(1) {
                    if next == '\n' {
                        kept.push('\n');
                    }
                    if last == '*' && next == '/' {
                        break;
                    }
                    last = next;
                }
                continue;
            }
            (false, '}' | ']', _) => {
                let end = kept.trim_end();
                if end.ends_with(',') {
                    let comma = end.len() - 1;
                    kept.replace_range(comma..=comma, " ");
                }
            }
            _ => {}
        }
        kept.push(character);
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn file(text: &str) -> SourceFile {
        SourceFile::new("f.json", text.to_owned())
    }

    #[test]
    fn the_json_of_dotnet_is_read() {
        let text =
            "\u{feff}{ // the clients\n \"a\": \"// no, /* no */ comment\\\"\", /* b\n c */ \"d\": [1, 2,\n],\n}";
        assert_eq!(file(text).json().unwrap(), json!({"a": "// no, /* no */ comment\"", "d": [1, 2]}));
    }

    #[test]
    fn rows_in_lines_are_an_array() {
        assert_eq!(file("{\"a\":1}\n\n{\"a\":2}\n").json_or_lines().unwrap(), json!([{"a":1},{"a":2}]));
        assert_eq!(file("{\"a\":\n1}").json_or_lines().unwrap(), json!({"a":1}));
    }

    #[test]
    fn a_mistake_names_the_file_and_the_line() {
        let told = file("{\n\"secret\": \"canary\" x}").json().unwrap_err().to_string();
        assert!(told.starts_with("f.json: no JSON") && told.contains("line 2") && !told.contains("canary"), "{told}");
        assert!(file(" ").json().unwrap_err().to_string().contains("empty"));
        let told = file("a: 'canary\nb: ]").yaml().unwrap_err().to_string();
        assert!(told.starts_with("f.json: line") && !told.contains("canary"), "{told}");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = (file(&text).json_or_lines(), file(&text).yaml());
        }

        #[test]
        fn no_nearly_json_panics(text in r#"[\[\]{}",:/* \\\na-c1]{0,60}"#) {
            let _ = file(&text).json_or_lines();
        }
    }
}
