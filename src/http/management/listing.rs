//! Which part of a list does the caller want, and in which of Auth0's three shapes? An array, an object with totals, or
//! an object with the place where the next part begins.

use actix_web::HttpResponse;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;
use uuid::Uuid;

use super::error::ManagementError;
use super::query::Query;
use super::selection::Selection;
use crate::http::error::uncached;
use crate::store::Page;

/// Most objects in one answer, as with Auth0.
const MAX_PER_PAGE: u32 = 100;
/// Objects in one answer if the caller does not say.
const DEFAULT_PER_PAGE: u32 = 50;

/// Objects that are in memory at one time where many are read to find a few.
const READ_AT_ONCE: u32 = 500;

/// The parameters of every list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used: the parameters are read by `Listing::of`")]
pub(super) struct ListParameters {
    /// Which page, from 0.
    #[param(minimum = 0)]
    page: Option<u32>,
    /// Objects per page; default 50.
    #[param(minimum = 1, maximum = 100)]
    per_page: Option<u32>,
    /// `true`: the answer is an object with `start`, `limit` and `total` beside the list.
    include_totals: Option<bool>,
    /// The `next` of the answer before.
    from: Option<String>,
    /// Objects in one answer that ends in `next`; in place of `page` and `per_page`.
    #[param(minimum = 1, maximum = 100)]
    take: Option<u32>,
    /// The members to show, separated by commas.
    fields: Option<String>,
    /// `false`: show all but those in `fields`.
    include_fields: Option<bool>,
}

/// The shape of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Array,
    Totals,
    Checkpoint,
}

/// The part of a list that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    /// Where it begins and how much it holds.
    pub(super) page: Page,
    shape: Shape,
    selection: Selection,
}

impl Listing {
    /// What the query asks for.
    pub(super) fn of(query: &Query) -> Result<Self, ManagementError> {
        let from = query.text("from")?.map(parse_checkpoint).transpose()?;
        let take = query.number("take", 1, MAX_PER_PAGE)?;
        let number = query.number("page", 0, u32::MAX / MAX_PER_PAGE)?;
        let per_page = query.number("per_page", 1, MAX_PER_PAGE)?.unwrap_or(DEFAULT_PER_PAGE);
        let totals = query.boolean("include_totals")? == Some(true);
        let selection = Selection::of(query)?;
        if from.is_some() || take.is_some() {
            let page = Page { after: from, offset: 0, limit: take.unwrap_or(DEFAULT_PER_PAGE) };
            return Ok(Self { page, shape: Shape::Checkpoint, selection });
        }
        let page = Page { after: None, offset: number.unwrap_or_default() * per_page, limit: per_page };
        Ok(Self { page, shape: if totals { Shape::Totals } else { Shape::Array }, selection })
    }

    /// The page to read: one more than is shown where the caller must learn whether anything follows.
    pub(super) fn to_read(&self) -> Page {
        match self.shape {
            Shape::Checkpoint => Page { limit: self.page.limit + 1, ..self.page },
            Shape::Array | Shape::Totals => self.page,
        }
    }

    /// The part of a list that was read as a whole, oldest first, that the caller asks for.
    pub(super) fn cut<T>(&self, all: Vec<T>, id: impl Fn(&T) -> Uuid) -> Vec<T> {
        let Page { after, offset, limit } = self.to_read();
        let follows = all.into_iter().filter(|item| after.is_none_or(|after| id(item) > after));
        follows.skip(usize_from(offset)).take(usize_from(limit)).collect()
    }

    /// Does the caller want to know how many there are? Counting walks through all of them.
    pub(super) fn has_total(&self) -> bool {
        self.shape == Shape::Totals
    }

    /// The part that the caller asks for of those objects that are `wanted`, where the store cannot choose them: `read` a part at a
    /// time, oldest first. Before it how many are wanted, which is exact if [`Self::has_total`].
    pub(super) fn sift<T, E>(
        &self,
        mut read: impl FnMut(Page) -> Result<Vec<T>, E>,
        wanted: impl Fn(&T) -> bool,
        id: impl Fn(&T) -> Uuid,
    ) -> Result<(u64, Vec<T>), E> {
        let Page { mut after, offset, limit } = self.to_read();
        let (mut count, mut part) = (0_u64, Vec::new());
        while self.has_total() || part.len() < usize_from(limit) {
            let read = read(Page { after, offset: 0, limit: READ_AT_ONCE })?;
            let Some(last) = read.last().map(&id) else { break };
            after = Some(last);
            for item in read.into_iter().filter(&wanted) {
                if count >= u64::from(offset) && part.len() < usize_from(limit) {
                    part.push(item);
                }
                count += 1;
            }
        }
        Ok((count, part))
    }

    /// The answer: the objects of [`Self::to_read`] under `name`, each with the id that orders the list.
    pub(super) fn respond(&self, name: &str, total: u64, objects: Vec<(Uuid, Map<String, Value>)>) -> HttpResponse {
        let limit = usize_from(self.page.limit);
        let more = objects.len() > limit;
        let last = objects.get(limit.wrapping_sub(1)).map(|(id, _)| *id);
        let shown = objects.into_iter().take(limit).map(|(_, object)| self.selection.apply(object));
        let shown = Value::Array(shown.collect());
        let mut response = uncached(actix_web::http::StatusCode::OK);
        match (self.shape, last.filter(|_| more)) {
            (Shape::Array, _) => response.json(shown),
            (Shape::Totals, _) => {
                let Page { offset, limit, .. } = self.page;
                response.json(json!({ "start": offset, "limit": limit, "total": total, name: shown }))
            }
            (Shape::Checkpoint, Some(last)) => response.json(json!({ name: shown, "next": checkpoint(last) })),
            (Shape::Checkpoint, None) => response.json(json!({ name: shown })),
        }
    }
}

pub(super) fn usize_from(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(super) fn checkpoint(last: Uuid) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(last.as_bytes())
}

fn parse_checkpoint(text: &str) -> Result<Uuid, ManagementError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let id = bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok());
    id.ok_or_else(|| ManagementError::query("from must be the next of an answer before"))
}
