//! What was pasted, and which document does it make? One of ours, or another product's export.

use zeroize::Zeroizing;

use super::super::form::{Choice, Form};
use crate::issuer::document::Document;
use crate::issuer::document::apply::{ApplyOptions, Origin, PlanDigest};
use crate::issuer::import::{ImportError, Imported, KeywordMappings, Product, Report, SourceFile};

/// What is chosen for a document of this program.
pub(super) const OWN: &str = "tokenhouse";

/// What an export is called in messages: it has no file name here.
const NAME: &str = "the export";

/// What was pasted. Not `Debug`: there may be secrets in it.
pub(super) struct Source {
    product: Option<Product>,
    text: Zeroizing<String>,
    audience: Option<String>,
    keywords: String,
    prune: bool,
}

/// The document that it makes.
pub(super) struct Prepared {
    pub(super) document: Document,
    pub(super) options: ApplyOptions,
    /// What was taken of another product's export, and what was not.
    pub(super) report: Option<Report>,
}

/// What is wrong, and in which field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) field: &'static str,
    pub(super) text: String,
}

impl Mistake {
    pub(super) fn new(field: &'static str, text: impl Into<String>) -> Self {
        Self { field, text: text.into() }
    }
}

/// What can be pasted.
pub(super) fn formats() -> Vec<Choice> {
    let own = Choice::new(OWN, "A document of Tokenhouse, YAML or JSON");
    let products = Product::ALL.iter();
    let others =
        products.map(|product| Choice::new(product.as_str(), format!("{}: {}", product.title(), product.export())));
    std::iter::once(own).chain(others).collect()
}

impl Source {
    /// What `form` holds.
    pub(super) fn of(form: &Form) -> Result<Self, Mistake> {
        let product = match form.value("format") {
            OWN => None,
            other => Some(other.parse().map_err(|_| Mistake::new("format", "Choose what it is that you paste."))?),
        };
        // Browsers write line breaks of their own.
        let text = Zeroizing::new(form.value("document").replace("\r\n", "\n"));
        if text.trim().is_empty() {
            return Err(Mistake::new("document", "Paste the document here."));
        }
        Ok(Self {
            product,
            text,
            audience: Some(form.value("audience").trim().to_owned()).filter(|audience| !audience.is_empty()),
            keywords: form.value("keywords").to_owned(),
            prune: form.has("prune"),
        })
    }

    /// Would what it lacks be deleted? Another product's export is never the whole truth.
    pub(super) fn prunes(&self) -> bool {
        self.prune && self.product.is_none()
    }

    /// Parses it. Takes its time with a long text: call it off the async workers.
    pub(super) fn prepare(self, agreed: Option<PlanDigest>) -> Result<Prepared, Mistake> {
        let prune = self.prunes();
        let Some(product) = self.product else {
            let document = Document::parse(&self.text).map_err(|error| Mistake::new("document", error.to_string()))?;
            document.require_own_secrets().map_err(|error| Mistake::new("document", error.to_string()))?;
            let options = ApplyOptions { prune, agreed, ..ApplyOptions::default() };
            return Ok(Prepared { document, options, report: None });
        };
        let keywords = match self.keywords.trim() {
            "" => KeywordMappings::default(),
            text => KeywordMappings::read(&SourceFile::new("the values of keywords", text.to_owned()))
                .map_err(|error| Mistake::new("keywords", error.to_string()))?,
        };
        let imported =
            product.import(SourceFile::new(NAME, self.text.to_string()), self.audience.as_deref(), &keywords);
        let Imported { document, report } = imported.map_err(Mistake::from)?;
        // Its secrets are in use, however short they are.
        let options = ApplyOptions { weak_secrets: true, origin: Origin::Import, agreed, ..ApplyOptions::default() };
        Ok(Prepared { document, options, report: Some(report) })
    }
}

/// As the command line says it, but by the names of the fields.
impl From<ImportError> for Mistake {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::AudienceNeeded { clients, scopes, .. } => Self::new(
                "audience",
                format!(
                    "Scopes of {clients} client(s) belong to no API ({scopes}). A token here is for one API: give the identifier of the one \
                     that they are for."
                ),
            ),
            ImportError::MissingKeywords { place, keywords } => {
                Self::new("keywords", format!("{place}: give the values of {}.", keywords.join(", ")))
            }
            other => Self::new("document", other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(fields: &[(&str, &str)]) -> Result<Prepared, Mistake> {
        let form = fields.iter().fold(Form::empty(), |form, (name, value)| form.with(*name, *value));
        Source::of(&form)?.prepare(None)
    }

    fn mistake(fields: &[(&str, &str)]) -> (&'static str, String) {
        match prepared(fields) {
            Err(mistake) => (mistake.field, mistake.text),
            Ok(_) => panic!("{fields:?} is no mistake"),
        }
    }

    #[test]
    fn every_product_can_be_chosen_and_nothing_else() {
        let formats = formats();
        assert_eq!(formats.len(), 1 + Product::ALL.len());
        for format in formats {
            assert_eq!(mistake(&[("format", &format.value), ("document", " ")]).0, "document");
        }
        assert_eq!(mistake(&[("format", "other"), ("document", "x")]).0, "format");
    }

    #[test]
    fn a_mistake_has_its_line_and_column_also_with_the_line_breaks_of_browsers() {
        let (field, text) = mistake(&[("format", OWN), ("document", "apis: []\r\nclientz: []\r\n")]);
        assert!(field == "document" && text.starts_with("line 2, column 1"), "{text}");
    }

    #[test]
    fn nothing_of_this_machine_is_read() {
        for source in ["value_env: PATH", "value_file: /etc/passwd"] {
            let document = format!("clients: [{{client_id: a, secrets: [{{{source}}}]}}]");
            let (field, text) = mistake(&[("format", OWN), ("document", &document)]);
            assert!(field == "document" && text.contains("not here"), "{text}");
        }
    }

    #[test]
    fn only_a_document_of_our_own_deletes_what_it_lacks() {
        let own = prepared(&[("format", OWN), ("document", "apis: []"), ("prune", "yes")]);
        assert!(own.is_ok_and(|prepared| prepared.options.prune && !prepared.options.weak_secrets));
        let export = r#"[{"client_id":"a","client_secret":"short","grant_types":["client_credentials"],"scope":""}]"#;
        let other = prepared(&[("format", "hydra"), ("document", export), ("prune", "yes")]);
        assert!(other.is_ok_and(|prepared| !prepared.options.prune && prepared.options.origin == Origin::Import));
    }

    #[test]
    fn what_an_export_leaves_open_is_asked_for_in_its_field() {
        let export = r#"[{"client_id":"a","grant_types":["client_credentials"],"scope":"read"}]"#;
        let (field, text) = mistake(&[("format", "hydra"), ("document", export)]);
        assert!(field == "audience" && !text.contains("--"), "{text}");
        let tenant = "clients: [{name: '@@NAME@@', app_type: non_interactive}]";
        let (field, text) = mistake(&[("format", "auth0"), ("document", tenant)]);
        assert!(field == "keywords" && text.contains("NAME"), "{text}");
    }
}
