//! How is one metric written, with its help, its unit and its series?

use std::fmt::Error;

use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::issuer::duration_histogram::Distribution;

/// The labels of one series.
pub(super) type Labels<'l, const N: usize> = [(&'static str, &'l str); N];

/// No labels: a metric with one series.
pub(super) const NONE: Labels<'static, 0> = [];

/// Writes metrics, each as a whole.
#[derive(Debug)]
pub(super) struct Families<'a>(pub(super) DescriptorEncoder<'a>);

impl Families<'_> {
    /// Counters; `name` is without `_total`.
    pub(super) fn counters<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'l, N>, u64)>,
    ) -> Result<(), Error> {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in series {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    /// Gauges; `name` is without the `unit`.
    pub(super) fn gauges<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        series: impl IntoIterator<Item = (Labels<'l, N>, f64)>,
    ) -> Result<(), Error> {
        let mut family = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        for (labels, value) in series {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Histograms of durations; `name` is without `_seconds`.
    pub(super) fn histograms<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'l, N>, Distribution)>,
    ) -> Result<(), Error> {
        let mut family = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        for (labels, distribution) in series {
            let bounded = distribution.buckets.iter().map(|(bound, count)| (bound.as_secs_f64(), *count));
            let buckets: Vec<_> = bounded.chain(std::iter::once((f64::INFINITY, distribution.beyond))).collect();
            let (sum, count) = (distribution.total.as_secs_f64(), distribution.count());
            family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }

    /// A metric that is all labels; `name` is without `_info`.
    pub(super) fn info<const N: usize>(&mut self, name: &str, help: &str, labels: Labels<'_, N>) -> Result<(), Error> {
        self.0.encode_descriptor(name, help, None, MetricType::Info)?.encode_info(&labels)
    }
}

/// A number as metrics have them. Beyond 2^53 it is rounded.
#[expect(clippy::cast_precision_loss, reason = "metrics are floating-point numbers")]
pub(super) const fn number(value: u64) -> f64 {
    value as f64
}

/// One for yes, zero for no.
pub(super) fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "2^53 milliseconds are far away")]
pub(super) const fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}
