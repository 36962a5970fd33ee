//! How is a trend drawn in the space of a word? As a line.

use askama::Template;
use askama::filters::HtmlSafe;

use super::Percent;

/// The height of the drawing, of which the width is 100.
const HEIGHT: u64 = 24;
/// Room above and below for the width of the line.
const ROOM: u64 = 2;

/// A trend.
#[derive(Clone, Debug, Template)]
#[template(path = "plot/sparkline.html")]
pub(in crate::http::console) struct Sparkline {
    /// What it shows, in words that say as much as the line: "Issued in the last 24 hours: 1,204".
    pub title: String,
    /// The values, oldest first.
    pub values: Vec<u64>,
}

/// The template is escaped where it writes text.
impl HtmlSafe for Sparkline {}

impl Sparkline {
    /// The points of the line; a single value is a level one.
    fn points(&self) -> String {
        let most = self.values.iter().copied().max().unwrap_or_default();
        let values = match self.values.as_slice() {
            [] => &[0, 0],
            &[only] => &[only, only],
            values => values,
        };
        let last = u64::try_from(values.len() - 1).unwrap_or(1);
        let point = |(value, place): (&u64, u64)| {
            let across = Percent::of(place, last).0;
            let down = (HEIGHT - ROOM) * 1000 - Percent::of(*value, most).0 * (HEIGHT - 2 * ROOM) / 100;
            format!("{}.{:03},{}.{:03}", across / 1000, across % 1000, down / 1000, down % 1000)
        };
        values.iter().zip(0..).map(point).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[u64]) -> Sparkline {
        Sparkline { title: "\"<trend>\"".to_owned(), values: values.to_vec() }
    }

    #[test]
    fn nothing_and_a_single_value_are_level() {
        assert_eq!(line(&[]).points(), "0.000,22.000 100.000,22.000");
        assert_eq!(line(&[7]).points(), "0.000,2.000 100.000,2.000");
        assert_eq!(line(&[0, 0]).points(), "0.000,22.000 100.000,22.000");
    }

    #[test]
    fn goes_from_edge_to_edge_and_from_bottom_to_top() {
        assert_eq!(line(&[0, 5, 10]).points(), "0.000,22.000 50.000,12.000 100.000,2.000");
        assert_eq!(line(&[u64::MAX, 0]).points(), "0.000,2.000 100.000,22.000");
    }

    #[test]
    fn text_is_escaped() {
        let drawn = line(&[1, 2]).render().unwrap();
        assert!(!drawn.contains("<trend>") && drawn.contains("aria-label=\"&#34;&#60;trend"), "{drawn}");
    }
}
