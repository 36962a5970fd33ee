//! Configuration: file, environment and flags, as an operator, or whoever can write one of them, gives them.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use super::on_one_line;
use crate::config::{Config, ConfigFile, Flag, ReadFile, Sources};

/// Settings that must never be told, by their variable.
const SECRETS: [&str; 2] = ["TOKENHOUSE__KEYS__MASTER_KEY", "TOKENHOUSE__DATABASE__URL"];
/// No value of any of them.
const CANARY: &str = "canary:4f1d";

/// A disk that holds the configuration file and one secret.
#[derive(Debug)]
struct Disk(String);

impl ReadFile for Disk {
    fn read(&self, path: &Path) -> io::Result<String> {
        match path.to_str() {
            Some("given.toml") => Ok(self.0.clone()),
            Some("secret") => Ok("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n".to_owned()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

#[derive(Clone, Default)]
struct Given {
    file: String,
    environment: Vec<(OsString, OsString)>,
    flags: Vec<(String, String)>,
}

impl Given {
    /// A line that begins with `TOKENHOUSE_` is a variable, one with `--` a flag; the rest is the file.
    fn of(text: &str) -> Self {
        let mut given = Self::default();
        for line in text.lines() {
            match (line.split_once('='), line.strip_prefix("--")) {
                (Some((name, value)), _) if line.starts_with("TOKENHOUSE_") => {
                    given.environment.push((name.into(), value.into()));
                }
                (Some(_), Some(flag)) => {
                    let (key, value) = flag.split_once('=').unwrap_or_default();
                    given.flags.push((key.to_owned(), value.to_owned()));
                }
                _ => given.file.extend([line, "\n"]),
            }
        }
        given
    }

    fn sources(&self) -> Sources {
        let flag = |(key, value): &(String, String)| Flag {
            name: "--flag".to_owned(),
            key: key.clone(),
            value: value.clone(),
        };
        Sources {
            file: ConfigFile::Named("given.toml".into()),
            environment: self.environment.clone(),
            flags: self.flags.iter().map(flag).collect(),
            files: Box::new(Disk(self.file.clone())),
        }
    }
}

/// It is accepted, and what is printed of it says the same again; or every mistake is told on a line of its own, without a secret.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let given = Given::of(text);
    match Config::load(&given.sources()) {
        Ok(config) => survives_printing(&config),
        Err(mistakes) => {
            assert!(!mistakes.0.is_empty(), "refused without a reason");
            mistakes.0.iter().for_each(|mistake| on_one_line(&mistake.to_string()));
        }
    }
    let mut spoiled = given;
    spoiled.environment.extend(SECRETS.map(|name| (name.into(), CANARY.into())));
    match Config::load(&spoiled.sources()) {
        // The flags gave others.
        Ok(config) => assert!(!config.print().contains(CANARY)),
        Err(mistakes) => assert!(!mistakes.to_string().contains(CANARY), "{mistakes}"),
    }
}

fn survives_printing(config: &Config) {
    let printed = config.print();
    if printed.contains("\"***\"") {
        return;
    }
    let again = Given { file: printed.to_owned(), ..Given::default() };
    let again = Config::load(&again.sources()).unwrap_or_else(|mistakes| panic!("{mistakes}\n{printed}"));
    // The origin stands in what is printed, and is another now.
    let settings = |text: &str| {
        let line = |line: &str| line.rsplit_once(" # ").map_or(line, |(setting, _)| setting).to_owned();
        text.lines().map(line).collect::<Vec<_>>()
    };
    assert_eq!(settings(printed), settings(again.print()));
}
