//! The command line: the one composition root, where configuration, store, use cases and servers meet.

pub mod api;
pub mod apply;
pub mod as_client;
pub mod audit;
pub mod backup;
pub mod client;
pub mod client_assertion;
pub mod client_key;
pub mod client_secret;
pub mod config;
pub mod conform;
pub mod console;
pub mod dev;
pub mod dev_tls;
pub mod endpoints;
pub mod environment;
pub mod exit;
pub mod explain;
pub mod grant;
pub mod healthcheck;
pub mod http_client;
pub mod import;
pub mod import_files;
pub mod key;
pub mod listening;
pub mod load;
pub mod open;
pub mod output;
pub mod progress;
pub mod resource_api;
pub mod restore;
pub mod running;
pub mod secret;
pub mod serve;
pub mod token;
pub mod usage;
pub mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, setrlimit, umask};

use exit::CliError;
use output::OutputFormat;

/// OAuth 2.0 client-credentials token server, with a resource API that verifies its tokens.
#[derive(Debug, Parser)]
#[command(
    name = "tokenhouse",
    version,
    max_term_width = 100,
    after_help = "Example:\n  tokenhouse dev\n\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 refused or not found."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where settings come from, beside the environment.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// The configuration file [default: ./tokenhouse.toml where there is one]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Sets one setting, before file and environment (see `tokenhouse config docs`)
    #[arg(long = "set", value_name = "KEY=VALUE", global = true)]
    pub set: Vec<String>,
}

/// How a command answers.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputArgs {
    /// A table for people or JSON for scripts
    #[arg(long, value_enum, default_value_t = OutputFormat::Table, global = true)]
    pub output: OutputFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Issuer and resource API in one process, in memory, with demo partners: for a first look and for tests
    Dev(dev::DevArgs),
    /// The issuer for real
    Serve(serve::ServeArgs),
    /// The bundled resource API
    ResourceApi(resource_api::ResourceApiArgs),
    /// APIs: what tokens are issued for
    Api(api::ApiArgs),
    /// Clients: who gets tokens
    Client(client::ClientArgs),
    /// Grants: which client may ask which API for what
    Grant(grant::GrantArgs),
    /// Signing keys
    Key(key::KeyArgs),
    /// Makes the store say what a configuration document says
    Apply(apply::ApplyArgs),
    /// Writes the whole configuration as one document, with hashes, never secrets
    Export(apply::ExportArgs),
    /// Moves clients, APIs and grants here from another product
    Import(import::ImportArgs),
    /// The web console: ways in
    Console(console::ConsoleArgs),
    /// Which token would this client get, and if none, why?
    Explain(explain::ExplainArgs),
    /// The audit trail
    Audit(audit::AuditArgs),
    /// How many tokens were issued, to whom, day by day (UTC)
    Stats(usage::StatsArgs),
    /// Gets a token as a client would
    Token(token::TokenArgs),
    /// A client's own secret, as the client itself sees it
    Secret(secret::SecretArgs),
    /// Verifies a token as a resource server would, and says why not
    Verify(verify::VerifyArgs),
    /// Sends hostile tokens to any resource API, in any language, and reports which it wrongly accepts
    Conform(Box<conform::ConformArgs>),
    /// Asks a running server whether it is ready
    Healthcheck(healthcheck::HealthcheckArgs),
    /// The settings: checks, prints or documents them
    Config(config::ConfigCommandArgs),
    /// Creates or updates the tables of the database
    Migrate(open::MigrateArgs),
    /// Backs up the SQLite database into one file, while servers serve and write
    Backup(backup::BackupArgs),
    /// Puts a backup in the place of the SQLite database
    Restore(restore::RestoreArgs),
    /// Prints the description of the Management API (OpenAPI 3.1), as servers have it at /api/v2/openapi.json
    #[command(after_help = "Example:\n  tokenhouse openapi > openapi.json")]
    Openapi,
    /// Prints a completion script for a shell
    #[command(after_help = "Example:\n  tokenhouse completions bash > /etc/bash_completion.d/tokenhouse")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the program.
pub fn run() -> ExitCode {
    crate::fail_point::arm();
    refuse_core_dumps();
    close_new_files();
    match environment::hide_secrets() {
        Ok(()) => run_from(std::env::args_os()),
        Err(error) => error.report(),
    }
}

/// Memory holds private keys and secrets, and a dump of it would lie on the disk. Where the system refuses even this, it has its own limit.
fn refuse_core_dumps() {
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, nothing);
}

/// What is written holds keys, secrets and who may do what: nobody else is to read or change any of it, whatever mode it asks for.
fn close_new_files() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Runs the program with these arguments, the first of which is its name.
pub fn run_from(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let cli = Cli::parse_from(args);
    let done = dispatch(cli.command);
    crate::telemetry::flush();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

fn dispatch(command: Command) -> Result<(), CliError> {
    match command {
        Command::Dev(args) => dev::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::ResourceApi(args) => resource_api::run(&args),
        Command::Api(args) => api::run(args),
        Command::Client(args) => client::run(args),
        Command::Grant(args) => grant::run(args),
        Command::Key(args) => key::run(&args),
        Command::Apply(args) => apply::run_apply(&args),
        Command::Export(args) => apply::run_export(&args),
        Command::Import(args) => import::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Stats(args) => usage::run_stats(&args),
        Command::Token(args) => token::run(&args),
        Command::Secret(args) => secret::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Console(args) => console::run(args),
        Command::Conform(args) => conform::run(&args),
        Command::Healthcheck(args) => healthcheck::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Migrate(args) => open::run_migrate(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Restore(args) => restore::run(&args),
        Command::Openapi => output::json(&crate::http::management::openapi::document("/api/v2")),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tokenhouse", &mut script);
            output::line(String::from_utf8_lossy(&script).trim_end())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn check(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                let path = format!("{path} {}", sub.get_name());
                let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                if sub.has_subcommands() {
                    check(sub, &path);
                } else {
                    assert!(help.contains("Example"), "{path} has no example");
                }
            }
        }
        check(&Cli::command(), "tokenhouse");
    }
}
