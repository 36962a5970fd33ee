//! Which questions are asked?

mod clients;
mod documents;
mod first_use;
mod flood;
mod overload;
mod peers;
mod reuse;
mod startup;
mod tokens;
mod whoami;

use super::arguments::Arguments;
use super::contender::Workshop;
use super::machine::Machine;
use super::peer::Peers;
use super::table::Table;

/// What a section is given.
pub(crate) struct Bench<'a> {
    /// What was asked for.
    pub(crate) arguments: &'a Arguments,
    /// Where contenders live.
    pub(crate) workshop: &'a Workshop,
    /// Where other servers are installed.
    pub(crate) peers: &'a Peers,
    /// The machine.
    pub(crate) machine: &'a Machine,
}

/// A section.
pub(crate) struct Section {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Which question it answers.
    pub(crate) question: &'static str,
    /// Answers it.
    pub(crate) run: fn(&Bench<'_>) -> anyhow::Result<Vec<Table>>,
}

/// All of them, in the order of the report.
pub(crate) const SECTIONS: &[Section] = &[
    Section { name: "tokens", question: "how near is a token to its signature?", run: tokens::run_section },
    Section { name: "first-use", question: "what does the first token of a client cost?", run: first_use::run_section },
    Section {
        name: "whoami",
        question: "how near is a verified request to its verification?",
        run: whoami::run_section,
    },
    Section { name: "documents", question: "what do the JWK Set and the metadata cost?", run: documents::run_section },
    Section { name: "clients", question: "what grows with the number of clients?", run: clients::run_section },
    Section {
        name: "startup",
        question: "how soon is the first token there, and in how much memory?",
        run: startup::run_section,
    },
    Section { name: "overload", question: "what happens beyond capacity?", run: overload::run_section },
    Section { name: "flood", question: "does a flood of wrong secrets move right ones?", run: flood::run_section },
    Section { name: "reuse", question: "what does handing tokens out again gain?", run: reuse::run_section },
    Section { name: "peers", question: "where do others stand?", run: peers::run_section },
];
