//! Does the configuration as a whole load, layer, and report its mistakes as an operator needs it?

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::oauth::resource::TokenDialect;

mod mistakes;

const CANARY: &str = "canary-4f1d";
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A disk that holds these files and nothing else.
#[derive(Debug)]
struct Disk(HashMap<PathBuf, String>);

impl ReadFile for Disk {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "No such file"))
    }
}

#[derive(Default)]
struct Given {
    disk: HashMap<PathBuf, String>,
    environment: Vec<(OsString, OsString)>,
    flags: Vec<Flag>,
}

impl Given {
    fn file(text: &str) -> Self {
        Self::default().on_disk("t.toml", text)
    }

    fn on_disk(mut self, path: &str, text: &str) -> Self {
        self.disk.insert(path.into(), text.to_owned());
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, key: &str, value: &str) -> Self {
        self.flags.push(Flag { name: "--it".to_owned(), key: key.to_owned(), value: value.to_owned() });
        self
    }

    fn sources(self) -> Sources {
        let file = ConfigFile::IfPresent("t.toml".into());
        Sources { file, environment: self.environment, flags: self.flags, files: Box::new(Disk(self.disk)) }
    }

    fn load(self) -> Config {
        Config::load(&self.sources()).unwrap()
    }

    fn mistakes(self) -> Vec<String> {
        Config::load(&self.sources()).unwrap_err().0.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn the_defaults_are_those_that_are_documented() {
    let config = Given::default().load();
    assert_eq!(config.issuer.as_str(), "http://localhost:8080/");
    assert_eq!(config.compat, Compat::Standard);
    assert_eq!(config.server.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.workers, Threads::OnePerCore);
    assert_eq!(config.tls, None);
    assert_eq!(config.database.url, DatabaseUrl::Sqlite("./tokenhouse.db".into()));
    assert_eq!(config.keys.master_key, MasterKeySource::File("./keys/master.key".into()));
    assert_eq!(config.log.format, LogFormat::Auto);
    assert_eq!(config.metrics.bind, Some(([127, 0, 0, 1], 9090).into()));
}

#[test]
fn metrics_are_answered_where_it_is_said_or_nowhere() {
    let bind = |text: &str| Given::default().flag("metrics.bind", text).load().metrics.bind;
    assert_eq!(bind("off"), None);
    assert_eq!(bind("0.0.0.0:9"), Some(([0, 0, 0, 0], 9).into()), "it carries no secrets");
    let mistakes = Given::default().flag("metrics.bind", "none").mistakes();
    assert!(mistakes[0].contains("metrics.bind") && mistakes[0].contains("nor off"), "{mistakes:?}");
}

#[test]
fn environment_wins_over_file_and_flags_over_both() {
    let file = "issuer = \"https://file.example/\"\n[server]\nworkers = 1\nmax_connections = 10\n[hashing]\nqueue = 7";
    let config = Given::file(file)
        .env("TOKENHOUSE__SERVER__WORKERS", "2")
        .env("TOKENHOUSE__SERVER__MAX_CONNECTIONS", "20")
        .env("TOKENHOUSE__STORE__POLL_MILLISECONDS", "100")
        .env("PATH", "/bin")
        .flag("server.workers", "3")
        .load();
    assert_eq!(config.issuer.as_str(), "https://file.example/");
    assert_eq!(config.server.workers, Threads::Exactly(NonZeroUsize::new(3).unwrap()));
    assert_eq!(config.server.max_connections, 20);
    assert_eq!(config.hashing.queue, 7);
    assert_eq!(config.store.poll, Duration::from_millis(100));
}

#[test]
fn beyond_loopback_needs_tls_or_a_proxy() {
    Given::file("[server]\nbind = \"0.0.0.0:80\"\nbehind_proxy = true").load();
    let config = Given::file("[server]\nbind = \"[::]:80\"\n[tls]\ncertificate_file = \"c\"\nkey_file = \"k\"").load();
    assert_eq!(config.tls, Some(TlsFiles { certificate: "c".into(), key: "k".into() }));
}

#[test]
fn proxies_are_lists_of_networks() {
    assert_eq!(Given::default().load().server.proxies.trusted, []);
    let from_file = Given::file("[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]").load();
    let from_environment = Given::default().env("TOKENHOUSE__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1").load();
    let expected: Vec<ipnet::IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    assert_eq!(from_file.server.proxies.trusted, expected);
    assert_eq!(from_environment.server.proxies.trusted, expected);
    assert_eq!(from_file.server.proxies.header, ForwardedHeader::XForwardedFor);
    assert!(from_file.print().contains("trusted_proxies = [\"10.0.0.0/8\", \"::1\"] # file t.toml"));
}

#[test]
fn a_secret_may_lie_in_a_file_and_loses_one_newline() {
    for text in [MASTER_KEY.to_owned(), format!("{MASTER_KEY}\n"), format!("{MASTER_KEY}\r\n")] {
        let config = Given::file("[keys]\nmaster_key_file = \"/run/k\"").on_disk("/run/k", &text).load();
        let expected: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        assert_eq!(config.keys.master_key, MasterKeySource::Given(Secret::new(expected)));
    }
    let mistakes =
        Given::file("[keys]\nmaster_key_file = \"/run/k\"").on_disk("/run/k", &format!("{MASTER_KEY}\n\n")).mistakes();
    assert_eq!(
        mistakes,
        [
            "keys.master_key: the value is not 32 bytes in base64url (43 characters, no padding) (from the file keys.master_key_file names)"
        ]
    );
}

#[test]
fn a_twin_replaces_a_default_but_not_a_given_value() {
    let config =
        Given::default().env("TOKENHOUSE__DATABASE__URL_FILE", "/run/u").on_disk("/run/u", "sqlite:x.db\n").load();
    assert_eq!(config.database.url, DatabaseUrl::Sqlite("x.db".into()));
    assert!(config.print().contains("url_file = \"/run/u\" # environment variable TOKENHOUSE__DATABASE__URL_FILE"));
    assert!(!config.print().contains("tokenhouse.db"), "{}", config.print());

    let both = Given::file("[database]\nurl = \"sqlite:y.db\"").env("TOKENHOUSE__DATABASE__URL_FILE", "/run/u");
    assert_eq!(
        both.mistakes(),
        ["database.url: given directly (file t.toml) and as database.url_file \
          (environment variable TOKENHOUSE__DATABASE__URL_FILE); remove one of them"]
    );
}

#[test]
fn an_unreadable_secret_file_is_named() {
    assert_eq!(
        Given::file("[keys]\nmaster_key_file = \"/run/k\"").mistakes(),
        ["keys.master_key_file: cannot read /run/k: No such file (from file t.toml)"]
    );
}

#[test]
fn postgres_needs_its_feature() {
    let loaded = Config::load(&Given::default().flag("database.url", &format!("postgres://u:{CANARY}@h/d")).sources());
    if cfg!(feature = "postgres") {
        let config = loaded.unwrap();
        assert!(!format!("{config:?}{}", config.print()).contains(CANARY));
    } else {
        let text = loaded.unwrap_err().to_string();
        assert!(text.contains("--features postgres") && !text.contains(CANARY), "{text}");
    }
}

#[test]
fn neither_debug_nor_print_shows_a_secret() {
    let config = Given::default().env("TOKENHOUSE__KEYS__MASTER_KEY", MASTER_KEY).load();
    let shown = format!("{config:?} {config:#?} {}", config.print());
    assert!(!shown.contains(MASTER_KEY) && !shown.contains("31]") && !shown.contains("31,"), "{shown}");
    assert!(config.print().contains("master_key = \"***\" # environment variable TOKENHOUSE__KEYS__MASTER_KEY"));
}

#[test]
fn what_is_printed_can_be_loaded_again() {
    let config =
        Given::file("issuer = \"https://a.example/t\"\n[log]\nlevel = \"debug\"").flag("signing.queue", "9").load();
    assert!(config.print().contains("issuer = \"https://a.example/t\" # file t.toml"));
    assert!(config.print().contains("queue = 9 # flag --it"));
    assert!(config.print().contains("rsa_bits = 2048 # default"));
    let again = Given::file(config.print()).load();
    assert_eq!((again.issuer, again.log, again.signing), (config.issuer, config.log, config.signing));
}

#[test]
fn the_resource_api_reads_only_its_own_settings() {
    let broken_for_the_issuer =
        "issuer = \"nonsense\"\n[resource_api]\nissuer = \"https://a.example/\"\naudience = \"api\"";
    let given =
        Given::file(broken_for_the_issuer).env("TOKENHOUSE__RESOURCE_API__DIALECTS", "access_token, rfc9068_profile");
    let settings = ResourceApiSettings::load(&given.sources()).unwrap();
    assert_eq!(settings.issuer.as_str(), "https://a.example/");
    assert_eq!(settings.dialects, [TokenDialect::AccessToken, TokenDialect::Rfc9068Profile]);
    assert_eq!(settings.bind.to_string(), "127.0.0.1:8081");
    // And the issuer does not care for the resource API's values.
    Given::file("[resource_api]\nbind = \"nonsense\"").load();
}

#[test]
fn the_resource_api_tells_its_mistakes_at_once() {
    let given =
        Given::file("[resource_api]\nbind = \"0.0.0.0:1\"\ndialects = [\"jwt\"]\njwks_uri = \"http://a.example/\"");
    let errors = ResourceApiSettings::load(&given.sources()).unwrap_err().to_string();
    for part in [
        "resource_api.bind: listens beyond loopback without TLS; give resource_api.tls_certificate_file",
        "resource_api.issuer: required; give it as a flag, as resource_api.issuer in the configuration file or as TOKENHOUSE__RESOURCE_API__ISSUER in the environment",
        "resource_api.audience: required",
        "resource_api.dialects: \"jwt\" is not rfc9068_profile,",
        "resource_api.jwks_uri: \"http://a.example/\" is http on a host that is not loopback",
    ] {
        assert!(errors.contains(part), "{errors}");
    }
}

#[test]
fn the_table_and_the_types_know_the_same_words() {
    fn words<T: reader::Choice>() -> Vec<&'static str> {
        T::CHOICES.iter().map(|choice| choice.word()).collect()
    }
    assert_eq!(words::<Compat>(), settings::COMPAT);
    assert_eq!(words::<LogFormat>(), settings::LOG_FORMATS);
    assert_eq!(words::<ForwardedHeader>(), settings::FORWARDED_HEADERS);
    assert_eq!(words::<TokenDialect>(), settings::DIALECTS);
}

#[test]
fn every_example_in_the_table_loads() {
    for setting in settings::SETTINGS.iter().filter(|setting| !setting.secret) {
        let head = if setting.section().is_empty() { String::new() } else { format!("[{}]", setting.section()) };
        let file = format!("{head}\n{} = {}\n", setting.name(), setting.example);
        let given = || {
            // The example of `server.bind` is beyond loopback, and half a TLS section is refused.
            let issuer = if setting.key == "issuer" { "https://a.example/" } else { "https://auth.example.com/" };
            Given::file(&file)
                // `server.http_redirect_bind` wants an https issuer.
                .env("TOKENHOUSE__ISSUER", issuer)
                .env("TOKENHOUSE__TLS__CERTIFICATE_FILE", "c")
                .env("TOKENHOUSE__TLS__KEY_FILE", "k")
                .env("TOKENHOUSE__RESOURCE_API__TLS_CERTIFICATE_FILE", "c")
                .env("TOKENHOUSE__RESOURCE_API__TLS_KEY_FILE", "k")
                .env("TOKENHOUSE__RESOURCE_API__AUDIENCE", "a")
        };
        given().load();
        ResourceApiSettings::load(&given().flag("resource_api.issuer", "https://a.example/").sources()).unwrap();
    }
}
