//! Where are metrics answered? Section `metrics`.

use std::net::SocketAddr;

use super::reader::{Read, Reader};
use super::server::parse_address;

/// Section `metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Where metrics and health checks are answered; nowhere without.
    pub bind: Option<SocketAddr>,
}

impl MetricsSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.required("metrics.bind", |text| match text {
            "off" => Ok(None),
            address => parse_address(address).map(Some).map_err(|reason| format!("{reason}, nor off")),
        })
        .map(|bind| Self { bind })
    }
}
