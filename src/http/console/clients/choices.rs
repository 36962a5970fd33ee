//! What can be chosen in the forms about clients, and how is each choice called?

#![expect(unreachable_pub, reason = "the macro makes public what it makes")]

use crate::clock::UnixMillis;
use crate::http::console::form::Choice;
use crate::http::console::time::Instant;
use crate::oauth::named_enum::named_enum;

named_enum! {
    /// Which clients are listed.
    Standing {
        /// Whether enabled or not.
        Any = "any",
        /// Those that may get tokens.
        Enabled = "enabled",
        /// Those that are put out of use.
        Disabled = "disabled",
    }
}

impl Standing {
    pub(super) fn choice(self) -> Choice {
        let label = match self {
            Self::Any => "Enabled or not",
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
        };
        Choice::new(self.as_str(), label)
    }

    pub(super) const fn enabled(self) -> Option<bool> {
        match self {
            Self::Any => None,
            Self::Enabled => Some(true),
            Self::Disabled => Some(false),
        }
    }
}

named_enum! {
    /// How a new client gets its first secret.
    FirstSecret {
        /// It is made now, and shown once.
        Now = "now",
        /// Its owner picks it up.
        Link = "link",
        /// It gets none.
        None = "none",
    }
}

impl FirstSecret {
    pub(super) fn choice(self) -> Choice {
        let (label, hint) = match self {
            Self::Now => ("Make it now", "It is shown once, on the next page."),
            Self::Link => {
                ("Make a link", "Whoever owns the client opens it and sees the secret, and nobody else does.")
            }
            Self::None => ("No secret yet", "For a client that authenticates with a key, or gets its secret later."),
        };
        Choice::new(self.as_str(), label).hint(hint)
    }
}

named_enum! {
    /// Where a new secret comes from.
    Origin {
        /// It is made here.
        Generated = "generated",
        /// It exists already.
        Brought = "brought",
    }
}

impl Origin {
    pub(super) fn choice(self) -> Choice {
        let (label, hint) = match self {
            Self::Generated => ("Generate it", "It is shown once, on the next page."),
            Self::Brought => {
                ("Bring one that exists", "For a client that moves here with its secret. It is never shown.")
            }
        };
        Choice::new(self.as_str(), label).hint(hint)
    }
}

named_enum! {
    /// When something stops working.
    Ending {
        /// When it does now.
        Kept = "kept",
        /// Never.
        Never = "never",
        /// Some days from now.
        Days = "days",
        /// After a day that is named.
        Date = "date",
    }
}

impl Ending {
    /// The choice, for something that stops working at `expires_at` now; none if it is no choice for that.
    pub(super) fn choice(self, expires_at: Option<UnixMillis>) -> Option<Choice> {
        let label = match self {
            Self::Kept => format!("As now: {}", Instant::at(expires_at?).utc),
            Self::Never => "It does not".to_owned(),
            Self::Days => "After some days".to_owned(),
            Self::Date => "At the end of a day".to_owned(),
        };
        Some(Choice::new(self.as_str(), label))
    }
}

named_enum! {
    /// In what an overlap is counted.
    Unit {
        /// The smallest.
        Seconds = "seconds",
        /// 60 of them.
        Minutes = "minutes",
        /// 3,600.
        Hours = "hours",
        /// 86,400.
        Days = "days",
    }
}

impl Unit {
    pub(super) const fn seconds(self) -> u32 {
        match self {
            Self::Seconds => 1,
            Self::Minutes => 60,
            Self::Hours => 3_600,
            Self::Days => 86_400,
        }
    }

    /// The largest in which `seconds` are a whole number.
    pub(super) fn fitting(seconds: u32) -> Self {
        Self::ALL.iter().rev().copied().find(|unit| seconds.is_multiple_of(unit.seconds())).unwrap_or(Self::Seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_seconds_is_shown_in_the_largest_unit() {
        let shown = [0, 90, 120, 7_200, 86_400].map(Unit::fitting);
        assert_eq!(shown, [Unit::Days, Unit::Seconds, Unit::Minutes, Unit::Hours, Unit::Days]);
    }

    #[test]
    fn only_what_has_an_end_can_keep_it() {
        let offered = |expires_at| Ending::ALL.iter().filter(|ending| ending.choice(expires_at).is_some()).count();
        assert_eq!((offered(None), offered(Some(UnixMillis(0)))), (3, 4));
    }
}
