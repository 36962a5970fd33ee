//! How do the figures look? Bars: tokens per CPU-second as a share of a bare signature.

use std::fmt::Write as _;

use super::report::SectionReport;
use super::table::{Cell, Table};

/// The title of the tables that are drawn; their first column of figures holds the shares.
pub(crate) const SHARES: &str = "Tokens per CPU-second as a share of a bare signature";

const WIDTH: f64 = 800.0;
const LABELS: f64 = 330.0;
const BARS: f64 = 400.0;
const ROW: f64 = 26.0;
const TOP: f64 = 66.0;

/// The picture as SVG; none without such a table.
pub(crate) fn draw(reports: &[SectionReport]) -> Option<String> {
    let tables = reports.iter().flat_map(|report| &report.tables).filter(|table| table.title.starts_with(SHARES));
    let mut bars: Vec<(String, f64)> = Vec::new();
    for (label, share) in tables.flat_map(shares) {
        // Two sections measure the product itself; the one with the peers comes last, and is the one to compare them with.
        bars.retain(|(known, _)| *known != label);
        bars.push((label, share));
    }
    if bars.is_empty() {
        return None;
    }
    bars.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let machine = reports.first().map(|report| report.machine.to_string()).unwrap_or_default();
    // What openssl says of its library would not fit.
    let machine = escape(machine.split(" (Library").next().unwrap_or_default());
    let height = TOP + ROW * f64::from(u16::try_from(bars.len()).ok()?) + 40.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{SHARES}\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"16\" font-weight=\"600\" fill=\"#1b1f24\">{SHARES}</text>\n\
         <text x=\"16\" y=\"45\" font-size=\"11\" fill=\"#57606a\">16 connections, one core; 1.0 would be a server that does \
         nothing but sign</text>\n"
    );
    for (row, (label, share)) in bars.iter().enumerate() {
        let y = TOP + ROW * f64::from(u16::try_from(row).ok()?);
        let fill = if label.starts_with("Tokenhouse") { "#0969da" } else { "#8c959f" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\" fill=\"#1b1f24\">{}</text>\
             <rect x=\"{LABELS}\" y=\"{y:.0}\" width=\"{:.1}\" height=\"18\" rx=\"2\" fill=\"{fill}\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\" fill=\"#1b1f24\">{share:.2}</text>",
            LABELS - 8.0,
            y + 13.5,
            escape(label),
            BARS * share.clamp(0.0, 1.05),
            LABELS + BARS * share.clamp(0.0, 1.05) + 6.0,
            y + 13.5,
        );
    }
    let _ = write!(
        svg,
        "<line x1=\"{0}\" y1=\"{1}\" x2=\"{0}\" y2=\"{2:.0}\" stroke=\"#57606a\" stroke-dasharray=\"3 3\"/>\n\
         <text x=\"16\" y=\"{3:.0}\" font-size=\"11\" fill=\"#57606a\">{machine}</text>\n</svg>\n",
        LABELS + BARS,
        TOP - 8.0,
        height - 34.0,
        height - 14.0
    );
    Some(svg)
}

fn shares(table: &Table) -> impl Iterator<Item = (String, f64)> {
    table.rows.iter().filter_map(|row| match row.cells.first()? {
        Cell::Figure { spread, .. } => Some((row.label.clone(), spread.median)),
        Cell::Text(_) => None,
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
