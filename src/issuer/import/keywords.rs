//! What stands for Auth0's `##KEYWORD##` and `@@KEYWORD@@`? The values of AUTH0_KEYWORD_REPLACE_MAPPINGS.

use serde_json::{Map, Value};

use super::source::{ImportError, SourceFile};

/// Longest keyword, in bytes.
const MAX_KEYWORD: usize = 128;

/// Stands around a keyword without a value: as `##…##` it could begin a comment and be lost.
const LEFT: char = '\u{e000}';

/// The value of each keyword.
#[derive(Clone, Debug, Default)]
pub struct KeywordMappings(Map<String, Value>);

impl KeywordMappings {
    /// Reads the mappings: the object itself, or a deploy CLI configuration that holds it.
    ///
    /// # Errors
    /// If it is no JSON object.
    pub fn read(file: &SourceFile) -> Result<Self, ImportError> {
        let Value::Object(mut members) = file.json()? else {
            return Err(ImportError::NotAnExport {
                file: file.name.clone(),
                product: "the deploy CLI's configuration",
                expected: "an object of keywords and values, or one with AUTH0_KEYWORD_REPLACE_MAPPINGS",
            });
        };
        match members.remove("AUTH0_KEYWORD_REPLACE_MAPPINGS") {
            Some(Value::Object(mappings)) => Ok(Self(mappings)),
            Some(_) => Err(ImportError::Member {
                place: file.name.clone(),
                member: "AUTH0_KEYWORD_REPLACE_MAPPINGS".to_owned(),
                expected: "an object",
            }),
            None => Ok(Self(members)),
        }
    }

    /// `text` with the values in the place of the keywords, before it is parsed, as the deploy CLI does it: `@@…@@`
    /// becomes JSON, with its quotes if it has any, `##…##` the text of the value. Keywords without a value stay, marked
    /// so that the text can be parsed and they are found again.
    pub(super) fn replace(&self, text: &str) -> String {
        let json = replaced(text, "@@", |before, keyword, after| {
            let quote = ['"', '\''].into_iter().find(|quote| before.ends_with(*quote) && after.starts_with(*quote));
            match self.0.get(keyword) {
                Some(value) => Replacement { text: value.to_string(), takes_quotes: quote.is_some() },
                None if quote.is_some() => Replacement { text: left(keyword), takes_quotes: false },
                None => Replacement { text: format!("\"{}\"", left(keyword)), takes_quotes: false },
            }
        });
        replaced(&json, "##", |before, keyword, _| {
            let begins_line = before.rsplit('\n').next().is_some_and(|line| line.trim().is_empty());
            let text = match self.0.get(keyword) {
                // A comment: nothing else of YAML begins a line so.
                None if begins_line => format!("##{keyword}##"),
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
                None => left(keyword),
            };
            Replacement { text, takes_quotes: false }
        })
    }
}

fn left(keyword: &str) -> String {
    format!("{LEFT}{keyword}{LEFT}")
}

struct Replacement {
    text: String,
    takes_quotes: bool,
}

fn replaced(text: &str, mark: &str, replace: impl Fn(&str, &str, &str) -> Replacement) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once(mark) {
        kept.push_str(before);
        let Some((keyword, after)) = keyword_of(tail, mark) else {
            kept.push_str(mark);
            rest = tail;
            continue;
        };
        let replacement = replace(before, keyword, after);
        rest = after;
        if replacement.takes_quotes {
            kept.pop();
            rest = after.get(1..).unwrap_or_default();
        }
        kept.push_str(&replacement.text);
    }
    kept + rest
}

/// The keyword at the beginning of `tail`, and what follows its closing mark.
fn keyword_of<'t>(tail: &'t str, mark: &str) -> Option<(&'t str, &'t str)> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = tail.bytes().take(MAX_KEYWORD).take_while(word).count();
    let (keyword, after) = tail.split_at_checked(length)?;
    let after = after.strip_prefix(mark)?;
    (!keyword.is_empty()).then_some((keyword, after))
}

/// Collects the keywords that are left in `value`.
pub(super) fn left_keywords(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            // Between marks, and each second piece: a, mark, keyword, mark, b.
            for keyword in text.split(LEFT).skip(1).step_by(2) {
                if !found.iter().any(|known| known == keyword) {
                    found.push(keyword.to_owned());
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| left_keywords(item, found)),
        Value::Object(members) => members.values().for_each(|member| left_keywords(member, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn mappings() -> KeywordMappings {
        let file = json!({"AUTH0_DOMAIN": "t.auth0.com", "AUTH0_KEYWORD_REPLACE_MAPPINGS": {
            "ENV": "dev", "SCOPES": ["a", "b"], "LIFE": 3600
        }});
        KeywordMappings::read(&SourceFile::new("config.json", file.to_string())).unwrap()
    }

    #[test]
    fn keywords_are_replaced_as_the_deploy_cli_does() {
        let replaced = |text: &str| mappings().replace(text);
        assert_eq!(replaced("https://##ENV##.x/##ENV##"), "https://dev.x/dev");
        assert_eq!(replaced("a: @@SCOPES@@"), r#"a: ["a","b"]"#);
        assert_eq!(replaced(r#"{"a": "@@SCOPES@@", 'b': '@@LIFE@@'}"#), r#"{"a": ["a","b"], 'b': 3600}"#);
        assert_eq!(replaced("a: @@ENV@@"), r#"a: "dev""#);
        assert_eq!(replaced("\n  ##HEADING##\na: 1"), "\n  ##HEADING##\na: 1");
        assert_eq!(replaced("# ## heading ## @@ ###"), "# ## heading ## @@ ###");
    }

    #[test]
    fn a_keyword_without_a_value_stays_where_it_can_be_parsed_and_found() {
        let text = mappings().replace("a: @@GONE@@\nb: \"@@GONE@@\"\nc: ##LOST##-##ENV##\n");
        let value = SourceFile::new("f", text).yaml().unwrap();
        assert_eq!(value, json!({"a": left("GONE"), "b": left("GONE"), "c": format!("{}-dev", left("LOST"))}));
        let mut found = Vec::new();
        left_keywords(&value, &mut found);
        assert_eq!(found, ["GONE", "LOST"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[#@\"'A-Cä ]{0,40}") {
            mappings().replace(&text);
            left_keywords(&Value::String(text), &mut Vec::new());
        }
    }
}
