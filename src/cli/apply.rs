//! `tokenhouse apply` and `tokenhouse export`: the configuration as one document.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::environment;
use super::exit::CliError;
use super::open::{caller, open, open_for_reading};
use super::output::{self, OutputFormat};
use super::{ConfigArgs, OutputArgs};
use crate::issuer::document::Document;
use crate::issuer::document::apply::{ApplyOptions, Origin};
use crate::issuer::document::export::export;
use crate::issuer::document::parse::{DocumentError, MAX_DOCUMENT_BYTES, SecretSources};

/// Makes the store say what a configuration document says: all of it or nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tokenhouse apply -f tokenhouse.yaml --dry-run")]
pub struct ApplyArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// The document, YAML or JSON; - is standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Only shows what would be done
    #[arg(long)]
    dry_run: bool,
    /// Deletes what the document lacks, but never the Management API and the last client that can manage
    #[arg(long)]
    prune: bool,
    /// Takes secrets of fewer than 16 characters, which can be guessed
    #[arg(long)]
    allow_weak_secrets: bool,
}

/// Writes the whole configuration as one document, with hashes, never secrets.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tokenhouse export > tokenhouse.yaml")]
pub struct ExportArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The form of the document
    #[arg(long, visible_alias = "output", value_enum, default_value_t = DocumentFormat::Yaml)]
    format: DocumentFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DocumentFormat {
    Yaml,
    Json,
}

/// Reads a document and fetches its secrets from the environment and from files.
///
/// # Errors
/// If it cannot be read, or is no document.
pub(super) fn read_document(path: &Path) -> Result<Document, CliError> {
    let text = read_text(path).map_err(|error| CliError::usage(format!("cannot read {}: {error}", path.display())))?;
    let in_file = |error: DocumentError| CliError::usage(format!("{}: {error}", path.display()));
    let mut document = Document::parse(&text).map_err(in_file)?;
    document.resolve_secrets(&ProcessSources).map_err(in_file)?;
    Ok(document)
}

fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let reader: Box<dyn std::io::Read> =
        if path == Path::new("-") { Box::new(std::io::stdin()) } else { Box::new(std::fs::File::open(path)?) };
    let read = reader.take(MAX_DOCUMENT_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > MAX_DOCUMENT_BYTES {
        return Err(std::io::Error::other(format!("it is longer than {MAX_DOCUMENT_BYTES} bytes")));
    }
    Ok(text)
}

struct ProcessSources;

impl SecretSources for ProcessSources {
    fn variable(&self, name: &str) -> Option<String> {
        environment::variable(name).map(|value| value.to_string())
    }

    fn file(&self, path: &Path) -> std::io::Result<String> {
        std::fs::read_to_string(path)
    }
}

/// Runs `tokenhouse apply`.
///
/// # Errors
/// If the document is wrong, or something in it cannot be stored.
pub fn run_apply(args: &ApplyArgs) -> Result<(), CliError> {
    let document = read_document(&args.file)?;
    let opened = open(&args.config)?;
    let options = ApplyOptions {
        dry_run: args.dry_run,
        prune: args.prune,
        weak_secrets: args.allow_weak_secrets,
        origin: Origin::Document,
        agreed: None,
    };
    let plan = opened.administration.apply(&caller(), &document, options)?;
    if args.output.output == OutputFormat::Json {
        return output::json(&plan);
    }
    output::line(&plan)?;
    if args.dry_run {
        output::remark("dry run: nothing was changed");
    }
    Ok(())
}

/// Runs `tokenhouse export`.
///
/// # Errors
/// If the store cannot be read.
pub fn run_export(args: &ExportArgs) -> Result<(), CliError> {
    let image = open_for_reading(&args.config)?.load_all().map_err(anyhow::Error::from)?;
    let document = export(&image);
    match args.format {
        DocumentFormat::Json => output::json(&document),
        DocumentFormat::Yaml => {
            output::line(serde_saphyr::to_string(&document).context("cannot write YAML")?.trim_end())?;
            Ok(())
        }
    }
}
