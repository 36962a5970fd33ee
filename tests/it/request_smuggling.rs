//! Requests whose end two parties could see in different places (RFC 9112 §2.2, §3.2, §6, §7.1): each is refused, and what is hidden behind it is
//! never answered.

use crate::support::raw::{exchange, status};
use crate::support::{Dev, Serve};

/// What somebody hides behind a request; nothing else gets this answer.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";

/// How the answer to [`HIDDEN`] begins.
const HIDDEN_ANSWER: &str = "HTTP/1.1 404";

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// The head: it is refused before anything else.
    Head,
    /// The body: an endpoint that reads none may have answered before.
    Body,
}

/// A shape: its name, what is wrong, and the request to PATH without what is hidden behind it.
type Shape = (&'static str, Wrong, String);

/// A request with these header lines, which follow a right `Host`, and this body.
fn with(lines: &str, body: &str) -> String {
    format!("POST PATH HTTP/1.1\r\nHost: x\r\n{lines}\r\n{body}")
}

fn chunked(body: &str) -> String {
    with("Transfer-Encoding: chunked\r\n", body)
}

fn shapes() -> Vec<Shape> {
    let head = |name, request| (name, Wrong::Head, request);
    let body = |name, body: &str| (name, Wrong::Body, chunked(body));
    let get = |line: &str, rest: &str| format!("{line}\r\n{rest}\r\n\r\n");
    vec![
        head("length and coding", with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
        head("coding and length", with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")),
        head("space before the colon", with("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")),
        head("tab before the colon", with("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n")),
        head("vertical tab before the coding", with("Transfer-Encoding: \u{b}chunked\r\n", "0\r\n\r\n")),
        head("folded line", with("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")),
        head("folded length", with("Content-Length: 1\r\n 0\r\n", "")),
        head("xchunked", with("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
        head("quoted coding", with("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")),
        head("chunked, identity", with("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")),
        head("identity, chunked", with("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n")),
        head("chunked twice in a list", with("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")),
        head("identity with a length", with("Transfer-Encoding: identity\r\nContent-Length: 1\r\n", "x")),
        head("gzip", with("Transfer-Encoding: gzip\r\n", "")),
        head("no coding", with("Transfer-Encoding:\r\n", "")),
        head("two codings", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n")),
        head("two codings, chunked last", with("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
        head(
            "chunked in HTTP/1.0",
            "POST PATH HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_owned(),
        ),
        head("the same length twice", with("Content-Length: 1\r\nContent-Length: 1\r\n", "x")),
        head("two lengths", with("Content-Length: 1\r\nContent-Length: 2\r\n", "x")),
        head("lengths in a list", with("Content-Length: 1, 1\r\n", "x")),
        head("plus", with("Content-Length: +1\r\n", "x")),
        head("minus", with("Content-Length: -1\r\n", "")),
        head("hexadecimal", with("Content-Length: 0x1\r\n", "x")),
        head("no length", with("Content-Length:\r\n", "")),
        head("beyond 64 bits", with("Content-Length: 18446744073709551616\r\n", "")),
        head("bare CR in a value", with("X: a\rContent-Length: 5\r\n", "")),
        head("bare CR as the end of a line", get("GET PATH HTTP/1.1", "Host: x\rX: y")),
        head("NUL in a value", with("X: a\0b\r\n", "")),
        head("NUL in a name", with("X\0: a\r\n", "")),
        head("no colon", with("Content-Length 5\r\n", "")),
        head("no name", with(": a\r\n", "")),
        head("space in a name", with("Content Length: 5\r\n", "")),
        head("space before the first name", get("GET PATH HTTP/1.1", " Host: x")),
        head("no Host", get("GET PATH HTTP/1.1", "X: y")),
        head("two Hosts", get("GET PATH HTTP/1.1", "Host: x\r\nHost: x")),
        head("another Host than in the target", get("GET http://other.examplePATH HTTP/1.1", "Host: x")),
        head("space in the target", get("GET PATH x HTTP/1.1", "Host: x")),
        head("tab for a space", get("GET\tPATH\tHTTP/1.1", "Host: x")),
        head("another version", get("GET PATH HTTP/1.2", "Host: x")),
        head("HTTP/2 in words", get("GET PATH HTTP/2.0", "Host: x")),
        head("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        head("HTTP/0.9", "GET PATH\r\n".to_owned()),
        head("200 KB of empty lines", format!("{}{}", "\r\n".repeat(100_000), get("GET PATH HTTP/1.1", "Host: x"))),
        head("a binary head", "\u{1}\u{2}\u{3}\r\n\r\n".to_owned()),
        body("0x before a chunk's size", "0x1\r\nx\r\n0\r\n\r\n"),
        body("plus before a chunk's size", "+1\r\nx\r\n0\r\n\r\n"),
        body("minus before a chunk's size", "-1\r\nx\r\n0\r\n\r\n"),
        body("no size", "\r\nx\r\n0\r\n\r\n"),
        body("a size that is no number", "zz\r\nx\r\n0\r\n\r\n"),
        body("a size beyond 64 bits", "10000000000000001\r\nx\r\n0\r\n\r\n"),
        body("a size that ends with a bare LF", "1\nx\r\n0\r\n\r\n"),
        body("a chunk longer than its size", "1\r\nxyz\r\n0\r\n\r\n"),
        body("a chunk that ends with a bare LF", "1\r\nx\n0\r\n\r\n"),
        body("a bare LF in an extension", "1;a\nb\r\nx\r\n0\r\n\r\n"),
        body("200 KB of extension", &format!("1;{}\r\n", "a".repeat(200_000))),
    ]
}

/// Sends every shape to `path`, which answers 200 to right requests, at `url`.
fn refuse_every_shape(url: &str, path: &str) {
    let mut wrong = Vec::new();
    for (name, what, request) in shapes() {
        let request = request.replace("PATH", path);
        let answer = exchange(url, format!("{request}{HIDDEN}").as_bytes());
        let refused = match what {
            Wrong::Head => matches!(status(&answer), 0 | 400 | 431),
            Wrong::Body => answer.matches("HTTP/1.1 ").count() <= 2,
        };
        if !refused || answer.contains(HIDDEN_ANSWER) {
            wrong.push(format!("{name}: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
    let after = exchange(url, format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
    assert_eq!(status(&after), 200, "and others are served: {after}");
}

#[test]
fn the_issuer_refuses_every_shape() {
    let dev = Dev::start(&[]);
    refuse_every_shape(&dev.text("issuer"), "/livez");
    refuse_every_shape(&dev.text("issuer"), "/.well-known/jwks.json");
    assert!(!dev.log().contains("panic"), "{}", dev.log());
}

#[test]
fn the_resource_api_refuses_every_shape() {
    let dev = Dev::start(&[]);
    refuse_every_shape(&dev.text("resource_api"), "/healthz");
    assert!(!dev.log().contains("panic"), "{}", dev.log());
}

#[tokio::test]
async fn the_metrics_listener_refuses_every_shape() {
    let serve = Serve::start(&[]).await;
    refuse_every_shape(&serve.metrics_url(""), "/livez");
    assert!(!serve.log().contains("panic"), "{}", serve.log());
}

/// RFC 9112 §9.6: after the last request on a connection nothing is answered, whoever says that it is the last.
#[test]
fn nothing_is_answered_after_the_last_request_of_a_connection() {
    let dev = Dev::start(&[]);
    for url in [dev.text("issuer"), dev.text("resource_api")] {
        for last in [
            "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nConnection: x, close\r\nHost: x\r\n\r\n",
            "GET /healthz HTTP/1.0\r\n\r\n",
        ] {
            let hidden = "PUT /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
            let answer = exchange(&url, format!("{last}{hidden}").as_bytes());
            assert_eq!(answer.matches("HTTP/1.").count(), 1, "{last} {answer}");
        }
    }
}

/// The token endpoint reads bodies: there what is wrong with one is told, and nothing behind it is answered.
#[test]
fn a_body_that_is_framed_wrongly_is_refused_where_bodies_are_read() {
    let dev = Dev::start(&[]);
    let url = dev.text("issuer");
    for (name, _, request) in shapes().into_iter().filter(|(_, what, _)| *what == Wrong::Body) {
        let form = "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding";
        let request = request.replace("PATH", "/oauth/token").replace("Transfer-Encoding", form);
        let answer = exchange(&url, format!("{request}{HIDDEN}").as_bytes());
        assert!(matches!(status(&answer), 0 | 400 | 413) && !answer.contains(HIDDEN_ANSWER), "{name}: {answer}");
    }
}

/// What the RFC allows is read by the same rules: what stands in the body stays in the body.
#[test]
fn a_right_body_hides_nothing_and_what_is_pipelined_behind_it_is_answered() {
    let dev = Dev::start(&[]);
    let size = format!("{:x}", HIDDEN.len());
    for (name, request) in [
        ("a length", with(&format!("Content-Length: {}\r\n", HIDDEN.len()), HIDDEN)),
        ("a chunk", chunked(&format!("{size}\r\n{HIDDEN}\r\n0\r\n\r\n"))),
        ("a chunk with an extension", chunked(&format!("{size};a=b\r\n{HIDDEN}\r\n0\r\n\r\n"))),
        ("a trailer", chunked(&format!("{size}\r\n{HIDDEN}\r\n0\r\nX: {HIDDEN}"))),
        (
            "lines that end with LF alone",
            with(&format!("Content-Length: {}\r\n", HIDDEN.len()), "").replace("\r\n", "\n") + HIDDEN,
        ),
        ("an empty line before", format!("\r\n{}", with(&format!("Content-Length: {}\r\n", HIDDEN.len()), HIDDEN))),
        ("tab after the colon", with("Transfer-Encoding:\tchunked\r\n", &format!("{size}\r\n{HIDDEN}\r\n0\r\n\r\n"))),
        ("capitals", with("TRANSFER-ENCODING: Chunked\r\n", &format!("{size}\r\n{HIDDEN}\r\n0\r\n\r\n"))),
    ] {
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        // RFC 9112 §2.2 lets a server take an LF for the end of a line in a head, as long as it does so each time.
        let request = request.replace("PATH", "/oauth/token").replacen("Host: x", &format!("{form}Host: x"), 1);
        let last = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answer = exchange(&dev.text("issuer"), format!("{request}{last}").as_bytes());
        assert_eq!(status(&answer), 401, "{name}: the form holds no credentials: {answer}");
        assert!(!answer.contains(HIDDEN_ANSWER), "{name}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 1, "{name}: {answer}");
    }
}
