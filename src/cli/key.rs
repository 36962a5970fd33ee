//! `tokenhouse key`: the signing keys.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::exit::CliError;
use super::open::{Opened, caller, open, open_for_reading};
use super::output::{self, OutputFormat};
use super::{ConfigArgs, OutputArgs};
use crate::config::MasterKeySource;
use crate::issuer::rotate_keys::summary;
use crate::keys::lifecycle::RotationUrgency;
use crate::keys::{PrivateKey, PrivateKeyError, SigningAlg, master_key_file};
use crate::whole_file::{self, Existing};

/// Signing keys.
#[derive(Debug, Args)]
pub struct KeyArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Lists the signing keys and where each stands
    #[command(after_help = "Example:\n  tokenhouse key list")]
    List,
    /// Lets the announced next key sign, retires the present one and announces a new next one
    #[command(after_help = "Example:\n  tokenhouse key rotate\n  tokenhouse key rotate --alg ES256 --now")]
    Rotate {
        /// Of which algorithm
        #[arg(long, default_value = "RS256")]
        alg: SigningAlg,
        /// At once, although verifiers that cached the key set may refuse tokens until they fetch it again
        #[arg(long)]
        now: bool,
    },
    /// Takes a private key in from a PEM file: as the next key of its algorithm, or as the one that signs if there is none
    #[command(
        after_help = "Reads PKCS#8 (BEGIN PRIVATE KEY), PKCS#1 (BEGIN RSA PRIVATE KEY) and SEC 1 (BEGIN EC PRIVATE KEY), without a passphrase: RSA of 2048 to 4096 bits, P-256, Ed25519. A next key that Tokenhouse has made gives way to it.\n\nExample:\n  tokenhouse key import ./signing-key.pem\n  tokenhouse key import ./signing-key.pem --now\n  vault read -field=pem secret/signing-key | tokenhouse key import -"
    )]
    Import {
        /// The file; - reads standard input
        file: PathBuf,
        /// What it signs with [default: RS256, ES256 or EdDSA, by the kind of key]
        #[arg(long)]
        alg: Option<SigningAlg>,
        /// It signs at once, although verifiers that cached the key set may refuse tokens until they fetch it again
        #[arg(long)]
        now: bool,
    },
    /// Shows a private key as PEM (PKCS#8), which the audit trail records: whoever has it can make tokens
    #[command(
        after_help = "Keys that sign no more cannot be shown: their private half is destroyed.\n\nExample:\n  tokenhouse key export KID --file ./signing-key.pem"
    )]
    Export {
        /// Its kid
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// A file to make, for its owner alone, in place of standard output
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Seals the private keys under another master key
    #[command(
        after_help = "Where the master key is a file, --new-master-key makes a new one in its place, seals every key under it, and keeps the one before as master.key.old. Where you give the master key yourself: set keys.master_key to the new one and keys.old_master_key to the present one on every server, start them anew one after the other, and run `tokenhouse key reseal` with the same settings.\n\nExample:\n  tokenhouse key reseal --new-master-key\n  tokenhouse key reseal"
    )]
    Reseal {
        /// Makes the new master key too, where it is a file
        #[arg(long)]
        new_master_key: bool,
    },
    /// Withdraws a retired key at once, so that no token it signed is valid any more
    #[command(
        after_help = "Example:\n  tokenhouse key list\n  tokenhouse key revoke KID\n  tokenhouse key revoke KID --force"
    )]
    Revoke {
        /// Its kid
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// Also a key that is in use: the next key signs in place of the active one, and a new next one is announced
        #[arg(long)]
        force: bool,
    },
}

/// Runs `tokenhouse key`.
///
/// # Errors
/// What the verb refuses.
pub fn run(args: &KeyArgs) -> Result<(), CliError> {
    let format = args.output.output;
    match &args.verb {
        Verb::List => {
            let keys = open_for_reading(&args.config)?
                .read(|reader| reader.list_signing_keys())
                .map_err(anyhow::Error::from)?;
            let rows: Vec<_> = keys.iter().map(summary).collect();
            output::list(format, &["kid", "alg", "state", "announced_at", "activated_at", "remove_after"], &rows)
        }
        Verb::Rotate { alg, now } => {
            let urgency = if *now { RotationUrgency::Forced } else { RotationUrgency::WhenAnnounced };
            let rotated = open(&args.config)?.administration.rotate_key(&caller(), *alg, urgency)?;
            output::object(format, &json!({ "kid": rotated.active.kid, "alg": alg, "state": "active" }))
        }
        Verb::Import { file, alg, now } => {
            let key = read_key(file, *alg)?;
            let urgency = if *now { RotationUrgency::Forced } else { RotationUrgency::WhenAnnounced };
            let imported = open(&args.config)?.administration.import_key(&caller(), &key, urgency)?;
            output::object(format, &summary(&imported))
        }
        Verb::Export { kid, file } => {
            // A file that cannot be made is not an export.
            let made = file.as_deref().map(make_private_file).transpose()?;
            let exported =
                open(&args.config).and_then(|opened| Ok(opened.administration.export_key(&caller(), kid)?));
            match file.as_deref().zip(made) {
                Some((path, made)) => {
                    write_key(exported, path, made)?;
                    output::object(format, &json!({ "kid": kid, "file": path.display().to_string() }))
                }
                None => show_key(kid, &exported?, format),
            }
        }
        Verb::Reseal { new_master_key } => {
            let opened = open(&args.config)?;
            let mut resealed = opened.administration.reseal_keys(&caller())?;
            if *new_master_key {
                replace_master_key(&opened)?;
                resealed = open(&args.config)?.administration.reseal_keys(&caller())?;
            }
            if format == OutputFormat::Table {
                output::remark(
                    "Start every server anew: until then it signs on with the key it has, and makes and rotates none. A backup made \
                     before needs the old master key.",
                );
            }
            output::object(format, &json!({ "resealed": resealed }))
        }
        Verb::Revoke { kid, force } => {
            let urgency = if *force { RotationUrgency::Forced } else { RotationUrgency::WhenAnnounced };
            let revoked = open(&args.config)?.administration.revoke_key(&caller(), kid, urgency)?;
            output::object(format, &summary(&revoked))
        }
    }
}

/// The most that is read of a PEM file: a key of 4096 bits takes 3,300 bytes.
const MAX_PEM_BYTES: usize = 65_536;

fn read_key(file: &Path, alg: Option<SigningAlg>) -> Result<PrivateKey, CliError> {
    let cannot = |error: &dyn std::fmt::Display| CliError::usage(format!("cannot read {}: {error}", file.display()));
    let reader: Box<dyn std::io::Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).map_err(|error| cannot(&error))?)
    };
    let mut pem = Zeroizing::new(String::with_capacity(MAX_PEM_BYTES));
    reader.take(MAX_PEM_BYTES as u64).read_to_string(&mut pem).map_err(|error| cannot(&error))?;
    if let Some(alg) = alg {
        return PrivateKey::from_pem(alg, &pem).map_err(|error| cannot(&error));
    }
    // By the kind of key.
    for alg in [SigningAlg::Rs256, SigningAlg::Es256, SigningAlg::EdDsa] {
        match PrivateKey::from_pem(alg, &pem) {
            Err(PrivateKeyError::WrongKind { .. }) => {}
            other => return other.map_err(|error| cannot(&error)),
        }
    }
    Err(cannot(&"the key in it is none of RSA, P-256 and Ed25519"))
}

/// What becomes a new file that only its owner can read.
fn make_private_file(path: &Path) -> Result<NamedTempFile, CliError> {
    let made = match path.symlink_metadata() {
        Ok(_) => Err(ErrorKind::AlreadyExists.into()),
        Err(_) => whole_file::beside(path),
    };
    made.map_err(|error| {
        CliError::usage(format!("cannot make {}: {error}; name a file that is not there yet", path.display()))
    })
}

/// Writes what is exported to the file; without an export there is none.
fn write_key(
    exported: Result<Zeroizing<String>, CliError>,
    path: &Path,
    mut new: NamedTempFile,
) -> Result<(), CliError> {
    let pem = exported?;
    let written = new
        .write_all(pem.as_bytes())
        .and_then(|()| whole_file::put_in_place(new.into_temp_path(), path, Existing::Keep));
    Ok(written.with_context(|| format!("cannot write {}", path.display()))?)
}

fn show_key(kid: &str, pem: &str, format: OutputFormat) -> Result<(), CliError> {
    match format {
        OutputFormat::Table => output::line(pem.trim_end()),
        OutputFormat::Json => output::json(&json!({ "kid": kid, "private_key": pem })),
    }
}

fn replace_master_key(opened: &Opened) -> Result<(), CliError> {
    let MasterKeySource::File(path) = &opened.config.keys.master_key else {
        return Err(CliError::usage(
            "the master key is given by keys.master_key, so it is yours to make anew: set keys.master_key to the new one and \
             keys.old_master_key to the present one, start the servers anew, and run `tokenhouse key reseal`",
        ));
    };
    master_key_file::replace(path, opened.master_keys.current().id(), opened.entropy.as_ref())
        .context("cannot make a new master key")?;
    Ok(())
}
