//! How are the lives of signing keys drawn? Each as a bar along one time axis: announced, signing, only verifying.

use askama::Template;
use askama::filters::HtmlSafe;

use super::Percent;
use crate::clock::UnixMillis;
use crate::http::console::time::Instant;

/// Pixels above the first row, where "now" is written.
const HEAD: u64 = 22;
/// Pixels of a row: a line of text and a bar.
const ROW: u64 = 48;
/// Pixels of the axis below.
const FOOT: u64 = 24;

/// The lives of keys.
#[derive(Clone, Debug, Template)]
#[template(path = "plot/timeline.html")]
pub(in crate::http::console) struct KeyTimeline {
    /// The id of the plot, of which there is one on a page.
    pub id: String,
    /// What is drawn: "The life of the signing keys".
    pub title: String,
    /// When it is drawn.
    pub now: UnixMillis,
    /// The keys, in the order in which they are listed.
    pub keys: Vec<KeyLife>,
}

/// The life of a key: past moments and those that are planned.
#[derive(Clone, Debug)]
pub(in crate::http::console) struct KeyLife {
    /// Its `kid`.
    pub kid: String,
    /// What it is now: "signing", "revoked".
    pub state: String,
    /// When it was, or will be, in the JWK Set first.
    pub announced: UnixMillis,
    /// From when it signs.
    pub active: Option<UnixMillis>,
    /// From when it does not sign any longer.
    pub retired: Option<UnixMillis>,
    /// From when it is not in the JWK Set any longer.
    pub removed: Option<UnixMillis>,
}

/// The template is escaped where it writes text.
impl HtmlSafe for KeyTimeline {}

/// Where a key is drawn.
struct Row<'a> {
    life: &'a KeyLife,
    text: u64,
    segments: Vec<Segment>,
}

/// A part of the life of a key. Its height tells it from the others without colour.
struct Segment {
    class: &'static str,
    words: String,
    left: Percent,
    width: Percent,
    top: u64,
    height: u64,
}

/// The moments of a key as a table shows them.
struct Moments<'a> {
    life: &'a KeyLife,
    announced: Instant,
    later: [(&'static str, Option<Instant>); 3],
}

impl KeyTimeline {
    fn height(&self) -> u64 {
        self.axis() + FOOT
    }

    /// Where the axis is, from above.
    fn axis(&self) -> u64 {
        HEAD + ROW * u64::try_from(self.keys.len()).unwrap_or(u64::MAX / ROW / 2)
    }

    /// From the first moment to a little after the last, so that what has no end is seen to go on.
    fn span(&self) -> (UnixMillis, UnixMillis) {
        let moments = self
            .keys
            .iter()
            .flat_map(|key| [Some(key.announced), key.active, key.retired, key.removed].into_iter().flatten());
        let (first, last) =
            moments.fold((self.now, self.now), |(first, last), moment| (first.min(moment), last.max(moment)));
        let room = last.0.saturating_sub(first.0) / 16;
        (first, UnixMillis(last.0.saturating_add(room.max(3_600_000))))
    }

    fn place(&self, at: UnixMillis) -> Percent {
        let (first, last) = self.span();
        Percent::of(at.0.abs_diff(first.0.min(at.0)), last.0.abs_diff(first.0))
    }

    fn now_place(&self) -> Percent {
        self.place(self.now)
    }

    /// On which side of its line "now" is written: it must stay in the picture.
    fn now_anchor(&self) -> &'static str {
        match self.now_place().0 {
            0..15_000 => "start",
            15_000..85_000 => "middle",
            _ => "end",
        }
    }

    fn first(&self) -> Instant {
        Instant::at(self.span().0)
    }

    fn last(&self) -> Instant {
        Instant::at(self.span().1)
    }

    fn rows(&self) -> Vec<Row<'_>> {
        self.keys.iter().zip(0..).map(|(life, place)| self.row(life, HEAD + ROW * place)).collect()
    }

    fn row<'a>(&self, life: &'a KeyLife, top: u64) -> Row<'a> {
        let end = self.span().1;
        let signs = life.active.or(life.retired).or(life.removed);
        let parts = [
            ("announced", "in the JWK Set, not signing yet", Some(life.announced), signs, 4),
            ("signing", "signing", life.active, life.retired.or(life.removed), 14),
            ("verifying", "not signing any longer, still in the JWK Set", life.retired, life.removed, 6),
        ];
        let segments = parts.into_iter().filter_map(|(class, words, from, to, height)| {
            let from = from?;
            let (left, right) = (self.place(from), self.place(to.unwrap_or(end)));
            let until = to.map(|to| format!(" to {}", Instant::at(to).utc)).unwrap_or_default();
            (right > left).then(|| Segment {
                class,
                words: format!("{words}, from {}{until}", Instant::at(from).utc),
                left,
                width: right.minus(left),
                top: top + 22 + (14 - height) / 2,
                height,
            })
        });
        Row { life, text: top + 15, segments: segments.collect() }
    }

    fn moments<'a>(&'a self) -> Vec<Moments<'a>> {
        let later = |life: &KeyLife| {
            let moments = [("Signs from", life.active), ("Retired", life.retired), ("Removed", life.removed)];
            moments.map(|(label, at)| (label, at.map(Instant::at)))
        };
        let row = |life: &'a KeyLife| Moments { life, announced: Instant::at(life.announced), later: later(life) };
        self.keys.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;
    const NOW: UnixMillis = UnixMillis(1_796_075_280_000);

    fn day(days: i64) -> UnixMillis {
        NOW.plus_seconds(days * DAY)
    }

    fn life(announced: i64, rest: [Option<i64>; 3]) -> KeyLife {
        let [active, retired, removed] = rest.map(|days| days.map(day));
        KeyLife {
            kid: "<kid>".to_owned(),
            state: "signing".to_owned(),
            announced: day(announced),
            active,
            retired,
            removed,
        }
    }

    fn timeline(keys: Vec<KeyLife>) -> KeyTimeline {
        KeyTimeline { id: "keys".to_owned(), title: "Keys".to_owned(), now: NOW, keys }
    }

    #[test]
    fn no_keys_are_said_in_words() {
        let drawn = timeline(vec![]).render().unwrap();
        assert!(!drawn.contains("<svg") && drawn.contains("There are no keys"), "{drawn}");
    }

    #[test]
    fn a_life_is_drawn_in_its_parts() {
        let plot = timeline(vec![life(-80, [Some(-60), Some(0), Some(80)])]);
        let rows = plot.rows();
        let classes: Vec<_> = rows[0].segments.iter().map(|segment| segment.class).collect();
        assert_eq!(classes, ["announced", "signing", "verifying"]);
        assert_eq!(rows[0].segments[0].left, Percent(0));
        // 160 days and a sixteenth of room.
        assert_eq!(plot.now_place(), Percent::of(80, 170));
    }

    #[test]
    fn what_has_no_end_goes_on_to_the_edge() {
        let plot = timeline(vec![life(-10, [Some(-9), None, None])]);
        let rows = plot.rows();
        let signing = rows[0].segments.last().unwrap();
        assert_eq!((signing.class, signing.left.0 + signing.width.0), ("signing", Percent::WHOLE));
        assert!(!signing.words.contains(" to "));
    }

    #[test]
    fn a_key_that_never_signed_and_moments_at_the_ends_of_time_are_drawn() {
        let plot = timeline(vec![life(0, [None, None, Some(1)]), life(1, [None, None, None])]);
        assert_eq!(plot.rows()[0].segments[0].class, "announced");
        let endless =
            KeyLife { announced: UnixMillis(i64::MIN), removed: Some(UnixMillis(i64::MAX)), ..life(0, [None; 3]) };
        assert!(timeline(vec![endless]).render().unwrap().contains("<svg"));
    }

    #[test]
    fn text_is_escaped_and_nothing_is_styled_in_place() {
        let drawn = timeline(vec![life(-1, [Some(0), None, None])]).render().unwrap();
        assert!(!drawn.contains("<kid>") && drawn.contains("&#60;kid&#62;") && !drawn.contains("style="), "{drawn}");
    }
}
