//! Which page of a list does the query ask for?

use url::form_urlencoded;

use super::error::ApiError;

/// Most users on one page.
const MAX_PER_PAGE: u32 = 100;

/// A page of a list, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) page: u32,
    pub(super) per_page: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self { page: 0, per_page: 50 }
    }
}

impl Page {
    /// Parses the query. Parameters other than `page` and `per_page` are ignored.
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut page = None;
        let mut per_page = None;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let parsed = match &*name {
                "page" => page.replace(value.parse().map_err(|_| ApiError::InvalidRequest(PAGE.into()))?),
                "per_page" => {
                    let number = value.parse().ok().filter(|number| (1..=MAX_PER_PAGE).contains(number));
                    per_page.replace(number.ok_or_else(|| ApiError::InvalidRequest(PER_PAGE.into()))?)
                }
                _ => None,
            };
            if parsed.is_some() {
                return Err(ApiError::InvalidRequest("Give page and per_page once each".into()));
            }
        }
        let default = Self::default();
        Ok(Self { page: page.unwrap_or(default.page), per_page: per_page.unwrap_or(default.per_page) })
    }

    /// How many users come before the page.
    pub(super) fn offset(self) -> i64 {
        i64::from(self.page) * i64::from(self.per_page)
    }
}

const PAGE: &str = "page must be a whole number from 0 up";
const PER_PAGE: &str = "per_page must be a whole number from 1 to 100";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_count_from_zero() {
        assert_eq!(Page::parse("").unwrap(), Page { page: 0, per_page: 50 });
        let page = Page::parse("page=3&per_page=100&access_token=x").unwrap();
        assert_eq!((page, page.offset()), (Page { page: 3, per_page: 100 }, 300));
        assert!(Page::parse("page=4294967295&per_page=100").unwrap().offset() > 0);
    }

    #[test]
    fn anything_else_is_told() {
        for query in
            ["page=-1", "page=x", "page=", "page=1.5", "page=4294967296", "per_page=0", "per_page=101", "page=1&page=1"]
        {
            assert!(matches!(Page::parse(query), Err(ApiError::InvalidRequest(_))), "{query}");
        }
    }
}
