//! What does a page say, to a test that reads its text?

/// What somebody types who is up to no good.
pub const HOSTILE: &str = "<img src=x onerror=alert(1)>";

/// The value of a hidden field.
pub fn hidden(text: &str, name: &str) -> String {
    let opening = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    let at = text.find(&opening).unwrap_or_else(|| panic!("no {name} in {text}")) + opening.len();
    text[at..].split('"').next().expect("a value").to_owned()
}

/// What is said to be wrong with a field, beside it.
pub fn field_error(text: &str, name: &str) -> String {
    let opening = format!("id=\"f-{name}-error\"");
    let at = text.find(&opening).unwrap_or_else(|| panic!("nothing is wrong with {name} in {text}"));
    text[at..].split("</p>").next().expect("a text").to_owned()
}

/// Makes sure that [`HOSTILE`] stands in the page as text.
pub fn escaped(text: &str) {
    assert!(!text.contains("<img"), "{text}");
    assert!(text.contains("&#60;img src=x onerror=alert(1)"), "{text}");
}
