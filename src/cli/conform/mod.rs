//! `tokenhouse conform`: sends tokens that a resource server must refuse, and some that it must accept, and says which it got wrong.

pub mod dev_issuer;
pub mod expect;
pub mod junit;
pub mod probe;
pub mod report;
pub mod run;
pub mod send;
pub mod site;
pub mod target;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Map, Value};

use self::expect::Expect;
use self::report::Report;
use self::run::Run;
use self::send::Sender;
use self::site::Site;
use self::target::Target;
use super::OutputArgs;
use super::exit::CliError;
use super::output::{self, OutputFormat};
use crate::clock::{Clock as _, SystemClock, UnixMillis};
use crate::entropy::{SystemEntropy, new_uuid};
use crate::keys::public_test_keys::PublicTestKey;
use crate::keys::{PrivateKey, RsaBits, SigningAlg, generate_private_key};
use crate::specimen::{Case, KeyRing, Profile, ScopeFormat, SpecimenKey, Subject, catalogue};

/// Where its own issuer listens unless told otherwise: the API under test is configured with it once.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8099);

/// Sends tokens that any resource API must refuse, and some that it must accept, and reports which it got wrong.
#[derive(Debug, Args)]
#[command(after_help = "\
It is an issuer for as long as it runs: configure the API under test, once, with the issuer, the audience and the JWK Set that it prints. \
It signs with keys that everybody has, so do that in tests only.

Exit codes: 0 nothing is wrong, 1 the API gets something wrong, 2 wrong usage, 3 the API does not accept the valid token, so that nothing can be judged.

Example:
  tokenhouse conform http://localhost:3000/users --audience https://api.example.com/ --scope list:users
  tokenhouse conform http://localhost:3000/users --audience https://api.example.com/ --dev http://localhost:8080/ --junit conform.xml")]
pub struct ConformArgs {
    /// The endpoint that gets the requests, about 200: choose one that only reads
    #[arg(required_unless_present = "list")]
    url: Option<String>,
    /// The identifier of the API under test
    #[arg(long, required_unless_present = "list")]
    audience: Option<String>,
    /// The scope that the endpoint asks for; without it, scopes are not tested
    #[arg(long)]
    scope: Option<String>,
    /// The rules that the API says it follows: rfc9068 (access tokens have their own typ) or jwt
    #[arg(long, default_value_t = Profile::Rfc9068)]
    profile: Profile,
    /// The typ of a valid token [default: at+jwt, with --profile jwt JWT]
    #[arg(long)]
    typ: Option<String>,
    /// The algorithm that the API accepts: RS256, PS256, ES256 or EdDSA
    #[arg(long, default_value_t = SigningAlg::Rs256)]
    alg: SigningAlg,
    /// The client that the tokens name
    #[arg(long, default_value = "conform")]
    client_id: String,
    /// A further claim of every token, as JSON or else a string; null takes one away
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = parse_claim)]
    claims: Vec<(String, Value)>,
    /// The claim in which the API looks for scopes
    #[arg(long, default_value = "scope")]
    scope_claim: String,
    /// How that claim is written: string or array
    #[arg(long, default_value = "string")]
    scope_format: ScopeFormat,

    /// The method of the requests
    #[arg(long, default_value = "GET")]
    method: String,
    /// A further header of every request
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The body of every request; JSON unless a header says otherwise
    #[arg(long)]
    body: Option<String>,
    /// What a status means: accepted=2xx, refused=401, scope=403; several with commas
    #[arg(long, value_name = "WHAT=STATUS")]
    expect: Vec<Expect>,
    /// A CA certificate of the API (and of --dev), PEM, to trust beside the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// How long an answer may take, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
    /// How long to try until the API accepts the valid token, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=3600))]
    wait: u64,
    /// The API is not on this machine, and I may send it hostile tokens
    #[arg(long)]
    allow_remote: bool,

    /// Where its own issuer listens [default: 127.0.0.1:8099]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The issuer identifier, where the API reaches it under another name [default: http://localhost:PORT/]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Signs as a running `tokenhouse dev`, whose keys everybody has, instead of being an issuer itself
    #[arg(long, value_name = "URL", conflicts_with = "issuer")]
    dev: Option<String>,

    /// Only these cases
    #[arg(long = "case", value_name = "ID")]
    only: Vec<String>,
    /// All but these cases
    #[arg(long, value_name = "ID")]
    skip: Vec<String>,
    /// Advice fails too
    #[arg(long)]
    strict: bool,
    /// Prints the cases and sends nothing
    #[arg(long)]
    list: bool,
    /// Writes the report as JUnit XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// `NAME=VALUE`: the value is JSON, or else a string.
fn parse_claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))))
}

/// Runs `tokenhouse conform`.
///
/// # Errors
/// If the API gets something wrong, or does not accept the valid token.
pub fn run(args: &ConformArgs) -> Result<(), CliError> {
    let cases = chosen_cases(args)?;
    if args.list {
        return report::list(args.output.output, &cases, args.profile);
    }
    let target = Target::new(args)?;
    actix_web::rt::System::new().block_on(conform(args, &target, &cases))
}

async fn conform(args: &ConformArgs, target: &Target, cases: &[Case]) -> Result<(), CliError> {
    let sender = Sender::new(target, Duration::from_secs(args.timeout), args.ca_file.as_deref())?;
    let now = SystemClock.now();
    let run_id = new_uuid(now, &SystemEntropy).simple().to_string();
    let (keys, issuer) = match &args.dev {
        Some(url) => dev_issuer::keys(url, args.ca_file.as_deref(), args.alg, now).await?,
        None => (own_keys(args.alg, now)?, args.issuer.clone().unwrap_or_default()),
    };
    let listen = args.listen.unwrap_or(if args.dev.is_some() { SocketAddr::new(LISTEN.ip(), 0) } else { LISTEN });
    let site = Site::start(listen, &issuer, args.dev.is_some(), &run_id, &keys)?;
    let subject = Subject {
        issuer: site.issuer().to_owned(),
        audience: args.audience.clone().unwrap_or_default(),
        scope: args.scope.clone(),
        scope_claim: args.scope_claim.clone(),
        scope_format: args.scope_format,
        client_id: args.client_id.clone(),
        profile: args.profile,
        typ: args.typ.clone().unwrap_or_else(|| args.profile.typ().to_owned()),
        claims: args.claims.iter().cloned().collect::<Map<_, _>>(),
        trap: String::new(),
    };
    let run = Run { sender, site, subject, keys, run_id, expectation: Expect::all(&args.expect) };
    output::remark(run.what_to_configure());
    probe::until_accepted(&run, Duration::from_secs(args.wait)).await?;

    let mut reports = Vec::with_capacity(cases.len());
    for case in cases {
        reports.push(run.send(case).await);
    }
    let report = Report::new(args, target, &run, run.judged(cases, reports));
    run.site.stop().await;
    if let Some(path) = &args.junit {
        junit::write(path, &report)?;
    }
    match args.output.output {
        OutputFormat::Json => output::json(&report)?,
        OutputFormat::Table => output::line(&report)?,
    }
    report.verdict(args.strict)
}

/// The keys of an issuer of our own: always the same where there are some that everybody has, so that an API that remembers the JWK Set of
/// the last run still accepts the valid token.
fn own_keys(alg: SigningAlg, now: UnixMillis) -> Result<KeyRing, CliError> {
    let fresh = || generate_private_key(alg, RsaBits::Bits2048, &SystemEntropy).context("cannot make a key");
    let (genuine, attacker) = match alg {
        SigningAlg::Rs256 => (PublicTestKey::Rs256Active.load(), PublicTestKey::Rs256Next.load()),
        SigningAlg::Ps256 => {
            let attacker = PublicTestKey::Rs256Next.load().expose_pkcs8().to_vec();
            (PublicTestKey::Ps256Active.load(), PrivateKey::from_pkcs8(alg, attacker.into()).context("a test key")?)
        }
        SigningAlg::Es256 | SigningAlg::EdDsa => (fresh()?, fresh()?),
    };
    let specimen = |key| SpecimenKey::new(&key, now).map(Arc::new).context("cannot use a key");
    Ok(KeyRing { genuine: specimen(genuine)?, attacker: specimen(attacker)? })
}

fn chosen_cases(args: &ConformArgs) -> Result<Vec<Case>, CliError> {
    let all = catalogue();
    if let Some(unknown) = args.only.iter().chain(&args.skip).find(|id| !all.iter().any(|case| case.id == id.as_str()))
    {
        let near = all
            .iter()
            .max_by(|a, b| strsim::jaro_winkler(a.id, unknown).total_cmp(&strsim::jaro_winkler(b.id, unknown)));
        let near = near.map(|case| format!("; did you mean {}?", case.id)).unwrap_or_default();
        return Err(CliError::usage(format!("there is no case {}{near} --list shows all", unknown.escape_debug())));
    }
    let wanted = |case: &Case| {
        let named = |ids: &[String]| ids.iter().any(|id| id == case.id);
        (args.only.is_empty() || named(&args.only)) && !named(&args.skip)
    };
    Ok(all.into_iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_json_or_a_string() {
        assert_eq!(parse_claim("a=1").unwrap(), ("a".to_owned(), json!(1)));
        assert_eq!(parse_claim("a=null").unwrap().1, Value::Null);
        assert_eq!(parse_claim("a=x=y").unwrap().1, json!("x=y"));
        assert_eq!(parse_claim("a=[\"b\"]").unwrap().1, json!(["b"]));
        assert!(parse_claim("a").is_err() && parse_claim("=1").is_err());
    }
}
