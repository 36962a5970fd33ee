//! How does one connection send a request and take its answer, without ever waiting?

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::answer::{Answer, parse};

/// What is read at a time; answers that do not fit make it grow.
const BUFFER_BYTES: usize = 8 * 1024;
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// A kept connection with at most one request under way.
pub(super) struct Connection {
    /// Whose requests it sends.
    pub(super) lane: usize,
    /// The request under way: which, and since when by the plan.
    pub(super) under_way: Option<(usize, Instant)>,
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    sent: usize,
}

impl Connection {
    /// Connects.
    pub(super) fn open(address: SocketAddr, lane: usize, registry: &Registry, token: Token) -> io::Result<Self> {
        let stream = connect(address, registry, token)?;
        Ok(Self { lane, under_way: None, address, stream, buffer: vec![0; BUFFER_BYTES], filled: 0, sent: 0 })
    }

    /// Connects again, after the server has closed the connection.
    pub(super) fn reopen(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let _ = registry.deregister(&mut self.stream);
        self.stream = connect(self.address, registry, token)?;
        self.filled = 0;
        self.sent = 0;
        Ok(())
    }

    /// Has the server ended it, or said something unasked, as it does to connections that are idle too long?
    pub(super) fn is_stale(&mut self) -> bool {
        let mut byte = [0];
        !matches!(self.stream.read(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Sends request number `number`, or what fits of it.
    pub(super) fn send(&mut self, number: usize, since: Instant, request: &[u8]) -> io::Result<()> {
        self.under_way = Some((number, since));
        self.sent = 0;
        self.send_on(request)
    }

    /// Sends what is left of the request under way.
    pub(super) fn send_on(&mut self, request: &[u8]) -> io::Result<()> {
        while let Some(rest) = request.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Is a part of `request` still to be sent?
    pub(super) fn has_more_to_send(&self, request: &[u8]) -> bool {
        self.sent < request.len()
    }

    /// Reads what there is: the answer, once it is whole, with its body.
    pub(super) fn receive(&mut self) -> io::Result<Option<(Answer, &[u8])>> {
        let answer = loop {
            if self.filled == self.buffer.len() {
                self.buffer.resize(2 * self.filled, 0);
            }
            let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let room = free.len();
            match self.stream.read(free) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.filled += read;
                    let received = self.buffer.get(..self.filled).unwrap_or_default();
                    match parse(received).map_err(io::Error::other)? {
                        Some(answer) => break answer,
                        // Less than there was room for: nothing is left, so the next event tells of more.
                        None if read < room => return Ok(None),
                        None => {}
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        self.filled = 0;
        let body = self.buffer.get(answer.body.clone()).unwrap_or_default();
        Ok(Some((answer, body)))
    }
}

fn connect(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<TcpStream> {
    let stream = std::net::TcpStream::connect_timeout(&address, CONNECT_TIME)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(stream);
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(stream)
}
