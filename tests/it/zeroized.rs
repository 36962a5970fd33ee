//! Is what holds a secret wiped when it is dropped? Every field that is called like a secret says so by its type.

use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// Names of fields whose value is a secret, a key or a token.
const SECRET: &[&str] = &[
    "secret",
    "client_secret",
    "client_assertion",
    "assertion",
    "password",
    "private",
    "pkcs8",
    "pem",
    "key",
    "master_key",
    "old_master_key",
    "token",
    "text",
    "readings",
    "url",
    "headers",
    "value",
    "bytes",
];

/// Types that own bytes and leave them behind when they are dropped.
const LEFT_BEHIND: &[&str] = &["String", "u8", "str"];

/// Where nothing is secret: `dev` prints its secrets, and signs with keys that everybody has; so does `conform`.
const OPEN: &[&str] = &["src/dev", "src/cli/dev", "src/cli/conform", "src/specimen", "src/fuzz"];

/// Fields with such a name and type that hold no secret, or one that is on its way out: type and field, and why.
const HARMLESS: &[(&str, &str, &str)] = &[
    ("Allowance", "value", "a number"),
    ("ApiScopeRow", "value", "the name of a scope"),
    ("Chain", "text", "whether the audit log is whole"),
    ("Choice", "value", "what can be chosen in a form"),
    ("ClaimedPage", "secret", "it goes into the answer at once"),
    ("ClientSearch", "text", "what is looked for"),
    ("CreatedPage", "secret", "it goes into the answer at once"),
    ("CredentialBody", "pem", "a public key"),
    ("ErrorPage", "text", "what went wrong"),
    ("FieldError", "text", "what a form says is wrong"),
    ("Flag", "key", "the name of a setting"),
    ("Flag", "value", "the arguments of the process hold it too"),
    ("GrantScopeRow", "value", "the name of a scope"),
    ("HealthcheckArgs", "url", "an address"),
    ("Issued", "token", "it goes into the answer at once"),
    ("LinkPage", "token", "it goes into the answer at once"),
    ("LinkShown", "url", "it goes into the answer at once"),
    ("MadePage", "secret", "it goes into the answer at once"),
    ("Member", "value", "a claim of a token, which is shown"),
    ("Mistake", "text", "what a form says is wrong"),
    ("NewSecret", "client_secret", "it goes into the answer at once"),
    ("NewSecretPage", "secret", "it goes into the answer at once"),
    ("Reason", "text", "what is the matter with the server"),
    ("Replacement", "text", "the keywords of a file that is imported"),
    ("Schema", "url", "an address"),
    ("ScopeBody", "value", "the name of a scope"),
    ("ScopeEntry", "value", "the name of a scope"),
    ("ScopeRow", "value", "the name of a scope"),
    ("SecretHash", "text", "a hash"),
    ("Shown", "text", "a program without its secret"),
    ("Signature", "bytes", "it goes into a token at once"),
    ("Signer", "headers", "the headers of tokens, which are public"),
    ("Stock", "bytes", "random bytes for identifiers, which are public"),
    ("Target", "url", "an address"),
    ("Tile", "value", "a number"),
    ("VerifyArgs", "token", "the arguments of the process hold it too"),
    ("Written", "text", "it goes into the answer at once"),
];

/// The fields of all types, and the types that wipe theirs by hand.
#[derive(Default)]
struct Fields {
    all: Vec<(String, String, Vec<String>)>,
    wiped_by_hand: Vec<String>,
}

impl<'ast> Visit<'ast> for Fields {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        for field in &item.fields {
            let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
            let kind = names(&field.ty);
            self.all.push((item.ident.to_string(), name, kind));
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let is_drop = item.trait_.as_ref().is_some_and(|(path, _)| path.is_ident("Drop"));
        if let (true, Some(owner)) = (is_drop, names(&item.self_ty).first()) {
            self.wiped_by_hand.push(owner.clone());
        }
    }
}

/// The names in a type, `[` for an array.
fn names(kind: &syn::Type) -> Vec<String> {
    struct Names(Vec<String>);
    impl<'ast> Visit<'ast> for Names {
        fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
            self.0.push(segment.ident.to_string());
            syn::visit::visit_path_segment(self, segment);
        }
        fn visit_type_array(&mut self, array: &'ast syn::TypeArray) {
            self.0.push("[".to_owned());
            syn::visit::visit_type_array(self, array);
        }
        // What is borrowed is wiped by its owner.
        fn visit_type_reference(&mut self, _: &'ast syn::TypeReference) {}
    }
    let mut names = Names(Vec::new());
    names.visit_type(kind);
    names.0
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn every_field_with_a_secret_is_wiped() {
    let mut fields = Fields::default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(OPEN.iter().all(|folder| root.join(folder).is_dir()), "a folder has moved");
    let is_open = |file: &Path| OPEN.iter().any(|folder| file.starts_with(root.join(folder)));
    for file in rust_files(&root.join("src")).into_iter().filter(|file| !is_open(file)) {
        let source = syn::parse_file(&std::fs::read_to_string(&file).unwrap()).unwrap();
        fields.visit_file(&source);
    }
    let has = |kind: &[String], words: &[&str]| kind.iter().any(|name| words.contains(&name.as_str()));
    let wiped = |kind: &[String]| has(kind, &["Zeroizing", "Secret"]);
    let left: Vec<_> = fields
        .all
        .iter()
        .filter(|(owner, ..)| !fields.wiped_by_hand.contains(owner))
        .filter(|(_, name, kind)| SECRET.contains(&name.as_str()) && has(kind, LEFT_BEHIND) && !wiped(kind))
        .filter(|(owner, name, _)| !HARMLESS.iter().any(|(other, field, _)| owner == other && name == field))
        .collect();
    assert!(left.is_empty(), "these leave what may be a secret in memory: {left:#?}");
    assert!(fields.all.iter().filter(|(_, _, kind)| wiped(kind)).count() >= 20, "and many are wiped");
}
