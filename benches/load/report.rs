//! How are results kept and shown? A file for each section, and from all of them one report and one picture.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::picture;
use super::sections::SECTIONS;
use super::table::Table;

/// What a section found, and where and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SectionReport {
    /// Its name on the command line.
    pub(crate) section: String,
    /// Which question it answers.
    pub(crate) question: String,
    /// The machine.
    pub(crate) machine: Machine,
    /// When it ended (UTC).
    pub(crate) date: jiff::Timestamp,
    /// How many rounds.
    pub(crate) rounds: usize,
    /// How long a run of a contender took, in seconds.
    pub(crate) seconds: f64,
    /// The figures.
    pub(crate) tables: Vec<Table>,
}

/// Where results lie.
pub(crate) struct Reports {
    directory: PathBuf,
}

impl Reports {
    /// In this directory.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory.join("sections"))?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// Keeps what a section found in place of what it found before, and writes report and picture anew.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(crate) fn keep(&self, report: &SectionReport) -> anyhow::Result<()> {
        std::fs::write(self.section_file(&report.section), serde_json::to_vec_pretty(report)?)?;
        let all = self.all()?;
        std::fs::write(self.directory.join("report.json"), serde_json::to_vec_pretty(&all)?)?;
        std::fs::write(self.directory.join("report.md"), markdown(&all))?;
        if let Some(picture) = picture::draw(&all) {
            std::fs::write(self.directory.join("report.svg"), picture)?;
        }
        Ok(())
    }

    /// Copies the picture to where the documentation shows it.
    ///
    /// # Errors
    /// If there is none, or it cannot be written.
    pub(crate) fn publish(&self, to: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(to)?;
        let picture = self.directory.join("report.svg");
        std::fs::copy(&picture, to.join("performance.svg")).context("there is no picture yet: run tokens or peers")?;
        Ok(())
    }

    fn section_file(&self, section: &str) -> PathBuf {
        self.directory.join("sections").join(format!("{section}.json"))
    }

    fn all(&self) -> anyhow::Result<Vec<SectionReport>> {
        let mut found = Vec::new();
        for section in SECTIONS {
            let file = self.section_file(section.name);
            if !file.exists() {
                continue;
            }
            match serde_json::from_slice(&std::fs::read(&file)?) {
                Ok(report) => found.push(report),
                Err(cause) => super::say(format_args!("{} is of another version, left out: {cause}", file.display())),
            }
        }
        Ok(found)
    }
}

/// The whole report, in the order of the sections.
fn markdown(reports: &[SectionReport]) -> String {
    let mut text =
        "# Load report\n\nMedian of the rounds, in brackets the quartiles. ✓ and ✗ compare the median with what is \
         wanted. Ratios compare contenders of the same round; absolute figures belong to their machine.\n"
            .to_owned();
    for report in reports {
        let SectionReport { section, question, machine, date, rounds, seconds, tables } = report;
        // Writing to a string cannot fail.
        let _ = write!(text, "\n## {section}: {question}\n\n{machine}.\n{date:.0}; {rounds} rounds of {seconds} s.\n");
        for table in tables {
            let _ = write!(text, "\n### {}\n\n{}", table.title, markdown_table(table));
            for note in &table.notes {
                let _ = write!(text, "\n- {note}");
            }
            if !table.notes.is_empty() {
                text.push('\n');
            }
        }
    }
    text
}

fn markdown_table(table: &Table) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = row(&table.columns);
    text.push_str(&row(&vec!["---".to_owned(); table.columns.len()]));
    for line in &table.rows {
        let cells = line.cells.iter().map(ToString::to_string);
        text.push_str(&row(&std::iter::once(line.label.clone()).chain(cells).collect::<Vec<_>>()));
    }
    text
}

/// The table for the terminal.
pub(crate) fn terminal_table(table: &Table) -> String {
    let mut shown = comfy_table::Table::new();
    shown.load_style(comfy_table::presets::NOTHING);
    shown.set_header(&table.columns);
    for row in &table.rows {
        let cells = row.cells.iter().map(ToString::to_string);
        shown.add_row(std::iter::once(row.label.clone()).chain(cells));
    }
    let notes: String = table.notes.iter().fold(String::new(), |text, note| text + "  - " + note + "\n");
    format!("\n{}\n{shown}\n{notes}", table.title)
}
