//! `tokenhouse config`: checks, prints or documents the settings.

use clap::{Args, Subcommand};

use super::ConfigArgs;
use super::exit::CliError;
use super::open::load_config;
use super::output;

/// The settings.
#[derive(Debug, Args)]
pub struct ConfigCommandArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Checks the configuration and tells every mistake
    #[command(after_help = "Example:\n  tokenhouse config check --config tokenhouse.toml")]
    Check,
    /// Prints the configuration in force and where each value comes from; secrets are hidden
    #[command(after_help = "Example:\n  tokenhouse config print")]
    Print,
    /// Prints what each setting means, as Markdown
    #[command(after_help = "Example:\n  tokenhouse config docs > configuration.md")]
    Docs,
}

/// Runs `tokenhouse config`.
///
/// # Errors
/// With every mistake in the configuration.
pub fn run(args: &ConfigCommandArgs) -> Result<(), CliError> {
    match args.verb {
        Verb::Check => {
            load_config(&args.config)?;
            output::remark("the configuration is in order");
        }
        Verb::Print => output::line(load_config(&args.config)?.print().trim_end())?,
        Verb::Docs => output::line(crate::config::docs().trim_end())?,
    }
    Ok(())
}
