//! Bytes on a socket, as no HTTP client would send them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Sends `bytes` to `host:port` of `url` and returns all that comes back within the time.
pub fn exchange(url: &str, bytes: &[u8]) -> String {
    let address = url.split('/').nth(2).expect("an address");
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(3))).expect("a time-out");
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut piece) {
        answer.extend_from_slice(&piece[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of the first answer in `text`; 0 when there is none.
pub fn status(text: &str) -> u16 {
    text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0)
}
