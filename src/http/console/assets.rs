//! How are the style sheet, the script and the icon served? From the binary, and cached for as long as they are the same.

use std::fmt::Write;
use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::digest;
use rust_embed::RustEmbed;

use super::reads;
use crate::http::error::{not_found, only};

#[derive(RustEmbed)]
#[folder = "src/http/console/assets"]
struct Assets;

/// Registers `{base}/assets/{name}`.
pub(super) fn configure(config: &mut ServiceConfig, base: &str) {
    let resource = web::resource(format!("{base}/assets/{{name}}"));
    config.service(only("GET, HEAD", resource.route(reads().to(serve))));
}

/// The version of the assets: another one when any of them changed.
pub(super) fn tag() -> &'static str {
    static TAG: LazyLock<String> = LazyLock::new(|| {
        let mut names: Vec<_> = Assets::iter().collect();
        names.sort_unstable();
        let mut context = digest::Context::new(&digest::SHA256);
        for name in names {
            context.update(name.as_bytes());
            context.update(&Assets::get(&name).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
        }
        let hash = context.finish();
        hash.as_ref().iter().take(6).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    });
    &TAG
}

async fn serve(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    let (Some(file), Some(content_type)) = (Assets::get(&name), content_type(&name)) else {
        return not_found(request).await;
    };
    let etag = format!("\"{}\"", tag());
    // The address of a version never means anything else; without one, ask again soon.
    let names_version = request.query_string() == format!("v={}", tag());
    let caching = if names_version { "public, max-age=31536000, immutable" } else { "public, max-age=60" };
    let has_it = request.headers().get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes());
    let mut response = if has_it { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((CACHE_CONTROL, caching))
        .insert_header((ETAG, etag))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if has_it {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, content_type)).body(file.data)
}

fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, dev::ServiceResponse};

    use super::*;

    async fn get(path: &str, if_none_match: &str) -> ServiceResponse {
        let app = init_service(App::new().configure(|config| configure(config, "/i/console"))).await;
        let request = TestRequest::get().uri(path).insert_header((IF_NONE_MATCH, if_none_match)).to_request();
        call_service(&app, request).await
    }

    fn header<'a>(response: &'a ServiceResponse, name: &str) -> &'a str {
        response.headers().get(name).unwrap().to_str().unwrap()
    }

    #[actix_web::test]
    async fn serves_every_asset_with_its_type() {
        for (name, content_type) in [
            ("console.css", "text/css; charset=utf-8"),
            ("console.js", "text/javascript; charset=utf-8"),
            ("htmx.min.js", "text/javascript; charset=utf-8"),
            ("icon.svg", "image/svg+xml"),
        ] {
            let response = get(&format!("/i/console/assets/{name}?v={}", tag()), "").await;
            assert_eq!(response.status(), StatusCode::OK, "{name}");
            assert_eq!(header(&response, "content-type"), content_type);
            assert_eq!(header(&response, "cache-control"), "public, max-age=31536000, immutable");
            assert_eq!(header(&response, "x-content-type-options"), "nosniff");
            assert!(!read_body(response).await.is_empty());
        }
    }

    #[actix_web::test]
    async fn caches_briefly_what_does_not_name_the_version() {
        let response = get("/i/console/assets/console.css?v=old", "").await;
        assert_eq!(header(&response, "cache-control"), "public, max-age=60");
        let etag = header(&response, "etag").to_owned();
        assert_eq!(get("/i/console/assets/console.css", &etag).await.status(), StatusCode::NOT_MODIFIED);
    }

    #[actix_web::test]
    async fn serves_nothing_else() {
        for name in ["README.md", "absent.css", "..%2Fmod.rs", "console"] {
            assert_eq!(get(&format!("/i/console/assets/{name}"), "").await.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    #[test]
    fn htmx_is_the_release_that_the_readme_names() {
        let file = Assets::get("htmx.min.js").unwrap();
        let hash = file.metadata.sha256_hash().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        assert!(include_str!("assets/README.md").contains(&hash), "{hash}");
    }
}
