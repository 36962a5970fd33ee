//! How is a count by the day or the hour drawn? As a bar for each: what was issued, and on it what was refused.

use askama::Template;
use askama::filters::HtmlSafe;

use super::{Percent, axis_end, grouped};

/// The widest bar.
const WIDEST: u64 = 5 * Percent::WHOLE / 100;
/// The least of a bar that is not nothing: it must be seen.
const LEAST: u64 = Percent::WHOLE / 100;

/// Bars over time.
#[derive(Clone, Debug, Template)]
#[template(path = "plot/bars.html")]
pub(in crate::http::console) struct Bars {
    /// The id of the plot, of which there is one on a page.
    pub id: String,
    /// What is plotted: "Tokens issued and requests refused by the day".
    pub title: String,
    /// What each bar stands for: "Day".
    pub unit: String,
    /// The bars, oldest first.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Clone, Debug)]
pub(in crate::http::console) struct Bar {
    /// When: "30 Nov".
    pub label: String,
    /// How many tokens were issued.
    pub issued: u64,
    /// How many requests were refused.
    pub refused: u64,
}

/// The template is escaped where it writes text.
impl HtmlSafe for Bars {}

/// Where a bar is drawn.
struct Column<'a> {
    bar: &'a Bar,
    slot: Percent,
    slot_width: Percent,
    left: Percent,
    width: Percent,
    issued_top: Percent,
    issued_height: Percent,
    refused_top: Percent,
    refused_height: Percent,
}

impl Bars {
    fn columns(&self) -> Vec<Column<'_>> {
        let count = self.count();
        let slot_width = Percent::of(1, count);
        let width = Percent((slot_width.0 * 3 / 4).min(WIDEST));
        let end = self.end();
        let height = |value: u64| Percent(if value == 0 { 0 } else { Percent::of(value, end).0.max(LEAST) });
        let place = |(bar, place): (_, u64)| {
            let bar: &Bar = bar;
            let slot = Percent::of(place, count);
            let (issued_height, refused_height) = (height(bar.issued), height(bar.refused));
            let issued_top = Percent(Percent::WHOLE).minus(issued_height);
            Column {
                bar,
                slot,
                slot_width,
                left: Percent(slot.0 + slot_width.minus(width).0 / 2),
                width,
                issued_top,
                issued_height,
                refused_top: issued_top.minus(refused_height),
                refused_height,
            }
        };
        self.bars.iter().zip(0..).map(place).collect()
    }

    fn count(&self) -> u64 {
        u64::try_from(self.bars.len()).unwrap_or(u64::MAX)
    }

    fn end(&self) -> u64 {
        axis_end(self.bars.iter().map(|bar| bar.issued.saturating_add(bar.refused)).max().unwrap_or_default())
    }

    /// The figures on the axis, highest first; a half is only written where it is a whole number.
    fn ticks(&self) -> Vec<String> {
        let end = self.end();
        let half = if end.is_multiple_of(2) { grouped(end / 2) } else { String::new() };
        vec![grouped(end), half, "0".to_owned()]
    }

    /// The first, the middle and the last time.
    fn marks(&self) -> Vec<&str> {
        let last = self.bars.len().saturating_sub(1);
        let mut places = vec![0, last / 2, last];
        places.dedup();
        places.into_iter().filter_map(|place| self.bars.get(place)).map(|bar| bar.label.as_str()).collect()
    }

    fn issued(&self) -> String {
        grouped(self.bars.iter().fold(0, |sum, bar| sum.saturating_add(bar.issued)))
    }

    fn refused(&self) -> String {
        grouped(self.bars.iter().fold(0, |sum, bar| sum.saturating_add(bar.refused)))
    }
}

impl Bar {
    fn issued_words(&self) -> String {
        grouped(self.issued)
    }

    fn refused_words(&self) -> String {
        grouped(self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(figures: &[(u64, u64)]) -> Bars {
        let bar =
            |(issued, refused): &(u64, u64)| Bar { label: "<1 Nov>".to_owned(), issued: *issued, refused: *refused };
        Bars {
            id: "days".to_owned(),
            title: "Tokens & refusals".to_owned(),
            unit: "Day".to_owned(),
            bars: figures.iter().map(bar).collect(),
        }
    }

    #[test]
    fn no_bars_are_said_in_words() {
        let drawn = bars(&[]).render().unwrap();
        assert!(!drawn.contains("<svg") && drawn.contains("Nothing to plot yet"), "{drawn}");
    }

    #[test]
    fn one_bar_stands_in_the_middle_and_reaches_the_axis_end() {
        let drawn = bars(&[(10, 0)]).render().unwrap();
        assert!(drawn.contains(r#"x="47.500%" y="0.000%" width="5.000%" height="100.000%""#), "{drawn}");
        assert!(drawn.contains("10 issued, 0 refused"), "{drawn}");
    }

    #[test]
    fn refused_are_drawn_on_issued() {
        let plot = bars(&[(6, 4), (0, 0), (1, 0)]);
        let columns = plot.columns();
        assert_eq!((columns[0].issued_top, columns[0].refused_top), (Percent(40_000), Percent(0)));
        assert_eq!((columns[1].issued_height, columns[1].refused_height), (Percent(0), Percent(0)));
        assert_eq!(plot.marks().len(), 3);
    }

    #[test]
    fn huge_numbers_fit_and_small_ones_beside_them_are_seen() {
        let plot = bars(&[(u64::MAX, u64::MAX), (1, 1)]);
        assert!(
            plot.columns().iter().all(|column| column.issued_height.0 >= LEAST && column.refused_height.0 >= LEAST)
        );
        assert!(plot.render().unwrap().contains("18,446,744,073,709,551,615"));
    }

    #[test]
    fn text_is_escaped_and_nothing_is_styled_in_place() {
        let drawn = bars(&[(1, 1)]).render().unwrap();
        assert!(
            !drawn.contains("<1 Nov>") && drawn.contains("&#60;1 Nov&#62;") && !drawn.contains("style="),
            "{drawn}"
        );
    }
}
