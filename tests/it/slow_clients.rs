//! Clients that take their time with what they send or read: each is cut off, wherever it is slow, and nobody else notices.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rstest::rstest;

use crate::support::answer::{Answer, client};
use crate::support::raw::status;
use crate::support::{Dev, Serve};

/// Short times, so that the tests are.
const SHORT: [&str; 3] =
    ["server.request_head_seconds=1", "server.request_body_seconds=1", "server.keep_alive_seconds=1"];

/// Beyond this a client was not cut off. The longest that a test here has to wait is ten seconds, on a machine that is not busy.
const PATIENCE: Duration = Duration::from_mins(1);

async fn serve(more: &[&str]) -> Serve {
    let settings: Vec<&str> = SHORT.iter().chain(more).flat_map(|setting| ["--set", setting]).collect();
    Serve::start(&settings).await
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    stream
}

/// Sends `first`, then one piece of `drip` after the other until the connection is closed; returns what was answered.
fn drip(mut stream: TcpStream, first: &str, drip: &str) -> String {
    let (began, mut answer, mut piece) = (Instant::now(), Vec::new(), [0; 4096]);
    stream.write_all(first.as_bytes()).unwrap();
    loop {
        assert!(began.elapsed() < PATIENCE, "not cut off: {}", String::from_utf8_lossy(&answer));
        // Once it is closed, sending fails; what was answered before may still be read.
        let sent = stream.write_all(drip.as_bytes());
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&piece[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if sent.is_err() {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

const GET: &str = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
const FORM: &str = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_cut_off_also_after_a_whole_one() {
    let serve = serve(&[]).await;
    let first = drip(connect(serve.port), "GET /livez HTTP/1.1\r\nX: ", "y");
    assert_eq!(status(&first), 408, "{first}");
    for port in [serve.port, serve.metrics_port()] {
        let second = drip(connect(port), &format!("{GET}GET /livez HTTP/1.1\r\nX: "), "y");
        assert_eq!(second.matches("HTTP/1.1 200").count(), 1, "{second}");
    }
    assert_eq!(drip(connect(serve.port), "", "\r\n").matches("HTTP/1.1 408").count(), 1, "empty lines, one by one");
    assert_eq!(Answer::to(client().get(serve.url("/livez"))).await.status, 200);
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_cut_off_whether_or_not_anybody_reads_it() {
    let serve = serve(&[]).await;
    let (length, chunks) = ("Content-Length: 16000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n");
    for (framing, piece) in [(length, "x"), (chunks, "1\r\nx\r\n")] {
        let read = drip(connect(serve.port), &format!("{FORM}{framing}"), piece);
        assert_eq!(status(&read), 400, "{read}");
        assert!(read.contains("did not arrive in time"), "{read}");
        for (port, path) in [(serve.port, "/livez"), (serve.port, "/nothing"), (serve.metrics_port(), "/metrics")] {
            let unread = drip(connect(port), &format!("POST {path} HTTP/1.1\r\nHost: x\r\n{framing}"), piece);
            assert!(matches!(status(&unread), 404 | 405), "{path}: {unread}");
        }
    }
    let extension = drip(connect(serve.port), &format!("{FORM}{chunks}1;"), "a");
    assert!(matches!(status(&extension), 0 | 400), "{extension}");
    assert_eq!(Answer::to(client().get(serve.url("/livez"))).await.status, 200);
}

#[tokio::test]
async fn a_connection_on_which_nothing_comes_is_closed() {
    let serve = serve(&[]).await;
    let idle = drip(connect(serve.port), GET, "");
    assert_eq!(idle.matches("HTTP/1.1 200").count(), 1, "{idle}");
    assert_eq!(status(&drip(connect(serve.port), "", "")), 408, "and one on which nothing ever came");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_holds_no_connection() {
    let serve = serve(&[]).await;
    let open = async || serve.scrape().await.value("process_open_fds", &[]);
    let before = open().await;
    // More than the buffers of both ends hold, so that the server cannot get rid of it.
    let request = "GET /api/v2/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000);
    let connections: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = connect(serve.port);
            stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
            let _ = stream.write_all(request.as_bytes());
            stream
        })
        .collect();
    let began = Instant::now();
    while open().await > before + 10.0 {
        assert!(began.elapsed() < PATIENCE, "{} connections are still open", open().await - before);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop(connections);
}

#[tokio::test]
async fn a_slow_client_that_stays_within_its_times_is_served() {
    let serve = Serve::start(&[]).await;
    let mut stream = connect(serve.port);
    let (began, mut answer) = (Instant::now(), String::new());
    for round in 1..=3 {
        for piece in [&GET[..10], &GET[10..25], &GET[25..]] {
            tokio::time::sleep(Duration::from_millis(300)).await;
            stream.write_all(piece.as_bytes()).unwrap();
        }
        let mut piece = [0; 4096];
        while !answer.ends_with('}') || answer.matches("HTTP/1.1 200").count() < round {
            match stream.read(&mut piece) {
                Ok(0) => panic!("it was cut off after: {answer}"),
                Ok(read) => answer.push_str(&String::from_utf8_lossy(&piece[..read])),
                Err(_) => assert!(began.elapsed() < Duration::from_mins(1), "no answer after: {answer}"),
            }
        }
    }
}

/// A connection of HTTP/1.0 is one request long, and that is nobody else's matter.
#[tokio::test]
async fn who_speaks_http_1_0_closes_nobody_elses_connection() {
    let serve = serve(&["server.workers=1"]).await;
    let metrics = serve.metrics_url("/").trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
    for port in [serve.port, metrics] {
        for _ in 0..30 {
            let mut stream = connect(port);
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            stream.write_all(b"GET /livez HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
            stream.read_to_string(&mut String::new()).unwrap();
        }
        for _ in 0..10 {
            let mut stream = connect(port);
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            for round in 0..3 {
                stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
                let mut answer = [0; 4096];
                let read = stream.read(&mut answer).unwrap();
                assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "round {round} at {port}: {read} bytes");
            }
        }
    }
}

#[tokio::test]
async fn beyond_the_number_of_connections_others_wait_and_are_served_in_the_end() {
    let serve = serve(&["server.max_connections=2", "server.workers=1"]).await;
    let held: Vec<TcpStream> = (0..2).map(|_| connect(serve.port)).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(Answer::to(client().get(serve.metrics_url("/livez"))).await.status, 200, "it has room of its own");
    assert_eq!(Answer::to(client().get(serve.url("/livez"))).await.status, 200);
    let told = held.into_iter().map(|mut stream| stream.read(&mut [0; 4096]).unwrap_or(0));
    assert!(told.max() > Some(0), "there was room only after one that says nothing was cut off with 408");
}

#[rstest]
#[case::json("Content-Type: application/json\r\n", "POST", "/users")]
#[case::form_with_a_token("Content-Type: application/x-www-form-urlencoded\r\n", "GET", "/whoami")]
#[tokio::test]
async fn a_slow_body_at_the_resource_api_is_cut_off(#[case] lines: &str, #[case] method: &str, #[case] path: &str) {
    let dev = Dev::start(&[]);
    let token = dev.token(&[]).await.access_token();
    let port = dev.text("resource_api").split(':').nth(2).unwrap().trim_end_matches('/').parse().unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{lines}Content-Length: 60000\r\n\r\n"
    );
    let answer = drip(connect(port), &head, "x");
    assert!(matches!(status(&answer), 400 | 408), "{answer}");
}
