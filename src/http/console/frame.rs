//! What surrounds the content of every page: `templates/layout.html` reads a [`Frame`] from the field `frame`.

use std::fmt::{self, Display, Formatter};

/// The frame of a page.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Where the console is: `/console` under the issuer's path, without a closing slash.
    pub base: String,
    /// The issuer identifier.
    pub issuer: String,
    /// What the page is called, in the tab.
    pub title: String,
    /// Who is signed in.
    pub who: Option<Who>,
    /// Where in the navigation the page is.
    pub section: Section,
    /// The sections that this person may open.
    pub nav: Vec<Section>,
    /// What was just done.
    pub notice: Option<&'static str>,
    /// The name of this showing of the page, for forms that count once.
    pub once: String,
    /// The version of the assets, for `?v=`.
    pub assets: &'static str,
    /// The version of Tokenhouse.
    pub version: &'static str,
}

impl Frame {
    /// The class of the page: with one section or none there is no column to navigate in.
    pub(super) fn shape(&self) -> &'static str {
        match (self.nav.len(), self.who.is_some()) {
            (0 | 1, false) => "page-alone",
            (0 | 1, true) => "page-single",
            _ => "page-wide",
        }
    }
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub(super) struct Who {
    /// The client's `client_id`.
    pub client_id: String,
}

/// A part of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// Is all well?
    Start,
    /// Clients, their grants and their secrets.
    Clients,
    /// Resource servers and their scopes.
    Apis,
    /// Signing keys.
    Keys,
    /// What was changed, and by whom.
    Audit,
    /// Why would a request be refused?
    Explain,
    /// The configuration document.
    Document,
    /// A partner's own page.
    Own,
    /// Outside of the navigation.
    None,
}

impl Section {
    /// What the section is called.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Start => "Overview",
            Self::Clients => "Clients",
            Self::Apis => "APIs",
            Self::Keys => "Signing keys",
            Self::Audit => "Audit log",
            Self::Explain => "Explain",
            Self::Document => "Configuration",
            Self::Own => "Your client",
            Self::None => "",
        }
    }

    /// Where the section is, under the base of the console.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Start => "/overview",
            Self::None => "",
            Self::Clients => "/clients",
            Self::Apis => "/apis",
            Self::Keys => "/keys",
            Self::Audit => "/audit",
            Self::Explain => "/explain",
            Self::Document => "/document",
            Self::Own => "/own",
        }
    }

    /// The icon: the path data of a stroke in a square of 16 units.
    pub(super) const fn icon(self) -> &'static str {
        match self {
            Self::Start | Self::None => "M1.5 9h2.6l2-5.5 3.6 9 2-5.5h2.8",
            Self::Clients => {
                "M8 7.5a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5zM2.5 14c.4-2.7 2.6-4 5.5-4s5.1 1.3 5.5 4"
            }
            Self::Apis => "M2.5 2.5h11v4h-11zM2.5 9.5h11v4h-11zM5 4.5h.01M5 11.5h.01",
            Self::Keys => "M10.2 9.3a3.7 3.7 0 1 0-3.5-3.5L2 10.5V14h3.2v-1.8H7v-1.7zM11 5.1h.01",
            Self::Audit => "M3.5 1.8h9v12.4h-9zM6 5h4M6 8h4M6 11h2.5",
            Self::Explain => {
                "M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4zM6.2 6.2A1.8 1.8 0 1 1 8 8.4v.9M8 11.4h.01"
            }
            Self::Document => "M5.2 4.5 1.8 8l3.4 3.5M10.8 4.5 14.2 8l-3.4 3.5M9.2 3 6.8 13",
            Self::Own => "M2 4.2h12v8.6H2zM4.5 7.4h3M4.5 9.9h5",
        }
    }
}

/// How something is, as a class of the style sheet: colour and shape, always beside words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// Needs a look.
    Warning,
    /// Broken, refused, revoked.
    Bad,
    /// Neither good nor bad, but worth seeing.
    Info,
    /// Off, past, unused.
    Quiet,
}

impl Display for Tone {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Info => "info",
            Self::Quiet => "quiet",
        })
    }
}

/// The way from one page of a list to the next: `parts::pager` shows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Pager {
    /// The address of the page before.
    pub previous: Option<String>,
    /// The address of the page after.
    pub next: Option<String>,
    /// What is seen: "51–100 of 1204 clients".
    pub words: String,
}

#[cfg(test)]
mod tests {
    use askama::Template;

    use super::*;
    use crate::clock::UnixMillis;
    use crate::http::console::form::{Choice, Form};
    use crate::http::console::time::Instant;

    /// Text that would be markup if it were not escaped.
    const HOSTILE: &str = "</textarea><script>alert('\"1\"')</script>";

    /// A page of every part.
    #[derive(Template)]
    #[template(
        ext = "html",
        source = r##"{% extends "layout.html" %}{% import "parts.html" as parts %}{% block content %}
{{ parts::crumb("/up", text) }}
{% call parts::page_head(text, text) %}{{ parts::link_button("/new", text, "primary") }}{% endcall %}
{% call parts::card(text) %}{{ parts::badge(Tone::Good, text) }}{{ parts::badge("bad", text) }}{% endcall %}
{{ parts::tile(text, text, Tone::Bad, text) }}
{% call parts::fact(text) %}{{ parts::when(at) }}{{ parts::time(at) }}{% endcall %}{{ parts::fact_text(text, "") }}
{% call parts::table(text) %}<tr><td>{{ parts::copyable("id", text) }}</td></tr>{% endcall %}
{% call parts::empty_state(text, text) %}{{ text }}{% endcall %}
{{ parts::pager(pager) }}{{ parts::snippet("s", text, text) }}{{ parts::secret_box("c", text) }}
{% call parts::post_button("/do", text) %}{{ parts::hidden("id", text) }}{% endcall %}
{% call parts::confirm("/do", text, consequences, text, "/up") %}{{ parts::submit(text) }}{% endcall %}
{{ parts::error_summary(form) }}
{{ parts::text_input(form, "name", text, text, kind = "url") }}
{{ parts::secret_input(form, "client_secret", text) }}{{ parts::secret_area(form, "assertion", text, required = false) }}
{{ parts::number(form, "life", text, "seconds", text) }}{{ parts::textarea(form, "name", text) }}
{{ parts::select(form, "kind", text, choices) }}{{ parts::checkbox(form, "on", "1", text, text) }}
{{ parts::check_list(form, "kind", text, choices, text) }}{{ parts::radio_list(form, "kind", text, choices) }}
{% endblock %}"##
    )]
    struct Every {
        frame: Frame,
        form: Form,
        text: String,
        at: Instant,
        pager: Pager,
        choices: Vec<Choice>,
        consequences: Vec<String>,
    }

    fn frame(nav: Vec<Section>, who: Option<Who>) -> Frame {
        Frame {
            base: "/console".to_owned(),
            issuer: "https://issuer.example".to_owned(),
            title: HOSTILE.to_owned(),
            who,
            section: Section::Clients,
            nav,
            notice: Some(HOSTILE),
            once: String::new(),
            assets: "0",
            version: "0",
        }
    }

    fn partner() -> Who {
        Who { client_id: HOSTILE.to_owned() }
    }

    fn every() -> String {
        let mut form =
            Form::empty().with("name", HOSTILE).with("client_secret", "hunter2").with("assertion", "hunter2");
        form.fail("name", HOSTILE);
        form.fail_generally(HOSTILE);
        let page = Every {
            frame: frame(vec![Section::Start, Section::Clients], Some(partner())),
            form,
            text: HOSTILE.to_owned(),
            at: Instant::near(UnixMillis(60_000), UnixMillis(0)),
            pager: Pager { previous: Some("?page=1".to_owned()), next: None, words: HOSTILE.to_owned() },
            choices: vec![Choice::new(HOSTILE, HOSTILE).hint(HOSTILE)],
            consequences: vec![HOSTILE.to_owned()],
        };
        page.render().unwrap()
    }

    #[test]
    fn only_a_choice_of_sections_makes_a_column() {
        assert_eq!(frame(vec![], None).shape(), "page-alone");
        assert_eq!(frame(vec![Section::Own], Some(partner())).shape(), "page-single");
        assert_eq!(frame(vec![Section::Start, Section::Keys], Some(partner())).shape(), "page-wide");
    }

    #[test]
    fn no_text_becomes_markup_in_any_part() {
        let page = every();
        assert!(!page.contains("<script>") && !page.contains("alert('") && !page.contains("'\""), "{page}");
        assert_eq!(page.matches("<textarea").count(), page.matches("</textarea>").count());
    }

    #[test]
    fn no_part_needs_what_the_content_security_policy_forbids() {
        let page = every();
        assert!(!page.contains(" style=") && !page.contains("<style") && !page.contains(" onclick"));
        assert_eq!(page.matches("<script").count(), page.matches("<script src=\"/console/assets/").count());
    }

    #[test]
    fn errors_are_beside_their_field_and_lead_to_it_and_secrets_stay_out() {
        let page = every();
        assert!(page.contains("<a href=\"#f-name\">"));
        assert!(page.contains("aria-invalid=\"true\" aria-describedby=\"f-name-error f-name-hint\""));
        assert!(page.contains("id=\"f-name-error\""));
        assert!(!page.contains("hunter2"));
        assert!(page.contains("aria-current=\"page\""));
    }

    #[test]
    fn what_was_typed_is_kept_to_the_letter() {
        #[derive(Template)]
        #[template(
            ext = "html",
            source = r#"{% import "parts.html" as parts %}{{ parts::textarea(form, "note", "Note") }}"#
        )]
        struct Note {
            form: Form,
        }
        let page = Note { form: Form::empty().with("note", "\n two lines \n") }.render().unwrap();
        // The first line break is the one that HTML drops.
        assert!(page.contains(">\n\n two lines \n</textarea>"), "{page}");
    }
}
