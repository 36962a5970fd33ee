//! What does a section hand over? Tables of figures, each with what was wanted.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::statistics::{Spread, spread};

/// A table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Table {
    /// What it shows.
    pub(crate) title: String,
    /// The heads of the columns, the first that of the labels.
    pub(crate) columns: Vec<String>,
    /// The rows.
    pub(crate) rows: Vec<Row>,
    /// What a reader must know to read it right.
    pub(crate) notes: Vec<String>,
}

/// A row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) label: String,
    /// One cell for each column after the first.
    pub(crate) cells: Vec<Cell>,
}

/// A cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cell {
    /// The median of the rounds with its quartiles.
    Figure {
        /// The rounds.
        spread: Spread,
        /// How many digits after the point mean something.
        digits: usize,
        /// What was wanted.
        wanted: Option<Wanted>,
    },
    /// Words.
    Text(String),
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        Self { title: title.into(), columns, rows: Vec::new(), notes: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, label: impl Into<String>, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row { label: label.into(), cells: cells.into_iter().collect() });
    }

    /// Adds a note.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }
}

impl Cell {
    /// A figure of which nothing is wanted.
    pub(crate) fn figure(rounds: &[f64], digits: usize) -> Self {
        match spread(rounds) {
            Some(spread) => Self::Figure { spread, digits, wanted: None },
            None => Self::Text("–".to_owned()),
        }
    }

    /// A single figure.
    pub(crate) fn one(value: f64, digits: usize) -> Self {
        Self::figure(&[value], digits)
    }

    /// A ratio that should be this or more.
    pub(crate) fn at_least(rounds: &[f64], least: f64) -> Self {
        Self::figure(rounds, 3).wanted(Wanted::AtLeast(least))
    }

    /// A ratio that should be this or less.
    pub(crate) fn at_most(rounds: &[f64], most: f64) -> Self {
        Self::figure(rounds, 3).wanted(Wanted::AtMost(most))
    }

    /// Words.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The same with so many digits after the point.
    pub(crate) fn digits(self, digits: usize) -> Self {
        match self {
            Self::Figure { spread, wanted, .. } => Self::Figure { spread, digits, wanted },
            Self::Text(_) => self,
        }
    }

    fn wanted(self, wanted: Wanted) -> Self {
        match self {
            Self::Figure { spread, digits, .. } => Self::Figure { spread, digits, wanted: Some(wanted) },
            Self::Text(_) => self,
        }
    }
}

impl Wanted {
    fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(formatter, "≥ {}", rounded(*least)),
            Self::AtMost(most) => write!(formatter, "≤ {}", rounded(*most)),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spread, digits, wanted) = match self {
            Self::Text(text) => return formatter.write_str(text),
            Self::Figure { spread, digits, wanted } => (spread, *digits, wanted),
        };
        let Spread { median, low, high } = spread;
        write!(formatter, "{median:.digits$}")?;
        if format!("{low:.digits$}") != format!("{high:.digits$}") {
            write!(formatter, " ({low:.digits$}–{high:.digits$})")?;
        }
        match wanted {
            Some(wanted) if wanted.is_met_by(*median) => write!(formatter, " ✓ {wanted}"),
            Some(wanted) => write!(formatter, " ✗ {wanted}"),
            None => Ok(()),
        }
    }
}

/// With three digits at most.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
