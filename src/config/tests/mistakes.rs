//! Is every mistake named with its place and its cure, all at once, and without secrets?

use rstest::rstest;

use super::*;

#[rstest]
#[case::typo(
    "[server]\nbimd = \"x\"",
    "server.bimd: there is no such setting; did you mean server.bind? (from file t.toml)"
)]
#[case::section_typo(
    "[servr]\nworkers = 1",
    "servr.workers: there is no such setting; did you mean server.workers? (from file t.toml)"
)]
#[case::section_forgotten(
    "bind = \"x\"",
    "bind: there is no such setting; did you mean server.bind? (from file t.toml)"
)]
#[case::nothing_near("colour = 1", "colour: there is no such setting (from file t.toml)")]
#[case::quoted_path(
    "\"server.bind\" = \"x\"",
    "\"server.bind\": there is no such setting; did you mean server.bind? (from file t.toml)"
)]
#[case::forged_line("\"a\\nb\" = 1", "a\\nb: there is no such setting (from file t.toml)")]
#[case::twin_of_no_secret(
    "issuer_file = \"x\"",
    "issuer_file: there is no such setting; did you mean issuer? (from file t.toml)"
)]
#[case::not_a_section("server = 1", "server: is a section; write its settings under [server] (from file t.toml)")]
#[case::empty_section("[colours]", "colours: there is no such setting (from file t.toml)")]
#[case::text_for_number(
    "[server]\nworkers = \"2\"",
    "server.workers: must be a whole number, without quotes (from file t.toml)"
)]
#[case::text_for_boolean(
    "[server]\nbehind_proxy = \"yes\"",
    "server.behind_proxy: must be true or false, without quotes (from file t.toml)"
)]
#[case::number_for_text("issuer = 5", "issuer: must be text in quotes (from file t.toml)")]
#[case::too_small(
    "[jwks]\nmax_age_seconds = -1",
    "jwks.max_age_seconds: -1 is not 0 to 86400 seconds (from file t.toml)"
)]
#[case::too_large("[server]\nworkers = 5000", "server.workers: 5000 is not 0 to 1024 threads (from file t.toml)")]
#[case::key_size("[keys]\nrsa_bits = 1024", "keys.rsa_bits: 1024 is not 2048, 3072 or 4096 (from file t.toml)")]
#[case::word("compat = \"okta\"", "compat: \"okta\" is not standard, auth0 or identityserver (from file t.toml)")]
#[case::address(
    "[server]\nbind = \"localhost\"",
    "server.bind: \"localhost\" is not an IP address and port such as 127.0.0.1:8080 or [::1]:8080 (from file t.toml)"
)]
#[case::issuer(
    "issuer = \"http://a.example/\"",
    "issuer: \"http://a.example/\" is http on a host that is not loopback; use https (from file t.toml)"
)]
#[case::open_plaintext(
    "[server]\nbind = \"0.0.0.0:80\"",
    "server.bind: listens beyond loopback without TLS; give tls.certificate_file and tls.key_file, or set server.behind_proxy = true if a proxy in front ends TLS (from file t.toml)"
)]
#[case::half_tls("[tls]\nkey_file = \"k\"", "tls.key_file: needs tls.certificate_file beside it (from file t.toml)")]
#[case::other_half(
    "[tls]\ncertificate_file = \"c\"",
    "tls.certificate_file: needs tls.key_file beside it (from file t.toml)"
)]
#[case::hsts_without_tls(
    "[server]\nhsts_seconds = 1",
    "server.hsts_seconds: needs tls.certificate_file and tls.key_file; where a proxy ends TLS, let the proxy send the header (from file t.toml)"
)]
#[case::redirect_to_plain_http(
    "[server]\nhttp_redirect_bind = \"0.0.0.0:80\"",
    "server.http_redirect_bind: leads to the issuer, so the issuer must start with https:// (from file t.toml)"
)]
#[case::proxy_by_name(
    "[server]\ntrusted_proxies = [\"10.0.0.1\", \"proxy.example\"]",
    "server.trusted_proxies: \"proxy.example\" is neither an IP address nor a network such as 10.0.0.0/8 or fd00::/8; names are not looked up (from file t.toml)"
)]
#[case::proxy_without_list(
    "[server]\ntrusted_proxies = \"10.0.0.1\"",
    "server.trusted_proxies: must be a list of texts in quotes (from file t.toml)"
)]
#[case::empty_path("[keys]\ndirectory = \"\"", "keys.directory: \"\" is not a path (from file t.toml)")]
#[case::lifetimes(
    "[token]\nmax_lifetime_seconds = 60",
    "token.default_lifetime_seconds: is above token.max_lifetime_seconds (from default)"
)]
#[case::log_level(
    "[log]\nlevel = \"inof\"",
    "log.level: \"inof\" is not off, error, warn, info, debug or trace, nor such levels per module as in info,tokenhouse::http=debug (from file t.toml)"
)]
#[case::syntax(
    "issuer = \"https://a\n",
    "t.toml, line 1, column 20: not valid TOML: invalid basic string, expected `\"`"
)]
#[case::secret_in_syntax(
    "[keys]\nmaster_key = \"canary",
    "t.toml, line 2, column 21: not valid TOML: invalid basic string, expected `\"`"
)]
#[case::duplicate("compat = \"auth0\"\ncompat = \"auth0\"", "t.toml, line 2, column 1: not valid TOML: duplicate key")]
fn a_mistake_in_the_file_is_named_with_its_cure(#[case] file: &str, #[case] expected: &str) {
    assert_eq!(Given::file(file).mistakes(), [expected]);
}

#[rstest]
#[case(
    "TOKENHOUSE__SERVER__BIMD",
    "x",
    "TOKENHOUSE__SERVER__BIMD: there is no such setting; did you mean TOKENHOUSE__SERVER__BIND? (from the environment)"
)]
#[case(
    "TOKENHOUSE_SERVER_BIND",
    "x",
    "TOKENHOUSE_SERVER_BIND: there is no such setting; did you mean TOKENHOUSE__SERVER__BIND? (from the environment)"
)]
#[case(
    "tokenhouse__issuer",
    "x",
    "tokenhouse__issuer: there is no such setting; did you mean TOKENHOUSE__ISSUER? (from the environment)"
)]
#[case(
    "TOKENHOUSE__SERVER__WORKERS",
    "two",
    "server.workers: the value is not a whole number (from environment variable TOKENHOUSE__SERVER__WORKERS)"
)]
#[case(
    "TOKENHOUSE__SERVER__BEHIND_PROXY",
    "yes",
    "server.behind_proxy: the value is neither true nor false (from environment variable TOKENHOUSE__SERVER__BEHIND_PROXY)"
)]
#[case(
    "TOKENHOUSE__ISSUER",
    "",
    "issuer: the value is empty; give a value or leave it out (from environment variable TOKENHOUSE__ISSUER)"
)]
fn a_mistake_in_the_environment_is_named_with_its_cure(
    #[case] name: &str,
    #[case] value: &str,
    #[case] expected: &str,
) {
    assert_eq!(Given::default().env(name, value).mistakes(), [expected]);
}

#[test]
fn variables_that_kubernetes_sets_for_a_service_of_this_name_are_passed_over() {
    Given::default()
        .env("TOKENHOUSE_SERVICE_HOST", "10.0.0.1")
        .env("TOKENHOUSE_PORT_8080_TCP", "tcp://10.0.0.1")
        .load();
}

#[test]
fn a_flag_that_sets_nothing_is_a_mistake() {
    let expected = "serve.bind: there is no such setting; did you mean server.bind? (from flag --it)";
    assert_eq!(Given::default().flag("serve.bind", "1").mistakes(), [expected]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let errors = Config::load(
        &Given::file("colour = 1\n[server]\nworkers = -1\nbind = \"x\"")
            .env("TOKENHOUSE__JWKS__MAX_AGE_SECONDS", "soon")
            .flag("compat", "okta")
            .sources(),
    )
    .unwrap_err();
    assert_eq!(errors.0.len(), 5);
    let text = errors.to_string();
    assert!(text.starts_with("the configuration has 5 mistakes:\n  "), "{text}");
    for key in ["colour", "server.workers", "server.bind", "jwks.max_age_seconds", "compat"] {
        assert!(text.contains(key), "{text}");
    }
}

#[test]
fn a_named_file_must_exist() {
    let sources = Sources { file: ConfigFile::Named("none.toml".into()), ..Given::default().sources() };
    let errors = Config::load(&sources).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "the configuration has a mistake:\n  none.toml: cannot read the configuration file: No such file"
    );
}

#[rstest]
#[case("sqlite:", "names no file")]
#[case("sqlite::memory:", "in memory")]
#[case("sqlite:///tmp/x", "leave out the slashes")]
#[case("mysql://h/d", "neither sqlite:PATH nor postgres")]
fn other_database_urls_are_refused(#[case] url: &str, #[case] reason: &str) {
    let mistakes = Given::default().flag("database.url", url).mistakes();
    assert!(mistakes[0].contains(reason), "{mistakes:?}");
}

#[rstest]
#[case(Given::default().env("TOKENHOUSE__KEYS__MASTER_KEY", CANARY))]
#[case(Given::default().flag("database.url", &format!("mysql://u:{CANARY}@h")))]
#[case(Given::file("[keys]\nmaster_key_file = \"/k\"").on_disk("/k", CANARY))]
#[case(Given::file(&format!("[keys]\nmaster_key = [\"{CANARY}\"]")))]
#[case(Given::file(&format!("[keys]\nmaster_key = \"{CANARY}")))]
#[case(Given::file(&format!("[keys]\nmaster_key = {CANARY}")))]
fn no_mistake_shows_a_secret(#[case] given: Given) {
    let errors = Config::load(&given.sources()).unwrap_err();
    assert!(!format!("{errors} {errors:?}").contains(CANARY), "{errors}");
}
