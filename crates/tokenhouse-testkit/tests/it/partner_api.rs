//! How is an actix-web API tested with the testkit? The example of README.md.

// example
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, web};
use tokenhouse_testkit::{Defect, Endpoint, Failure, TestApi, TestClient, TestIssuer};
use tokenhouse_verifier::actix::Scoped;
use tokenhouse_verifier::{RemoteJwks, ResourceServer, Verifier, scope};

scope!(ReadOrders = "orders:read");

// The API under test: one route, with a scope.
async fn orders(token: Scoped<ReadOrders>) -> HttpResponse {
    HttpResponse::Ok().body(format!("the orders of {}", token.client()))
}

// Where its tokens come from is all that a test tells it.
fn resource_server(issuer: &TestIssuer) -> ResourceServer {
    let keys = RemoteJwks::of_issuer(issuer.url()).build().unwrap();
    ResourceServer::new(Verifier::new(issuer.url(), "https://orders.example/"), keys).clock(issuer.clock())
}

async fn issuer() -> TestIssuer {
    TestIssuer::builder()
        .api(TestApi::new("https://orders.example/").scope("orders:read").scope("orders:write"))
        .client(TestClient::new("shop").grant("https://orders.example/", ["orders:read"]))
        .start()
        .await
}

async fn status(api: web::Data<ResourceServer>, token: &str) -> StatusCode {
    let app = init_service(App::new().app_data(api).route("/orders", web::get().to(orders))).await;
    let request = TestRequest::get().uri("/orders").insert_header(("authorization", format!("Bearer {token}")));
    call_service(&app, request.to_request()).await.status()
}

#[actix_web::test]
async fn the_shop_sees_its_orders_until_its_token_expires() {
    let issuer = issuer().await;
    let api = web::Data::new(resource_server(&issuer));
    let token = issuer.token().await;
    assert_eq!(status(api.clone(), &token).await, StatusCode::OK);
    issuer.advance(std::time::Duration::from_hours(2)).await;
    assert_eq!(status(api, &token).await, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn another_scope_is_not_enough() {
    let issuer = issuer().await;
    let token = issuer.mint().scope("orders:write").token().await;
    assert_eq!(status(web::Data::new(resource_server(&issuer)), &token).await, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn no_defect_passes() {
    let issuer = issuer().await;
    let api = web::Data::new(resource_server(&issuer));
    for defect in Defect::ALL {
        let token = issuer.mint().defect(*defect).token().await;
        assert_eq!(status(api.clone(), &token).await, StatusCode::UNAUTHORIZED, "{defect:?}, {}", defect.reference());
    }
}

#[actix_web::test]
async fn without_keys_nobody_is_to_blame() {
    let issuer = issuer().await;
    let api = web::Data::new(resource_server(&issuer));
    issuer.fail_next(Endpoint::Jwks, Failure::status(500));
    let token = issuer.token().await;
    assert_eq!(status(api, &token).await, StatusCode::SERVICE_UNAVAILABLE);
    let asked = issuer.wait_for_requests(Endpoint::Jwks, 1).await;
    assert_eq!(asked[0].status, Some(500));
}
// end of example

#[test]
fn the_readme_shows_this_file() {
    let here = include_str!("partner_api.rs");
    let example = here.split_once("// example\n").unwrap().1.split_once("// end of example").unwrap().0.trim();
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("```rust,ignore\n{example}\n```")), "README.md shows another example");
}
