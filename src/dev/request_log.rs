//! What was an issuer asked, and how did it answer? The last requests, numbered, for whoever waits for them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::endpoint::{Endpoint, Endpoints};

/// How many requests are kept.
pub const KEPT: usize = 1000;

/// How many bytes they may take in all, as JSON.
const KEPT_BYTES: usize = 4 * 1024 * 1024;

/// A request and its answer, without secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedRequest {
    /// The place in the order of answers, from 1.
    pub number: u64,
    /// When it was answered, by the issuer's clock.
    pub at: String,
    /// The method.
    pub method: String,
    /// The path, relative to the issuer or to the resource API.
    pub path: String,
    /// The query, if it could be read and is not too long.
    pub query: Option<Map<String, Value>>,
    /// How long it was.
    pub query_bytes: usize,
    /// Where it went.
    pub endpoint: Endpoint,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body, if it could be read.
    pub body: Option<Value>,
    /// How long its body was.
    pub body_bytes: usize,
    /// Whom it claims to come from.
    pub client_id: Option<String>,
    /// The status of the answer; none where the connection was closed without one.
    pub status: Option<u16>,
    /// The error of the answer.
    pub error: Option<String>,
    /// The fault that spoilt the answer.
    pub fault: Option<u64>,
}

/// Which requests somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Only those after this number.
    pub since: u64,
    /// Only those to these endpoints.
    pub endpoint: Option<Endpoints>,
    /// Only those of this client.
    pub client_id: Option<String>,
}

impl RequestFilter {
    fn matches(&self, request: &Entry) -> bool {
        request.number > self.since
            && self.endpoint.is_none_or(|endpoints| endpoints.include(request.endpoint))
            && self.client_id.as_ref().is_none_or(|id| request.client_id.as_ref() == Some(id))
    }
}

/// A request as it is kept: as text, which takes as much room as it is long. A tree of many small values takes a hundred times that.
#[derive(Debug)]
struct Entry {
    number: u64,
    endpoint: Endpoint,
    client_id: Option<String>,
    text: Arc<str>,
}

impl Entry {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.text.len() + self.client_id.as_ref().map_or(0, String::len)
    }
}

/// The requests that match.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestList {
    /// As JSON, in the order of their answers.
    texts: Vec<Arc<str>>,
    /// The highest number so far.
    pub last: u64,
    /// How many after those that were asked for are not there any more.
    pub lost: u64,
    /// Are there as many as were waited for?
    pub complete: bool,
}

impl RequestList {
    /// In the order of their answers.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        // What was written as one is one.
        self.texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
    }

    /// All of it, as JSON.
    pub fn to_json(&self) -> String {
        let Self { texts, last, lost, complete } = self;
        format!(r#"{{"requests":[{}],"last":{last},"lost":{lost},"complete":{complete}}}"#, texts.join(","))
    }
}

/// How much is in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LogExtent {
    /// The highest number so far.
    pub last: u64,
    /// How many are kept.
    pub kept: usize,
    /// How many are not there any more.
    pub lost: u64,
}

/// The log of one issuer.
#[derive(Debug)]
pub struct RequestLog {
    kept: Mutex<Kept>,
    news: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    requests: VecDeque<Entry>,
    bytes: usize,
    last: u64,
    /// The number of the last one that was dropped or cleared.
    gone: u64,
}

impl Default for RequestLog {
    fn default() -> Self {
        Self { kept: Mutex::default(), news: watch::Sender::new(0) }
    }
}

impl RequestLog {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request, whose number it gives.
    pub(super) fn add(&self, mut request: RecordedRequest) {
        let mut kept = self.kept();
        kept.last += 1;
        request.number = kept.last;
        // Every member of it can be written.
        let text = serde_json::to_string(&request).unwrap_or_default().into();
        let RecordedRequest { number, endpoint, client_id, .. } = request;
        let entry = Entry { number, endpoint, client_id, text };
        kept.bytes += entry.weight();
        kept.requests.push_back(entry);
        while kept.requests.len() > KEPT || (kept.bytes > KEPT_BYTES && kept.requests.len() > 1) {
            if let Some(oldest) = kept.requests.pop_front() {
                kept.bytes -= oldest.weight();
                kept.gone = oldest.number;
            }
        }
        drop(kept);
        self.news.send_modify(|count| *count += 1);
    }

    /// Those that match now; `wanted` says how many make it complete.
    pub fn list(&self, filter: &RequestFilter, wanted: usize) -> RequestList {
        let kept = self.kept();
        let matching = kept.requests.iter().filter(|request| filter.matches(request));
        let texts: Vec<_> = matching.map(|request| request.text.clone()).collect();
        let complete = texts.len() >= wanted;
        RequestList { texts, last: kept.last, lost: kept.gone.saturating_sub(filter.since), complete }
    }

    /// How many match now.
    fn count(&self, filter: &RequestFilter) -> usize {
        self.kept().requests.iter().filter(|request| filter.matches(request)).count()
    }

    /// Waits until `wanted` match, or `patience` is over.
    pub async fn wait(&self, filter: &RequestFilter, wanted: usize, patience: Duration) -> RequestList {
        let deadline = Instant::now() + patience;
        let mut news = self.news.subscribe();
        loop {
            // Marked before it is looked: what comes in between wakes.
            news.mark_unchanged();
            if self.count(filter) >= wanted {
                return self.list(filter, wanted);
            }
            // The sender lives as long as `self`.
            if timeout_at(deadline, news.changed()).await.is_err() {
                return self.list(filter, wanted);
            }
        }
    }

    /// How much there is.
    pub fn extent(&self) -> LogExtent {
        let kept = self.kept();
        LogExtent { last: kept.last, kept: kept.requests.len(), lost: kept.gone }
    }

    /// Empties it; the numbers go on.
    pub fn clear(&self) {
        let mut kept = self.kept();
        *kept = Kept { last: kept.last, gone: kept.last, ..Kept::default() };
    }

    /// Empties it; the numbers begin again.
    pub fn reset(&self) {
        *self.kept() = Kept::default();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn request(endpoint: Endpoint, client_id: &str, body_bytes: usize) -> RecordedRequest {
        RecordedRequest {
            number: 0,
            at: String::new(),
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: Some(Map::new()),
            query_bytes: 0,
            endpoint,
            headers: BTreeMap::new(),
            body: (body_bytes > 0).then(|| Value::String("x".repeat(body_bytes))),
            body_bytes,
            client_id: Some(client_id.to_owned()),
            status: Some(200),
            error: None,
            fault: None,
        }
    }

    #[test]
    fn the_oldest_are_lost_and_counted() {
        let log = RequestLog::default();
        for _ in 0..KEPT + 5 {
            log.add(request(Endpoint::Token, "a", 0));
        }
        let list = log.list(&RequestFilter::default(), 1);
        assert_eq!((list.requests().len(), list.requests()[0].number, list.lost), (KEPT, 6, 5));
        assert_eq!(log.list(&RequestFilter { since: 3, ..RequestFilter::default() }, 0).lost, 2);
        log.clear();
        assert_eq!(log.extent(), LogExtent { last: 1005, kept: 0, lost: 1005 });
        log.add(request(Endpoint::Token, "a", 0));
        assert_eq!(log.list(&RequestFilter::default(), 1).requests()[0].number, 1006);
        log.reset();
        assert_eq!(log.extent(), LogExtent { last: 0, kept: 0, lost: 0 });
    }

    #[test]
    fn large_bodies_leave_less_room() {
        let log = RequestLog::default();
        for _ in 0..KEPT {
            log.add(request(Endpoint::Token, "a", 16 * 1024));
        }
        let extent = log.extent();
        assert!(extent.kept < 260 && extent.kept > 200, "{extent:?}");
    }

    #[test]
    fn it_takes_what_it_weighs() {
        let log = RequestLog::default();
        let body: Value = serde_json::from_str(&format!("[{}]", vec![r#"{"":0}"#; 2300].join(","))).unwrap();
        let (long, name) = ("x".repeat(8 * 1024), "q".to_owned());
        for number in 0..600 {
            let query = Some(Map::from_iter([(name.clone(), long.clone().into())]));
            let body = (number % 2 == 0).then(|| body.clone());
            log.add(RecordedRequest { query, body, client_id: Some(long.clone()), ..request(Endpoint::Token, "a", 0) });
        }
        let kept = log.kept();
        let texts: usize = kept.requests.iter().map(|entry| entry.text.len() + 8 * 1024).sum();
        assert!(texts <= KEPT_BYTES && texts > KEPT_BYTES / 2, "{texts} bytes");
        drop(kept);
        let list = log.list(&RequestFilter::default(), 0);
        let read: Value = serde_json::from_str(&list.to_json()).unwrap();
        assert_eq!(read["requests"], serde_json::to_value(list.requests()).unwrap());
        assert_eq!((&read["last"], &read["complete"]), (&600.into(), &true.into()));
    }

    #[test]
    fn a_filter_chooses() {
        let log = RequestLog::default();
        log.add(request(Endpoint::Token, "a", 0));
        log.add(request(Endpoint::Jwks, "b", 0));
        log.add(request(Endpoint::Other, "b", 0));
        let numbers = |filter| log.list(&filter, 0).requests().iter().map(|one| one.number).collect::<Vec<_>>();
        assert_eq!(numbers(RequestFilter { since: 1, ..RequestFilter::default() }), [2, 3]);
        assert_eq!(numbers(RequestFilter { endpoint: Some(Endpoints::Any), ..RequestFilter::default() }), [1, 2]);
        assert_eq!(numbers(RequestFilter { client_id: Some("b".to_owned()), ..RequestFilter::default() }), [2, 3]);
    }

    #[tokio::test]
    async fn who_waits_hears_of_the_last_one() {
        let log = Arc::new(RequestLog::default());
        let late = log.clone();
        let waiting =
            tokio::spawn(async move { late.wait(&RequestFilter::default(), 2, Duration::from_mins(1)).await });
        log.add(request(Endpoint::Token, "a", 0));
        tokio::task::yield_now().await;
        log.add(request(Endpoint::Token, "a", 0));
        let list = waiting.await.unwrap();
        assert_eq!((list.requests().len(), list.complete), (2, true));
        let list = log.wait(&RequestFilter::default(), 3, Duration::from_millis(1)).await;
        assert_eq!((list.requests().len(), list.complete), (2, false));
    }
}
