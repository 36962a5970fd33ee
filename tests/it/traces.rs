//! Traces: what a collector gets, what it never gets, and that nobody waits for one that is gone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::answer::client;
use crate::support::assertion::{PartnerKey, document, key_client, token};
use crate::support::exposition::Exposition;
use crate::support::program::{command, run_with};
use crate::support::serve::{free_port, signal};
use crate::support::{Answer, Serve};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A collector that takes everything.
async fn collector() -> MockServer {
    let collector = MockServer::start().await;
    let taken =
        Mock::given(method("POST")).and(path("/v1/traces")).and(header("content-type", "application/x-protobuf"));
    taken.respond_with(ResponseTemplate::new(200)).mount(&collector).await;
    collector
}

/// The bodies that the collector got.
async fn bodies(collector: &MockServer) -> Vec<Vec<u8>> {
    collector.received_requests().await.unwrap().into_iter().map(|request| request.body).collect()
}

/// The spans that the collector got, and the attributes of who sent them.
async fn received(collector: &MockServer) -> (Vec<Span>, BTreeMap<String, String>) {
    let (mut spans, mut resource) = (Vec::new(), BTreeMap::new());
    for body in bodies(collector).await {
        for group in ExportTraceServiceRequest::decode(body.as_slice()).unwrap().resource_spans {
            resource = texts(&group.resource.unwrap().attributes);
            spans.extend(group.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    (spans, resource)
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(yes)) => yes.to_string(),
        other => panic!("unexpected {other:?}"),
    };
    attributes.iter().map(|one| (one.key.clone(), text(&one.value))).collect()
}

fn endpoint(collector: &MockServer) -> String {
    format!("tracing.otlp_endpoint={}", collector.uri())
}

/// The one span whose attribute `name` is `value`, and its children by name.
fn find<'s>(spans: &'s [Span], name: &str, value: &str) -> (&'s Span, BTreeMap<&'s str, &'s Span>) {
    let has = |span: &&Span| texts(&span.attributes).get(name).is_some_and(|own| own == value);
    let found: Vec<_> = spans.iter().filter(has).collect();
    let [span] = found[..] else { panic!("{} spans with {name}={value}: {spans:#?}", found.len()) };
    let children = spans.iter().filter(|child| child.parent_span_id == span.span_id);
    (span, children.map(|child| (child.name.as_str(), child)).collect())
}

fn with_id(request: reqwest::RequestBuilder, id: &str) -> reqwest::RequestBuilder {
    request.header("x-request-id", id)
}

#[tokio::test]
async fn each_request_is_a_span_with_its_outcome_and_its_steps() {
    let collector = collector().await;
    let mut serve = Serve::start(&["--set", &endpoint(&collector)]).await;
    let secret = serve.set_up();
    let key = PartnerKey::new("ES256");
    std::fs::write(serve.path().join("document.json"), document(&[key_client("k", &[key.jwk()])]).to_string()).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    serve.token_within_a_second("c", &secret, |answer| answer.status == 200).await;
    let url = serve.url("/oauth/token");
    let form = |secret| [("grant_type", "client_credentials"), ("client_id", "c"), ("client_secret", secret)];
    Answer::to(with_id(client().post(&url).form(&form(&secret)), "right")).await;
    Answer::to(with_id(client().post(&url).form(&form("canary-wrong")), "wrong")).await;
    let manager = serve.cli(&["client", "create", "--id", "m", "--management", "--output", "json"]).success().json();
    let manager = manager["client_secret"].as_str().unwrap();
    let access = serve.token_within_a_second("m", manager, |answer| answer.status == 200).await.access_token();
    let call = || client().get(serve.url("/api/v2/clients/canary-path?q=canary-query"));
    Answer::to(with_id(call().bearer_auth(&access), "managed")).await;
    Answer::to(with_id(call(), "unmanaged")).await;
    Answer::to(with_id(client().get(serve.url("/canary-nowhere")), "nowhere")).await;
    let odd = reqwest::Method::from_bytes(b"CANARY").unwrap();
    Answer::to(with_id(client().request(odd, &url), "odd")).await;
    let assertion = key.assertion("k", &serve.url("/"), &json!({}));
    let deadline = Instant::now() + Duration::from_secs(5);
    while token(&url, &assertion, &[]).await.status != 200 {
        assert!(Instant::now() < deadline, "the client with a key gets no token");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // What waits is sent before the program ends.
    assert_eq!(serve.terminate(), 0);

    let (spans, resource) = received(&collector).await;
    let expected = [("service.name", "tokenhouse"), ("service.version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(resource, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let (span, children) = find(&spans, "tokenhouse.request_id", "right");
    let attributes = texts(&span.attributes);
    assert_eq!(span.name, "POST /oauth/token");
    assert_eq!((span.kind, span.parent_span_id.len(), span.links.len()), (2, 0, 0));
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/oauth/token"),
        ("http.response.status_code", "200"),
        ("tokenhouse.outcome", "issued"),
        ("tokenhouse.client_id", "c"),
        ("tokenhouse.authenticated", "true"),
        ("tokenhouse.mechanism", "client_secret_post"),
        ("tokenhouse.audience", "https://api/"),
    ] {
        assert_eq!(attributes.get(name).map(String::as_str), Some(value), "{name}: {attributes:?}");
    }
    let sign = children["sign"];
    assert!(
        span.start_time_unix_nano <= sign.start_time_unix_nano && sign.start_time_unix_nano < sign.end_time_unix_nano
    );
    assert!(sign.end_time_unix_nano <= span.end_time_unix_nano && sign.trace_id == span.trace_id);

    let (span, children) = find(&spans, "tokenhouse.request_id", "wrong");
    let attributes = texts(&span.attributes);
    assert_eq!(
        (attributes["tokenhouse.outcome"].as_str(), attributes["tokenhouse.cause"].as_str()),
        ("refused", "invalid_client")
    );
    assert_eq!(
        (attributes["http.response.status_code"].as_str(), attributes["tokenhouse.authenticated"].as_str()),
        ("401", "false")
    );
    assert_eq!(children.keys().collect::<Vec<_>>(), [&"authenticate"]);

    let (span, _) = find(&spans, "tokenhouse.request_id", "managed");
    assert_eq!(span.name, "GET /api/v2/clients/{id}");
    assert_eq!(texts(&span.attributes)["http.response.status_code"], "404");
    // Refused before anybody looks where it would lead.
    let (span, _) = find(&spans, "tokenhouse.request_id", "unmanaged");
    assert_eq!((span.name.as_str(), texts(&span.attributes)["http.response.status_code"].as_str()), ("GET", "401"));
    assert!(!texts(&span.attributes).contains_key("tokenhouse.outcome"));
    let (span, _) = find(&spans, "tokenhouse.request_id", "odd");
    assert!(texts(&span.attributes)["http.request.method"] == "_OTHER", "{span:?}");

    let issued_by_key = |span: &&Span| {
        let attributes = texts(&span.attributes);
        attributes.get("tokenhouse.client_id").is_some_and(|id| id == "k")
            && attributes["tokenhouse.outcome"] == "issued"
    };
    let span = spans.iter().find(issued_by_key).expect("the client with a key");
    let children = spans.iter().filter(|child| child.parent_span_id == span.span_id).map(|child| child.name.as_str());
    assert_eq!(children.collect::<Vec<_>>(), ["store assertion use", "authenticate", "sign"]);
    assert!(!spans.iter().any(|span| span.name.ends_with("/readyz")), "probes are not traced");

    let sent: Vec<u8> = bodies(&collector).await.concat();
    let sent = String::from_utf8_lossy(&sent);
    for hidden in ["canary", "CANARY", secret.as_str(), manager, assertion.as_str(), "eyJ", "ths_"] {
        assert!(!sent.contains(hidden), "{hidden} is told");
    }
}

#[tokio::test]
async fn the_trace_of_a_trusted_proxy_goes_on_and_that_of_a_stranger_is_linked() {
    for (trusted, sampled) in [(true, true), (true, false), (false, true)] {
        let collector = collector().await;
        let mut arguments = vec!["--set".to_owned(), endpoint(&collector), "--set".to_owned()];
        arguments.push(format!("server.trusted_proxies={}", if trusted { "127.0.0.0/8,::1" } else { "10.0.0.0/8" }));
        // A proxy decides for its requests, whatever is set here.
        if trusted && sampled {
            arguments.extend(["--set", "tracing.sampled_per_thousand=0"].map(str::to_owned));
        }
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let mut serve = Serve::start(&arguments).await;
        let request = client().get(serve.url("/.well-known/jwks.json"));
        let flags = if sampled { "01" } else { "00" };
        let request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-{flags}"));
        Answer::to(with_id(request.header("tracestate", "vendor=canary"), "told")).await;
        assert_eq!(serve.terminate(), 0);
        let (spans, _) = received(&collector).await;
        if trusted && !sampled {
            assert!(!spans.iter().any(|span| texts(&span.attributes)["tokenhouse.request_id"] == "told"), "{spans:?}");
            continue;
        }
        let (span, _) = find(&spans, "tokenhouse.request_id", "told");
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        if trusted {
            assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
        } else {
            let [link] = &span.links[..] else { panic!("one link: {span:?}") };
            assert_eq!(
                (hex(&link.trace_id), hex(&link.span_id), link.trace_state.as_str()),
                (TRACE.to_owned(), PARENT.to_owned(), "")
            );
            assert!(hex(&span.trace_id) != TRACE && span.parent_span_id.is_empty() && span.trace_state.is_empty());
        }
    }
}

#[tokio::test]
async fn a_part_of_the_requests_is_enough_and_headers_go_along() {
    let collector = collector().await;
    let headers = "tracing.otlp_headers=authorization=Bearer canary-key,x-scope=one";
    let arguments = ["--set", &endpoint(&collector), "--set", headers, "--set", "tracing.sampled_per_thousand=200"];
    let mut serve = Serve::start(&arguments).await;
    for _ in 0..200 {
        Answer::to(client().get(serve.url("/.well-known/jwks.json"))).await;
    }
    assert_eq!(serve.terminate(), 0);
    let (spans, _) = received(&collector).await;
    // One in five: beyond these bounds once in many million runs.
    assert!((5..120).contains(&spans.len()), "{} of 200", spans.len());
    for request in collector.received_requests().await.unwrap() {
        assert_eq!(
            (&request.headers["authorization"], &request.headers["x-scope"]),
            (&"Bearer canary-key".parse().unwrap(), &"one".parse().unwrap())
        );
    }
    assert!(!serve.log().contains("canary"), "{}", serve.log());
}

#[tokio::test]
async fn a_collector_that_is_gone_hangs_or_refuses_does_no_harm() {
    let refusing = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(503)).mount(&refusing).await;
    // It accepts connections, and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://127.0.0.1:{}", free_port());
    for url in [refusing.uri(), format!("http://{}", silent.local_addr().unwrap()), nobody] {
        let mut serve = Serve::start(&["--set", &format!("tracing.otlp_endpoint={url}")]).await;
        let secret = serve.set_up();
        serve.token_within_a_second("c", &secret, |answer| answer.status == 200).await;
        for _ in 0..50 {
            assert_eq!(serve.token("c", &secret).await.status, 200);
        }
        serve.wait_for_log("the collector takes no traces").await;
        let spans = |scraped: &Exposition, fate| scraped.count("tokenhouse_trace_spans_total", &[("fate", fate)]);
        let scraped = serve.scrape().await;
        assert!(spans(&scraped, "made") > 50 && spans(&scraped, "refused") > 0, "{scraped:?}");
        assert_eq!(spans(&scraped, "taken"), 0);
        let began = Instant::now();
        assert_eq!(serve.terminate(), 0);
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "its end does not wait for the collector: {:?}",
            began.elapsed()
        );
        assert_eq!(serve.log().matches("the collector takes no traces").count(), 1, "told once: {}", serve.log());
    }
}

#[tokio::test]
async fn the_resource_api_sends_spans_of_its_own() {
    let collector = collector().await;
    let directory = tempfile::tempdir().unwrap();
    let bind = format!("127.0.0.1:{}", free_port());
    let arguments = ["resource-api", "--bind", &bind, "--issuer", "http://localhost:1/", "--audience", "https://api/"];
    let set = ["--set", &endpoint(&collector)];
    let mut started = command(directory.path(), &[&arguments[..], &set].concat());
    let mut child = started.stderr(std::process::Stdio::null()).spawn().unwrap();
    let whoami = || with_id(client().get(format!("http://{bind}/whoami")).bearer_auth("canary"), "whoami");
    let deadline = Instant::now() + Duration::from_secs(30);
    while !whoami().send().await.is_ok_and(|answer| answer.status() == 401) {
        assert!(Instant::now() < deadline, "it does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let (spans, resource) = received(&collector).await;
    assert_eq!(resource["service.name"], "tokenhouse-resource-api");
    let (span, _) = find(&spans, "tokenhouse.request_id", "whoami");
    assert_eq!(
        (span.name.as_str(), texts(&span.attributes)["http.response.status_code"].as_str()),
        ("GET /whoami", "401")
    );
    assert!(!String::from_utf8_lossy(&bodies(&collector).await.concat()).contains("canary"));
}

#[test]
fn mistakes_in_the_settings_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let check = |variables: &[(&str, &str)]| run_with(directory.path(), &["config", "check"], variables, "");
    let endpoint = "TOKENHOUSE__TRACING__OTLP_ENDPOINT";
    let headers = ("TOKENHOUSE__TRACING__OTLP_HEADERS", "authorization=canary");
    for (variables, told) in [
        (&[(endpoint, "collector:4318")][..], "http://"),
        (&[(endpoint, "http://collector:4318"), headers], "in clear; use https"),
        (&[(headers.0, "canary")], "name=value"),
        (&[("TOKENHOUSE__TRACING__SAMPLED_PER_THOUSAND", "1001")], "1000"),
    ] {
        let output = check(variables);
        assert!(output.code == 2 && output.stderr.contains(told), "{told}: {output:?}");
        assert!(!output.stderr.contains("canary"), "{output:?}");
    }
    assert_eq!(check(&[(endpoint, "http://collector:4318")]).code, 0);
}
