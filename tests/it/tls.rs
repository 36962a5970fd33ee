//! TLS of the server itself: versions, certificates that change under it, slow clients, the redirect of plain HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::KeyPair;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned};

use crate::support::answer::builder;
use crate::support::certificates::Ca;
use crate::support::program::{command, run};
use crate::support::raw::{exchange, status};
use crate::support::serve::{free_port, signal};
use crate::support::{Answer, Serve};

type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// A TLS connection that trusts `ca`, of one version and with these application protocols.
fn connect(
    port: u16,
    ca: &str,
    version: &'static rustls::SupportedProtocolVersion,
    alpn: &[&str],
) -> std::io::Result<TlsStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// The status that a GET on an open connection gets.
fn get(stream: &mut TlsStream, path: &str) -> u16 {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"}") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    status(&String::from_utf8(head).unwrap())
}

/// Makes the link `tls` lead to the folder `to`, in one step, as Kubernetes and careful scripts do.
fn swap(serve: &Serve, to: &str) {
    let next = serve.path().join("tls-next");
    symlink(to, &next).unwrap();
    std::fs::rename(next, serve.path().join("tls")).unwrap();
}

async fn readyz(serve: &Serve) -> serde_json::Value {
    let client = builder().tls_danger_accept_invalid_certs(true).build().unwrap();
    Answer::to(client.get(serve.url("/readyz"))).await.json()
}

#[tokio::test]
async fn versions_1_2_and_1_3_with_http_1_1_and_nothing_else() {
    let ca = Ca::new("one");
    let pem = ca.pem.clone();
    let serve = Serve::start_tls(ca, &[]).await;
    for (version, expected) in
        [(&rustls::version::TLS12, ProtocolVersion::TLSv1_2), (&rustls::version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let mut stream = connect(serve.port, &pem, version, &["h2", "http/1.1"]).unwrap();
        assert_eq!(stream.conn.protocol_version(), Some(expected));
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(get(&mut stream, "/livez"), 200);
    }
    assert!(connect(serve.port, &pem, &rustls::version::TLS13, &["h2"]).is_err(), "HTTP/2 is the proxy's");
    for minor in [1, 2] {
        // TLS 1.0 and 1.1: fatal alert, protocol_version.
        let answer = hello_of_old(serve.port, minor);
        assert_eq!((answer.first(), answer.get(5..)), (Some(&21), Some(&[2, 70][..])), "{answer:?}");
    }
    assert_eq!(
        status(&exchange(&serve.url("/"), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
        0,
        "plain HTTP on the TLS port"
    );
    assert_eq!(Answer::to(serve.client().get(serve.url("/livez"))).await.status, 200);
}

/// What comes back for the ClientHello of TLS 1.`minor - 1` in which nothing but the version is wrong.
fn hello_of_old(port: u16, minor: u8) -> Vec<u8> {
    let mut hello = vec![3, minor];
    hello.extend([7; 32]);
    hello.push(0);
    // ECDHE-ECDSA and ECDHE-RSA with AES-GCM and, as was usual, AES-CBC.
    hello.extend([0, 8, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x09, 0xc0, 0x13, 1, 0]);
    // supported_groups P-256, ec_point_formats, signature_algorithms ECDSA with SHA-256.
    hello.extend([0, 22, 0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3]);
    let length = u8::try_from(hello.len()).unwrap();
    let record = [&[22, 3, 1, 0, length + 4, 1, 0, 0, length], hello.as_slice()].concat();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(&record).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[tokio::test]
async fn a_new_certificate_of_a_new_ca_is_served_without_a_restart() {
    let (old, new) = (Ca::new("old"), Ca::new("new"));
    let old_pem = old.pem.clone();
    let serve = Serve::start_tls(old, &[]).await;
    let mut open = connect(serve.port, &old_pem, &rustls::version::TLS13, &[]).unwrap();
    assert_eq!(get(&mut open, "/livez"), 200);

    new.write_pair(&serve.path().join("tls-2"));
    swap(&serve, "tls-2");
    serve.wait_for_log("a new TLS certificate is in use").await;
    assert_eq!(get(&mut open, "/livez"), 200, "open connections go on");
    assert_eq!(Answer::to(new.client().get(serve.url("/livez"))).await.status, 200);
    let refused = connect(serve.port, &old_pem, &rustls::version::TLS13, &[]).unwrap_err();
    assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");

    // And another, of an RSA key, at once.
    let rsa = KeyPair::from_pem(include_str!("../keys/rs256-active.pem")).unwrap();
    let third = Ca::new("third");
    third.write_pair_with(&serve.path().join("tls-3"), &rsa, 1, 89);
    swap(&serve, "tls-3");
    signal(serve.pid(), "HUP");
    let deadline = Instant::now() + Duration::from_secs(2);
    while connect(serve.port, &third.pem, &rustls::version::TLS12, &[]).is_err() {
        assert!(Instant::now() < deadline, "{}", serve.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(get(&mut open, "/livez"), 200);
    assert!(!serve.log().contains("ERROR"), "{}", serve.log());
}

#[tokio::test]
async fn a_broken_new_certificate_leaves_the_old_one_in_use() {
    let ca = Ca::new("one");
    let (pem, other) = (ca.pem.clone(), Ca::new("other"));
    let serve = Serve::start_tls(ca, &[]).await;
    let folder = serve.path().join("tls-2");
    other.write_pair(&folder);
    let whole = std::fs::read(folder.join("cert.pem")).unwrap();
    let serves = || get(&mut connect(serve.port, &pem, &rustls::version::TLS13, &[]).unwrap(), "/livez");

    std::fs::write(folder.join("cert.pem"), &whole[..200]).unwrap();
    swap(&serve, "tls-2");
    serve.wait_for_log("tls/cert.pem is cut off").await;
    assert_eq!(serves(), 200);

    other.write_pair(&folder);
    std::fs::write(folder.join("cert.pem"), &whole).unwrap();
    signal(serve.pid(), "HUP");
    serve.wait_for_log("cannot be used together").await;
    assert_eq!(serves(), 200);

    other.write_pair_with(&folder, &KeyPair::generate().unwrap(), 90, -1);
    signal(serve.pid(), "HUP");
    serve.wait_for_log("tls/cert.pem expired on").await;
    std::fs::remove_file(folder.join("key.pem")).unwrap();
    signal(serve.pid(), "HUP");
    serve.wait_for_log("cannot read tls/key.pem").await;
    assert_eq!(serves(), 200);
    assert_eq!(readyz(&serve).await["status"], "ready");
    assert_eq!(serve.log().matches("is cut off").count(), 1, "told once: {}", serve.log());
    assert!(!serve.log().contains("PRIVATE"), "{}", serve.log());

    other.write_pair(&folder);
    signal(serve.pid(), "HUP");
    serve.wait_for_log("a new TLS certificate is in use").await;
    assert_eq!(Answer::to(other.client().get(serve.url("/livez"))).await.status, 200);
}

#[tokio::test]
async fn a_certificate_that_nears_its_end_is_told() {
    let ca = Ca::new("one");
    let due = |serve: &Serve, before, after| {
        let folder = serve.path().join("tls-1");
        Ca::new("two").write_pair_with(&folder, &KeyPair::generate().unwrap(), before, after);
    };
    let mut serve = Serve::start_tls(ca, &[]).await;
    let ready = readyz(&serve).await;
    assert_eq!((&ready["status"], &ready["parts"]["tls_certificate"]), (&"ready".into(), &"ok".into()));

    due(&serve, 80, 10);
    signal(serve.pid(), "HUP");
    serve.wait_for_log("expires soon and was not renewed").await;
    let ready = readyz(&serve).await;
    assert_eq!(ready["status"], "degraded, still issuing");
    assert!(ready["parts"]["tls_certificate"].as_str().unwrap().contains("expires on 20"), "{ready}");

    // A restart with an expired one: it starts, and says so; the next certificate needs no restart.
    assert_eq!(serve.terminate(), 0);
    due(&serve, 90, -1);
    let files = ["--set", "tls.certificate_file=tls/cert.pem", "--set", "tls.key_file=tls/key.pem"];
    let bind = format!("127.0.0.1:{}", serve.port);
    let log = std::fs::File::create(serve.path().join("log")).unwrap();
    let mut child =
        command(serve.path(), &[&["serve", "--bind", &bind, "--issuer", &serve.url("/")][..], &files].concat())
            .stderr(log)
            .spawn()
            .unwrap();
    serve.wait_for_log("has expired: clients refuse it").await;
    let ready = readyz(&serve).await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ready["status"], "degraded, still issuing");
    assert!(ready["parts"]["tls_certificate"].as_str().unwrap().contains("clients refuse it"), "{ready}");
}

#[tokio::test]
async fn a_slow_handshake_is_cut_and_their_number_is_bounded() {
    let limits = ["server.tls_handshake_seconds=1", "server.max_tls_handshakes=1", "server.workers=1"];
    let arguments: Vec<&str> = limits.iter().flat_map(|limit| ["--set", limit]).collect();
    let serve = Serve::start_tls(Ca::new("one"), &arguments).await;
    let started = Instant::now();
    let mut silent = TcpStream::connect(("127.0.0.1", serve.port)).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // The first bytes of a ClientHello, and then nothing.
    silent.write_all(&[22, 3, 1]).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    // There is room for one: this one waits for its turn, and then gets it.
    assert_eq!(Answer::to(serve.client().get(serve.url("/livez"))).await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
    assert_eq!(silent.read(&mut [0; 16]).unwrap_or(0), 0, "it is closed");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn plain_http_is_redirected_to_the_issuer_or_refused() {
    let port = free_port();
    let redirect = format!("server.http_redirect_bind=127.0.0.1:{port}");
    let serve = Serve::start_tls(Ca::new("one"), &["--set", &redirect, "--set", "server.hsts_seconds=86400"]).await;
    let plain = format!("http://localhost:{port}");
    let client = crate::support::answer::client();

    let headers = [("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "https")];
    for path in ["/", "/.well-known/openid-configuration?x=1", "//evil.example/a%2Fb", "/livez"] {
        for (name, value) in headers {
            for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
                let request = client.request(method, format!("{plain}{path}")).header(name, value);
                let answer = Answer::to(request).await;
                assert_eq!((answer.status, answer.header("location")), (308, serve.url(path).as_str()));
                assert_eq!(answer.header("strict-transport-security"), "", "RFC 6797 §7.2");
            }
        }
    }
    let absolute = exchange(
        &format!("{plain}/"),
        b"GET http://evil.example/a?b HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    );
    assert!(absolute.contains(&format!("location: {}\r\n", serve.url("/a?b"))), "{absolute}");

    let form = [("grant_type", "client_credentials"), ("client_id", "c"), ("client_secret", "a-canary")];
    let posted = Answer::to(client.post(format!("{plain}/oauth/token")).form(&form)).await;
    let managed = Answer::to(client.get(format!("{plain}/api/v2/clients")).bearer_auth("a-canary")).await;
    for answer in [posted, managed, Answer::to(client.delete(format!("{plain}/x"))).await] {
        assert_eq!(answer.error(), (400, "invalid_request".to_owned()));
        let told = answer.json()["error_description"].as_str().unwrap().to_owned();
        assert!(told.contains("replace every secret") && told.contains(serve.url("").as_str()), "{told}");
        assert_eq!((answer.header("location"), answer.header("connection")), ("", "close"));
    }
    serve.wait_for_log("came over plain HTTP").await;
    assert!(!serve.log().contains("a-canary") && !serve.log().contains("token request"), "{}", serve.log());

    let secure = Answer::to(serve.client().get(serve.url("/livez"))).await;
    assert_eq!(secure.header("strict-transport-security"), "max-age=86400");
    let missing = Answer::to(serve.client().get(serve.url("/nothing"))).await;
    assert_eq!((missing.status, missing.header("strict-transport-security")), (404, "max-age=86400"));
}

#[tokio::test]
async fn a_health_check_asks_this_machine_by_the_name_of_the_issuer() {
    let ca = Ca::new("one");
    let directory = tempfile::tempdir().unwrap();
    ca.write_pair_for(directory.path(), "auth.example.com");
    std::fs::write(directory.path().join("ca.pem"), &ca.pem).unwrap();
    let port = free_port();
    let settings = format!(
        "issuer = \"https://auth.example.com/\"\n[server]\nbind = \"0.0.0.0:{port}\"\n\
         [tls]\ncertificate_file = \"cert.pem\"\nkey_file = \"key.pem\"\n"
    );
    std::fs::write(directory.path().join("tokenhouse.toml"), settings).unwrap();
    let mut child = command(directory.path(), &["serve"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let check = |ca: &[&str]| run(directory.path(), &[&["healthcheck"], ca].concat());
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut checked = check(&["--ca-file", "ca.pem"]);
    while checked.code != 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
        checked = check(&["--ca-file", "ca.pem"]);
    }
    let unknown_ca = check(&[]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(checked.code == 0 && checked.stdout.contains("\"tls_certificate\":\"ok\""), "{checked:?}");
    assert_eq!(unknown_ca.code, 1, "{unknown_ca:?}");
}

#[tokio::test]
async fn no_redirect_and_no_hsts_unless_asked_for() {
    let serve = Serve::start_tls(Ca::new("one"), &[]).await;
    let answer = Answer::to(serve.client().get(serve.url("/livez"))).await;
    assert_eq!(answer.header("strict-transport-security"), "");
    let output = run(serve.path(), &["config", "check", "--set", "server.http_redirect_bind=0.0.0.0:80"]);
    assert!(output.code == 2 && output.stderr.contains("https://"), "{output:?}");
}

#[tokio::test]
async fn the_resource_api_has_tls_of_its_own() {
    let ca = Ca::new("one");
    let (pem, client) = (ca.pem.clone(), ca.client());
    let serve = Serve::start_tls(ca, &[]).await;
    let secret = serve.set_up();
    let token = serve.token_within_a_second("c", &secret, |answer| answer.status == 200).await.access_token();
    std::fs::write(serve.path().join("ca.pem"), pem).unwrap();
    let port = free_port();
    let bind = format!("127.0.0.1:{port}");
    let issuer = serve.url("/");
    let arguments = ["resource-api", "--bind", &bind, "--issuer", &issuer, "--audience", "https://api/"];
    let mut child = command(serve.path(), &arguments)
        .env("TOKENHOUSE__RESOURCE_API__CA_FILE", "ca.pem")
        .env("TOKENHOUSE__RESOURCE_API__TLS_CERTIFICATE_FILE", "tls/cert.pem")
        .env("TOKENHOUSE__RESOURCE_API__TLS_KEY_FILE", "tls/key.pem")
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let url = |path: &str| format!("https://localhost:{port}{path}");
    let deadline = Instant::now() + Duration::from_secs(20);
    while client.get(url("/healthz")).send().await.is_err() {
        assert!(Instant::now() < deadline, "it does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let answer = Answer::to(client.get(url("/whoami")).bearer_auth(&token)).await;
    let new = Ca::new("new");
    new.write_pair(&serve.path().join("tls-2"));
    swap(&serve, "tls-2");
    signal(child.id(), "HUP");
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut renewed = new.client().get(url("/healthz")).send().await;
    while renewed.is_err() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
        renewed = new.client().get(url("/healthz")).send().await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((answer.status, &answer.json()["client_id"]), (200, &"c".into()), "{answer:?}");
    assert!(renewed.is_ok(), "{renewed:?}");
}
