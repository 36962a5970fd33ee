//! The load bench: how near is the server to its limits, under which load does it stand, and where do others stand?
//!
//! `benches/README.md` says how figures are taken.
//!
//! | file | question |
//! |---|---|
//! | `arguments` | what is asked for on the command line? |
//! | `machine` | which machine do the figures come from? |
//! | `roles/` | as whom does this executable run? |
//! | `contender` | how is Tokenhouse set up, with the floor and the bare signature beside it? |
//! | `peer` | which other servers run beside it, and how are they installed and started? |
//! | `process` | how is a server started on its core, watched and ended? |
//! | `generator/` | how is a server loaded? |
//! | `measure` | what does one run of one contender cost and take? |
//! | `statistics` | what do the rounds say together? |
//! | `sections/` | which questions are asked? |
//! | `table`, `report`, `picture` | how are results handed over, kept and drawn? |

mod arguments;
mod contender;
mod generator;
mod machine;
mod measure;
mod peer;
mod picture;
mod process;
mod report;
mod roles;
mod sections;
mod statistics;
mod table;

use std::fmt::Display;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use tokenhouse::clock::{Clock as _, SystemClock};

use arguments::Arguments;
use contender::Workshop;
use machine::Machine;
use peer::Peers;
use report::{Reports, SectionReport, terminal_table};
use sections::{Bench, SECTIONS, Section};

/// The picture of the documentation.
const IMAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/images");

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = roles::run(&args).unwrap_or_else(|| measure_all(&args));
    done.unwrap_or_else(|error| {
        say(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

fn measure_all(args: &[String]) -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse(args)?;
    let machine = Machine::here()?;
    machine::keep_to_generator_core()?;
    machine::allow_many_connections()?;
    let directory = target_directory()?;
    let workshop = Workshop::open(&directory.join("run"))?;
    let reports = Reports::open(&directory)?;
    say(&machine);
    let peers = Peers::open(&directory.join("peers"))?;
    let bench = Bench { arguments: &arguments, workshop: &workshop, peers: &peers, machine: &machine };
    let mut failed = false;
    for section in SECTIONS.iter().filter(|section| arguments.wants(section.name)) {
        // One section that cannot run must not take the figures of the others with it.
        if let Err(cause) = measure_section(section, &bench, &reports) {
            say(format_args!("error: {}: {cause:#}", section.name));
            failed = true;
        }
    }
    if arguments.publishes {
        reports.publish(Path::new(IMAGES))?;
    }
    say(format_args!("\n{}, report.json and report.svg have it all", directory.join("report.md").display()));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn measure_section(section: &Section, bench: &Bench<'_>, reports: &Reports) -> anyhow::Result<()> {
    say(format_args!("\n{}: {}", section.name, section.question));
    let began = Instant::now();
    let tables = (section.run)(bench)?;
    for table in &tables {
        say(terminal_table(table));
    }
    say(format_args!("{} took {:.0} s", section.name, began.elapsed().as_secs_f64()));
    let date = jiff::Timestamp::from_millisecond(SystemClock.now().0)?;
    reports.keep(&SectionReport {
        section: section.name.to_owned(),
        question: section.question.to_owned(),
        machine: bench.machine.clone(),
        date,
        rounds: bench.arguments.rounds,
        seconds: bench.arguments.seconds,
        tables,
    })
}

/// `target/load`, wherever cargo puts its output.
fn target_directory() -> anyhow::Result<std::path::PathBuf> {
    // target/release/deps/load-…
    let executable = std::env::current_exe()?;
    let target = executable.ancestors().nth(3).ok_or_else(|| anyhow::anyhow!("this was not built by cargo"))?;
    Ok(target.join("load"))
}

/// Tells the user something.
fn say(text: impl Display) {
    // A terminal that has gone is no reason to stop measuring.
    let _ = writeln!(std::io::stderr(), "{text}");
}
