//! Which part of the list is asked for? `page` counts from 0, `per_page` says how many there are on one.

use std::str::FromStr;

use thiserror::Error;
use url::form_urlencoded;

const DEFAULT_PER_PAGE: u32 = 50;
const MAX_PER_PAGE: u32 = 100;

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// How many such parts come before it.
    pub(super) number: u32,
    /// How many users it has at most, 1 to 100.
    pub(super) per_page: u32,
}

/// A query that names no page. The text is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum InvalidPage {
    /// `page` is no number.
    #[error("page must be a whole number from 0, such as page=0")]
    Number,
    /// `per_page` is no number, or too large a one.
    #[error("per_page must be a whole number from 1 to 100, such as per_page=50")]
    PerPage,
    /// A parameter is there twice.
    #[error("page and per_page may be given once each")]
    Repeated,
}

impl Page {
    /// How many users come before it.
    pub(super) fn offset(self) -> i64 {
        i64::from(self.number) * i64::from(self.per_page)
    }
}

impl FromStr for Page {
    type Err = InvalidPage;

    /// Parses a query string; parameters with other names are ignored.
    fn from_str(query: &str) -> Result<Self, InvalidPage> {
        let (mut number, mut per_page) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let (slot, error) = match name.as_ref() {
                "page" => (&mut number, InvalidPage::Number),
                "per_page" => (&mut per_page, InvalidPage::PerPage),
                _ => continue,
            };
            if slot.replace(whole_number(&value).ok_or(error)?).is_some() {
                return Err(InvalidPage::Repeated);
            }
        }
        let per_page = per_page.unwrap_or(DEFAULT_PER_PAGE);
        if !(1..=MAX_PER_PAGE).contains(&per_page) {
            return Err(InvalidPage::PerPage);
        }
        Ok(Self { number: number.unwrap_or(0), per_page })
    }
}

/// Digits only: `parse` alone would take a sign.
fn whole_number(text: &str) -> Option<u32> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", 0, 50)]
    #[case("page=3", 3, 50)]
    #[case("per_page=100&page=0&access_token=x", 0, 100)]
    #[case("per_page=1&page=4294967295", u32::MAX, 1)]
    fn a_page_is_named(#[case] query: &str, #[case] number: u32, #[case] per_page: u32) {
        assert_eq!(query.parse(), Ok(Page { number, per_page }));
    }

    #[rstest]
    #[case("page=-1", InvalidPage::Number)]
    #[case("page=%2B1", InvalidPage::Number)]
    #[case("page=", InvalidPage::Number)]
    #[case("page=1.0", InvalidPage::Number)]
    #[case("page=4294967296", InvalidPage::Number)]
    #[case("per_page=0", InvalidPage::PerPage)]
    #[case("per_page=101", InvalidPage::PerPage)]
    #[case("per_page=all", InvalidPage::PerPage)]
    #[case("page=1&page=1", InvalidPage::Repeated)]
    fn anything_else_is_refused(#[case] query: &str, #[case] error: InvalidPage) {
        assert_eq!(query.parse::<Page>(), Err(error));
    }

    #[test]
    fn the_furthest_page_has_an_offset() {
        assert_eq!(Page { number: u32::MAX, per_page: 100 }.offset(), 429_496_729_500);
    }
}
