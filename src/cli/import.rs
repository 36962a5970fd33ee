//! `tokenhouse import`: moving here from another product, with ids and secrets that go on working.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::CliError;
use super::import_files::ImportReader;
use super::open::{caller, open};
use super::output::{self, OutputFormat};
use super::progress::ProgressLine;
use super::{ConfigArgs, OutputArgs};
use crate::entropy::SystemEntropy;
use crate::issuer::document::Document;
use crate::issuer::document::apply::{ApplyOptions, Origin, Plan, PlanAction};
use crate::issuer::import::{
    ImportError, Imported, KeywordMappings, Report, import_auth0, import_hydra, import_identityserver, import_keycloak,
};
use crate::whole_file::{self, Existing};

/// Moves clients, APIs and grants here from another product.
///
/// Nothing is removed: of what is here already, the import changes what it names and leaves the rest. A second import of
/// the same export changes nothing.
#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(subcommand)]
    product: Product,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Args)]
struct CommonArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Only shows what would be done
    #[arg(long, global = true, conflicts_with = "to_document")]
    dry_run: bool,
    /// Writes a configuration document for `tokenhouse apply`, with hashes of the secrets, and stores nothing; - is
    /// standard output
    #[arg(long, global = true, value_name = "FILE")]
    to_document: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Product {
    /// Auth0: an export of its deploy CLI
    #[command(after_help = "Example:\n  tokenhouse import auth0 tenant.yaml --mapping config.json --dry-run")]
    Auth0 {
        /// tenant.yaml, or the folder of the export
        path: PathBuf,
        /// JSON with AUTH0_KEYWORD_REPLACE_MAPPINGS: the values of ##KEYWORDS## and @@KEYWORDS@@
        #[arg(long, value_name = "FILE")]
        mapping: Option<PathBuf>,
    },
    /// IdentityServer 4 or Duende's: appsettings.json, or the tables of its Entity Framework store as JSON
    #[command(
        after_help = "Example:\n  tokenhouse import identityserver appsettings.json --audience https://api.example.com"
    )]
    Identityserver {
        /// JSON files, or folders with a file for each table
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// The API of the scopes that belong to no API resource
        #[arg(long, value_name = "IDENTIFIER")]
        audience: Option<String>,
    },
    /// Ory Hydra: clients as its API or its command line lists them, or rows of the table hydra_client as JSON
    #[command(after_help = "Example:\n  tokenhouse import hydra clients.json --audience https://api.example.com")]
    Hydra {
        /// The JSON file; - is standard input
        file: PathBuf,
        /// The API of clients without an audience
        #[arg(long, value_name = "IDENTIFIER")]
        audience: Option<String>,
    },
    /// Keycloak: the export of a realm
    #[command(after_help = "Example:\n  tokenhouse import keycloak realm-export.json --to-document realm.yaml")]
    Keycloak {
        /// The JSON file; - is standard input
        file: PathBuf,
        /// The API of client scopes without an audience
        #[arg(long, value_name = "IDENTIFIER")]
        audience: Option<String>,
    },
}

/// Runs `tokenhouse import`.
///
/// # Errors
/// If the export is broken, or something in it cannot be stored: then nothing is.
pub fn run(args: &ImportArgs) -> Result<(), CliError> {
    let Imported { document, report } = read(&args.product)?;
    match &args.common.to_document {
        Some(target) => write_document(document, &report, target, args.common.output.output),
        None => store(&document, &report, &args.common),
    }
}

fn read(product: &Product) -> Result<Imported, CliError> {
    let mut reader = ImportReader::default();
    let imported: Result<Imported, ImportError> = match product {
        Product::Auth0 { path, mapping } => {
            let mapping = mapping.as_deref().map(|path| reader.file(path)).transpose()?;
            let mapping = mapping.as_ref().map(KeywordMappings::read).transpose().map_err(CliError::usage)?;
            import_auth0(&reader.auth0(path)?, &mapping.unwrap_or_default())
        }
        Product::Identityserver { paths, audience } => {
            import_identityserver(&reader.files_and_folders(paths)?, audience.as_deref())
        }
        Product::Hydra { file, audience } => import_hydra(&reader.file(file)?, audience.as_deref()),
        Product::Keycloak { file, audience } => import_keycloak(&reader.file(file)?, audience.as_deref()),
    };
    imported.map_err(CliError::usage)
}

fn store(document: &Document, report: &Report, common: &CommonArgs) -> Result<(), CliError> {
    let opened = open(&common.config)?;
    let options =
        ApplyOptions { dry_run: common.dry_run, weak_secrets: true, origin: Origin::Import, ..ApplyOptions::default() };
    let plan = {
        let progress = ProgressLine::new();
        opened.administration.apply_with_progress(&caller(), document, options, &progress)?
    };
    if common.output.output == OutputFormat::Json {
        return output::json(&json!({ "report": report, "dry_run": common.dry_run, "plan": plan }));
    }
    output::line(report)?;
    output::line(format_args!("\n{}", summary(&plan)))?;
    if common.dry_run {
        output::remark("dry run: nothing was changed");
    }
    Ok(())
}

/// How many objects of each kind are made and changed: a plan of every step would be long.
fn summary(plan: &Plan) -> String {
    if plan.steps.is_empty() {
        return plan.to_string();
    }
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for step in &plan.steps {
        let action = match step.action {
            PlanAction::Create => "created",
            PlanAction::Update => "updated",
            PlanAction::Delete => "deleted",
        };
        *counts.entry((action, step.kind)).or_default() += 1;
    }
    let lines: Vec<_> = counts.iter().map(|((action, kind), count)| format!("{action} {kind}: {count}")).collect();
    lines.join("\n")
}

fn write_document(document: Document, report: &Report, target: &Path, format: OutputFormat) -> Result<(), CliError> {
    let document = document.with_hashes(&SystemEntropy, &ProgressLine::new())?;
    let yaml = serde_saphyr::to_string(&document).context("cannot write YAML")?;
    if target == Path::new("-") {
        output::remark(report);
        return output::line(yaml.trim_end());
    }
    write_whole(target, &yaml).with_context(|| format!("cannot write {}", target.display()))?;
    if format == OutputFormat::Json {
        return output::json(&json!({ "report": report, "document": target.display().to_string() }));
    }
    output::line(report)?;
    output::remark(format_args!(
        "nothing was stored: `tokenhouse apply -f {}` does that{}",
        target.display(),
        if report.taken.weak_secrets > 0 { " (weak secrets are in it as hashes)" } else { "" }
    ));
    Ok(())
}

/// Writes the file whole or not at all, and for its owner only: hashes are nothing to hand around.
fn write_whole(target: &Path, text: &str) -> std::io::Result<()> {
    let mut file = whole_file::beside(target)?;
    file.write_all(text.as_bytes())?;
    whole_file::put_in_place(file.into_temp_path(), target, Existing::Replace)
}
