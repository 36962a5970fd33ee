//! How does a browser keep its session? In one cookie that no script, no other site and no subdomain gets hold of.

use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue};

use crate::issuer::console::SessionId;

/// Browsers take a cookie of this prefix only from this very host, over a connection that nobody else can read or write.
const NAME: &str = "__Host-tokenhouse";

/// The session that the headers of a request name, if they name exactly one.
pub(super) fn session_of(headers: &HeaderMap) -> Option<SessionId> {
    // What other programs set on this host may be anything.
    let lines: Vec<_> = headers.get_all(COOKIE).map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    let pairs = lines.iter().flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut named = pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value);
    let (Some(value), None) = (named.next(), named.next()) else { return None };
    SessionId::parse(value)
}

/// The header that keeps `session` until the browser is closed.
pub(super) fn keep(session: &SessionId) -> Option<HeaderValue> {
    let line = format!("{NAME}={}; Path=/; Secure; HttpOnly; SameSite=Strict", session.expose());
    let mut value = HeaderValue::from_str(&line).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The header that forgets it.
pub(super) fn forget() -> HeaderValue {
    HeaderValue::from_static("__Host-tokenhouse=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_once_or_not_at_all() {
        let id = "a".repeat(43);
        let named = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(COOKIE, HeaderValue::from_str(line).unwrap());
            }
            session_of(&headers).map(|id| id.expose().to_owned())
        };
        let own = format!("{NAME}={id}");
        assert_eq!(named(&[&own]).as_deref(), Some(id.as_str()));
        assert_eq!(named(&[&format!("theme=dark; {own}; other=1")]).as_deref(), Some(id.as_str()));
        let mut foreign = HeaderMap::new();
        foreign.append(COOKIE, HeaderValue::from_bytes(format!("x=\u{ff}; {own}").as_bytes()).unwrap());
        assert!(session_of(&foreign).is_some());
        for none in [vec![], vec!["tokenhouse=x"], vec![own.as_str(), own.as_str()], vec!["__Host-tokenhouse=short"]] {
            assert_eq!(named(&none), None, "{none:?}");
        }
        let kept = keep(&SessionId::parse(&id).unwrap()).unwrap();
        assert!(kept.is_sensitive() && kept.to_str().unwrap().ends_with("Secure; HttpOnly; SameSite=Strict"));
        assert!(forget().to_str().unwrap().starts_with(&format!("{NAME}=; ")));
    }
}
