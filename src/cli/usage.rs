//! `tokenhouse client usage` and `tokenhouse stats`: how often was which client answered?

use clap::Args;

use super::client::find;
use super::exit::CliError;
use super::open::open_for_reading;
use super::output::{self, OutputFormat};
use super::{ConfigArgs, OutputArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::issuer::usage::KEPT_DAYS;
use crate::issuer::usage::report::{Period, Resolution, client_usage, stats};
use crate::store::Store;

/// How far to look back.
#[derive(Debug, Clone, Copy, Args)]
pub struct DaysArgs {
    /// How many days, with today
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=KEPT_DAYS))]
    days: u32,
}

/// How many tokens were issued, to whom, day by day.
#[derive(Debug, Args)]
#[command(
    after_help = "Servers write what they count every ten seconds; counts are kept for 400 days.\n\nExample:\n  tokenhouse stats --days 7 --output json"
)]
pub struct StatsArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    days: DaysArgs,
}

/// Runs `tokenhouse stats`.
///
/// # Errors
/// If the store does not answer.
pub fn run_stats(args: &StatsArgs) -> Result<(), CliError> {
    let period = Period::last_days(args.days.days, SystemClock.now());
    let stats = open_for_reading(&args.config)?.read(|reader| stats(reader, period)).map_err(anyhow::Error::from)?;
    output::object(args.output.output, &stats)
}

/// Shows how often the client was answered; with its hours in JSON.
pub(super) fn show_client_usage(
    store: &Store,
    format: OutputFormat,
    client_id: &str,
    DaysArgs { days }: DaysArgs,
) -> Result<(), CliError> {
    let client = find(store, client_id)?;
    let resolution = if format == OutputFormat::Json { Resolution::Hours } else { Resolution::Days };
    let period = Period::last_days(days, SystemClock.now());
    let usage = store.read(|reader| client_usage(reader, &client, period, resolution)).map_err(anyhow::Error::from)?;
    output::object(format, &usage)
}
