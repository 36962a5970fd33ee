//! How is a body read as a whole, within a bound of bytes and of time?

use actix_web::HttpRequest;
use actix_web::web::{self, BytesMut};
use futures_util::StreamExt as _;

use super::IssuerEndpoints;

/// Why there is no whole body.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum BodyFault {
    /// The sender stopped in the middle.
    #[error("the body broke off")]
    BrokenOff,
    /// It is longer than it may be.
    #[error("the body is longer than {limit} bytes")]
    TooLong {
        /// Bytes that it may have.
        limit: usize,
    },
    /// The sender took longer than it may.
    #[error("the body took too long to arrive")]
    TooSlow,
}

/// Reads the body of `request`, of at most `limit` bytes.
///
/// # Errors
/// Why there is none.
pub(super) async fn whole_body(
    request: &HttpRequest,
    mut payload: web::Payload,
    limit: usize,
) -> Result<BytesMut, BodyFault> {
    let time = request.app_data::<web::Data<IssuerEndpoints>>().map(|endpoints| endpoints.limits.body_time);
    let reading = async {
        let mut body = BytesMut::new();
        while let Some(piece) = payload.next().await {
            let piece = piece.map_err(|_| BodyFault::BrokenOff)?;
            if body.len() + piece.len() > limit {
                return Err(BodyFault::TooLong { limit });
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    };
    tokio::time::timeout(time.unwrap_or_default(), reading).await.unwrap_or(Err(BodyFault::TooSlow))
}
