//! Metrics as a scraper reads them: OpenMetrics text, line by line, with every rule that a scraper may insist on.

use std::collections::{BTreeMap, BTreeSet};

/// One metric with its series.
#[derive(Debug)]
pub struct Family {
    pub name: String,
    pub help: String,
    pub kind: String,
    pub unit: Option<String>,
    pub samples: Vec<Sample>,
}

/// One line with a value.
#[derive(Clone, Debug)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// What a scrape brought.
#[derive(Debug)]
pub struct Exposition(pub Vec<Family>);

impl Exposition {
    /// Parses `text`, and panics at whatever is not right about it.
    pub fn parse(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("the end is marked");
        let mut families: Vec<Family> = Vec::new();
        let mut seen = BTreeSet::new();
        for line in body.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let (keyword, name) = (words.next().unwrap(), words.next().unwrap());
                let rest = words.next().unwrap_or_default().to_owned();
                if keyword == "HELP" {
                    assert!(seen.insert(format!("family {name}")), "twice: {line}");
                    let samples = Vec::new();
                    families.push(Family {
                        name: name.to_owned(),
                        help: rest,
                        kind: String::new(),
                        unit: None,
                        samples,
                    });
                    continue;
                }
                let family = families.last_mut().filter(|family| family.name == name && family.samples.is_empty());
                let family = family.unwrap_or_else(|| panic!("not under its HELP: {line}"));
                match keyword {
                    "TYPE" => family.kind = rest,
                    "UNIT" => family.unit = Some(rest),
                    _ => panic!("{line}"),
                }
            } else {
                let sample = Sample::parse(line);
                assert!(seen.insert(format!("{} {:?}", sample.name, sample.labels)), "twice: {line}");
                families.last_mut().expect("a HELP before it").samples.push(sample);
            }
        }
        families.iter().for_each(Family::check);
        Self(families)
    }

    /// The samples with this name and these labels among theirs.
    pub fn samples<'s>(&'s self, name: &'s str, labels: &'s [(&'s str, &'s str)]) -> impl Iterator<Item = &'s Sample> {
        let fits = move |sample: &&Sample| {
            sample.name == name
                && labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|own| own == value))
        };
        self.0.iter().flat_map(|family| &family.samples).filter(fits)
    }

    /// The same, where it is a whole number.
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let value = self.value(name, labels);
        value.to_string().parse().unwrap_or_else(|error| panic!("{name} {labels:?}: {value}: {error}"))
    }

    /// The value of the one sample with this name and these labels among its own.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let found: Vec<_> = self.samples(name, labels).collect();
        assert_eq!(found.len(), 1, "{name} {labels:?}: {found:?}");
        found[0].value
    }

    /// The names of all samples.
    pub fn names(&self) -> BTreeSet<&str> {
        self.0.iter().flat_map(|family| &family.samples).map(|sample| sample.name.as_str()).collect()
    }
}

impl Family {
    /// The name under which it is asked for.
    pub fn shown_name(&self) -> String {
        match self.kind.as_str() {
            "counter" => format!("{}_total", self.name),
            "info" => format!("{}_info", self.name),
            _ => self.name.clone(),
        }
    }

    /// The names of its labels.
    pub fn labels(&self) -> Vec<&str> {
        let names = self.samples.first().into_iter().flat_map(|sample| sample.labels.keys());
        names.map(String::as_str).filter(|name| *name != "le").collect()
    }

    fn check(&self) {
        assert!(self.help.ends_with('.') && !self.samples.is_empty(), "{self:?}");
        assert!(self.unit.as_ref().is_none_or(|unit| self.name.ends_with(&format!("_{unit}"))), "{self:?}");
        let suffixes: &[&str] = match self.kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "info" => &["_info"],
            "histogram" => &["_sum", "_count", "_bucket"],
            _ => panic!("{self:?}"),
        };
        for sample in &self.samples {
            let suffix =
                sample.name.strip_prefix(&self.name).unwrap_or_else(|| panic!("{} in {}", sample.name, self.name));
            assert!(suffixes.contains(&suffix), "{sample:?}");
            let labels: Vec<_> = sample.labels.keys().map(String::as_str).filter(|name| *name != "le").collect();
            assert_eq!(labels, self.labels(), "each series has the same labels: {sample:?}");
            assert!(self.kind == "gauge" || sample.value >= 0.0, "{sample:?}");
        }
        if self.kind == "histogram" {
            self.check_buckets();
        }
    }

    /// The buckets of each series ascend, and the last holds everything.
    fn check_buckets(&self) {
        let mut last: Option<(f64, f64)> = None;
        let mut count = f64::NAN;
        for sample in &self.samples {
            if sample.name.ends_with("_count") {
                count = sample.value;
            } else if sample.name.ends_with("_bucket") {
                let bound: f64 = sample.labels["le"].parse().expect("a number");
                assert!(last.is_none_or(|(before, fewer)| before < bound && fewer <= sample.value), "{sample:?}");
                last = (bound.is_finite()).then_some((bound, sample.value));
                assert!(bound.is_finite() || sample.value.to_bits() == count.to_bits(), "{sample:?}");
            }
        }
        assert!(last.is_none(), "there is no bucket +Inf: {}", self.name);
    }
}

impl Sample {
    /// `name{label="value",…} number`, in the characters that names may have and with nothing escaped.
    fn parse(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("the end of the labels")),
            None => (series, ""),
        };
        let is_name = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_lowercase())
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        assert!(is_name(name), "{line}");
        let mut parsed = BTreeMap::new();
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            let (label, value) = label.split_once('=').expect("a label and its value");
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).expect("in quotes");
            assert!(is_name(label) && !value.contains(['"', '\\']), "{line}");
            assert!(parsed.insert(label.to_owned(), value.to_owned()).is_none(), "twice in {line}");
        }
        Self { name: name.to_owned(), labels: parsed, value: value.parse().expect("a number") }
    }
}
