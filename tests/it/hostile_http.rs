//! Requests that no honest client sends: each gets a clear 4xx, and the server goes on.

use rstest::rstest;

use crate::support::Dev;
use crate::support::answer::{Answer, client};
use crate::support::raw::{exchange, status};

const FORM: &str = "application/x-www-form-urlencoded";
const GRANT: &str = "grant_type=client_credentials&client_id=partner-a&client_secret=x";

#[tokio::test]
async fn malformed_bodies_are_invalid_requests() {
    let dev = Dev::start(&[]);
    let deep = format!("{{\"scope\":{}}}", "[".repeat(8_000));
    let many = "x=1&".repeat(65);
    for (content_type, body) in [
        (FORM, format!("{GRANT}&grant_type=client_credentials")),
        (FORM, format!("{GRANT}&scope=%zz")),
        (FORM, format!("{GRANT}&scope=%ff")),
        (FORM, format!("{many}{GRANT}")),
        ("text/plain", GRANT.to_owned()),
        ("multipart/form-data; boundary=x", GRANT.to_owned()),
        ("application/json", "{".to_owned()),
        ("application/json", "[]".to_owned()),
        ("application/json", "null".to_owned()),
        ("application/json", r#"{"grant_type":1}"#.to_owned()),
        ("application/json", r#"{"scope":"a","scope":"b"}"#.to_owned()),
        ("application/json", deep),
    ] {
        let answer = dev.token_body(content_type, body.clone()).await;
        let shown = body.get(..60).unwrap_or(&body);
        assert_eq!(answer.error(), (400, "invalid_request".to_owned()), "{content_type} {shown}");
        assert!(answer.json()["error_description"].as_str().is_some_and(|text| text.len() > 10), "{shown}");
    }
    assert_eq!(dev.token(&[]).await.status, 200);
}

#[tokio::test]
async fn malformed_basic_is_an_invalid_request() {
    let dev = Dev::start(&[]);
    for header in ["Basic", "Basic ###", "Basic bm9jb2xvbg==", "Basic //79", "Basic YTpiAA==", "Basic YQ==YQ=="] {
        let none = [("client_id", None), ("client_secret", None)];
        let answer = dev.token_with(&none, &[("authorization", header)]).await;
        assert_eq!(answer.error(), (400, "invalid_request".to_owned()), "{header}");
    }
    let bearer = dev.token_with(&[("client_secret", None)], &[("authorization", "Bearer x")]).await;
    assert_eq!(bearer.error(), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn what_is_too_large_is_told() {
    let dev = Dev::start(&[]);
    for size in [20_000, 300_000, 3_000_000] {
        let answer = dev.token_body(FORM, format!("{GRANT}&x={}", "y".repeat(size))).await;
        assert_eq!(answer.error(), (413, "invalid_request".to_owned()), "{size}");
    }
    let chunked = ChunkedBody(vec!["z".repeat(9_000); 3].into_iter());
    assert_eq!(dev.token_body(FORM, reqwest::Body::wrap(chunked)).await.status, 413, "in chunks, without a length");
    let headers = client().get(dev.issuer("/livez")).header("x-long", "h".repeat(20_000));
    assert_eq!(Answer::to(headers).await.status, 431);
    let many =
        (0..100).fold(client().get(dev.issuer("/livez")), |request, number| request.header(format!("x-{number}"), "h"));
    assert_eq!(Answer::to(many).await.status, 431);
    let answer = dev.get(&dev.issuer(&format!("/{}", "p".repeat(20_000)))).await;
    assert_eq!(answer.status, 431);
}

/// A body that is sent in chunks.
struct ChunkedBody(std::vec::IntoIter<String>);

impl http_body::Body for ChunkedBody {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        std::task::Poll::Ready(self.0.next().map(|text| Ok(http_body::Frame::data(text.into()))))
    }
}

#[rstest]
#[case::two_lengths("POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef")]
#[case::length_and_chunked(
    "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
)]
#[case::chunked_not_last(
    "POST /oauth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"
)]
#[case::negative_length("POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")]
#[case::no_host("GET /livez HTTP/1.1\r\n\r\n")]
#[case::two_hosts("GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")]
#[case::space_in_name("GET /livez HTTP/1.1\r\nHost : x\r\n\r\n")]
#[case::garbage("\u{1}\u{2}\u{3}\r\n\r\n")]
#[case::bad_chunk(
    "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"
)]
#[case::nul_in_header("GET /livez HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n")]
fn broken_http_is_refused_and_nobody_else_notices(#[case] request: &str) {
    let dev = Dev::start(&[]);
    let answer = exchange(&dev.text("issuer"), request.as_bytes());
    let refused = status(&answer);
    assert!(refused == 0 || (400..500).contains(&refused), "{answer}");
    let after = exchange(&dev.text("issuer"), b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&after), 200);
    assert!(!dev.log().contains("panic"), "{}", dev.log());
}

#[tokio::test]
async fn hostile_client_ids_reach_neither_answer_nor_log() {
    let dev = Dev::start(&[]);
    for id in ["a\nb", "\u{1b}[31mred", "{\"level\":\"ERROR\"}", "ü", "' OR 1=1 --", "../../etc/passwd"] {
        let answer = dev.token(&[("client_id", Some(id))]).await;
        assert_eq!(answer.error(), (401, "invalid_client".to_owned()), "{id:?}");
        assert!(!answer.text.contains(id), "{id:?}");
    }
    for line in dev.log().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_as_json() {
    let dev = Dev::start(&[]);
    let missing = dev.get(&dev.issuer("/nothing/here")).await;
    assert_eq!(missing.error(), (404, "not_found".to_owned()));
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let request = client().request(method.parse().unwrap(), dev.text("token_endpoint"));
        let answer = Answer::to(request).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
    }
}
