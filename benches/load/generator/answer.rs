//! How much of what was received is a whole answer? As little of HTTP/1.1 as that needs (RFC 9112 §6.3).

use std::ops::Range;

/// A whole answer at the start of what was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Where the body lies; with chunks, their frames lie in it too.
    pub(crate) body: Range<usize>,
    /// Does the server close the connection after it?
    pub(crate) closes: bool,
    /// Does it say when to come back?
    pub(crate) retry_after: bool,
}

/// What was received is no HTTP/1.1 answer that is understood here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not HTTP/1.1, or its length is not told")]
pub(crate) struct BrokenAnswer;

#[derive(Default)]
struct Head {
    length: Option<usize>,
    chunked: bool,
    closes: bool,
    retry_after: bool,
}

/// The answer at the start of `received`, once it is whole.
pub(crate) fn parse(received: &[u8]) -> Result<Option<Answer>, BrokenAnswer> {
    let Some((status, mut rest)) = line(received) else { return Ok(None) };
    let status = read_status(status)?;
    let mut head = Head::default();
    loop {
        let Some((field, after)) = line(rest) else { return Ok(None) };
        rest = after;
        if field.is_empty() {
            break;
        }
        head.note(field)?;
    }
    let start = received.len() - rest.len();
    let length = match (head.chunked, head.length) {
        (true, _) => match rest.windows(5).position(|window| window == b"0\r\n\r\n") {
            Some(last) => last + 5,
            None => return Ok(None),
        },
        (false, Some(length)) => length,
        (false, None) if status == 204 || status == 304 => 0,
        (false, None) => return Err(BrokenAnswer),
    };
    if rest.len() < length {
        return Ok(None);
    }
    let Head { closes, retry_after, .. } = head;
    Ok(Some(Answer { status, body: start..start + length, closes, retry_after }))
}

impl Head {
    fn note(&mut self, field: &[u8]) -> Result<(), BrokenAnswer> {
        let colon = field.iter().position(|byte| *byte == b':').ok_or(BrokenAnswer)?;
        let (name, value) = field.split_at(colon);
        // Names of other lengths are none of these: most fields are passed over by this alone.
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let digits = std::str::from_utf8(value).map_err(|_| BrokenAnswer)?;
                self.length = Some(digits.trim_start_matches([':', ' ']).trim_end().parse().map_err(|_| BrokenAnswer)?);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.chunked = true,
            10 if name.eq_ignore_ascii_case(b"connection") => self.closes = value.ends_with(b"close"),
            11 if name.eq_ignore_ascii_case(b"retry-after") => self.retry_after = true,
            _ => {}
        }
        Ok(())
    }
}

/// The first line, without its end, and what follows it.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = bytes.split_at_checked(end + 1)?;
    Some((line.trim_ascii_end(), rest))
}

fn read_status(line: &[u8]) -> Result<u16, BrokenAnswer> {
    let code = line.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3)).ok_or(BrokenAnswer)?;
    std::str::from_utf8(code).ok().and_then(|code| code.parse().ok()).ok_or(BrokenAnswer)
}
