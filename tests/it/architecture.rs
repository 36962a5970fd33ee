//! Who may import whom: the table of docs/architecture.md, held by reading every path in the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// The modules of the crate and their levels: a lower level never imports a higher one.
const LEVELS: &[(&str, u8)] = &[
    ("clock", 0),
    ("entropy", 0),
    ("database_file", 0),
    ("fail_point", 0),
    ("json_text", 0),
    ("one_line", 0),
    ("whole_file", 0),
    ("oauth", 1),
    ("secret", 1),
    ("keys", 1),
    ("config", 1),
    ("specimen", 1),
    ("store", 2),
    ("issuer", 3),
    ("telemetry", 3),
    ("http", 4),
    ("resource_api", 4),
    ("dev", 5),
    ("cli", 6),
    // In tests only, like the files called `tests`: it looks at everything, and nothing can look at it.
    ("fuzz", 7),
];

/// What the bundled resource API may know of this crate: it is a stranger to the issuer.
const RESOURCE_API_MAY: &[&str] = &["clock", "entropy", "database_file", "config", "telemetry", "resource_api"];

/// What the pure modules may not name: the outside world.
const PURE: &[&str] = &["oauth", "secret", "keys", "specimen"];
const NOT_PURE: &[&str] =
    &["actix_web", "actix_http", "diesel", "tokio", "tracing", "reqwest", "std::env", "std::time::SystemTime"];

/// One path in one file: where, and the path with `super` and `self` resolved.
#[derive(Debug)]
struct Reference {
    file: PathBuf,
    module: String,
    path: Vec<String>,
}

impl Reference {
    fn names(&self, prefix: &str) -> bool {
        let joined = self.path.join("::");
        joined == prefix || joined.starts_with(&format!("{prefix}::"))
    }

    /// The module of this crate that the path leads to.
    fn target(&self) -> Option<&str> {
        (self.path.first()? == "crate").then(|| self.path.get(1).map(String::as_str)).flatten()
    }
}

struct Collector {
    module: Vec<String>,
    found: Vec<Vec<String>>,
}

impl Collector {
    fn add(&mut self, segments: Vec<String>) {
        let mut base = self.module.clone();
        let mut rest = segments.as_slice();
        match rest.first().map(String::as_str) {
            Some("self") => rest = &rest[1..],
            Some("super") => {}
            _ => return self.found.push(segments),
        }
        while rest.first().is_some_and(|segment| segment == "super") {
            base.pop();
            rest = &rest[1..];
        }
        let mut resolved = vec!["crate".to_owned()];
        resolved.extend(base);
        resolved.extend_from_slice(rest);
        self.found.push(resolved);
    }

    fn add_tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let extended = |ident: &syn::Ident| [prefix, &[ident.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&extended(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.add(extended(&name.ident)),
            syn::UseTree::Rename(rename) => self.add(extended(&rename.ident)),
            syn::UseTree::Glob(_) => self.add(prefix.to_vec()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.add_tree(prefix, item)),
        }
    }
}

fn only_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if only_for_tests(&module.attrs) {
            return;
        }
        self.module.push(module.ident.to_string());
        syn::visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }

    /// Paths in the arguments of a macro, which are tokens and no syntax yet.
    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        let text = invoked.tokens.to_string().replace(" :: ", "::");
        for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
            let segments: Vec<String> = word.split("::").map(str::to_owned).collect();
            if segments.len() > 1 && segments.iter().all(|segment| !segment.is_empty()) {
                self.add(segments);
            }
        }
    }
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("the sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn source_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn references() -> Vec<Reference> {
    let root = source_directory();
    let mut references = Vec::new();
    for file in rust_files(&root) {
        let relative = file.strip_prefix(&root).expect("under src").to_owned();
        let for_tests = |name: &str| name.contains("tests") || matches!(name, "fuzz" | "fuzz.rs");
        if relative.components().any(|part| for_tests(&part.as_os_str().to_string_lossy())) {
            continue;
        }
        let mut module: Vec<String> =
            relative.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module.last().is_some_and(|last| last == "mod" || last == "lib" || last == "main") {
            module.pop();
        }
        let text = std::fs::read_to_string(&file).expect("a source");
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = module.first().cloned().unwrap_or_default();
        let mut collector = Collector { module, found: Vec::new() };
        collector.visit_file(&syntax);
        references.extend(collector.found.into_iter().map(|path| Reference {
            file: relative.clone(),
            module: name.clone(),
            path,
        }));
    }
    references
}

fn level(module: &str) -> Option<u8> {
    LEVELS.iter().find(|(name, _)| *name == module).map(|(_, level)| *level)
}

fn nothing(offences: impl Iterator<Item = String>) {
    let offences: BTreeSet<String> = offences.collect();
    assert!(offences.is_empty(), "\n{}", offences.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_module_has_a_level() {
    let root = source_directory();
    for entry in std::fs::read_dir(root).expect("src").flatten() {
        let name = entry.path().file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(name == "lib" || name == "main" || level(&name).is_some(), "{name} stands in no level");
    }
}

#[test]
fn a_lower_level_never_imports_a_higher_one() {
    nothing(references().iter().filter_map(|reference| {
        let (own, other) = (level(&reference.module)?, level(reference.target()?)?);
        (other > own).then(|| format!("{}: {}", reference.file.display(), reference.path.join("::")))
    }));
}

#[test]
fn modules_import_each_other_without_circles() {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for reference in references() {
        if let Some(target) =
            reference.target().filter(|target| level(target).is_some() && **target != *reference.module)
        {
            edges.entry(reference.module.clone()).or_default().insert(target.to_owned());
        }
    }
    // Modules that import nothing unfinished are finished; what remains at the end goes round in a circle.
    let mut open: BTreeSet<String> = edges.keys().cloned().collect();
    loop {
        let free: Vec<String> =
            open.iter().filter(|name| edges[*name].iter().all(|target| !open.contains(target))).cloned().collect();
        if free.is_empty() {
            break;
        }
        for name in &free {
            open.remove(name);
        }
    }
    // `oauth` names what `secret` and `keys` define; `keys` and `secret` name nothing of `oauth`.
    assert!(open.is_empty(), "a circle among {open:?}");
}

#[test]
fn the_protocol_is_pure() {
    nothing(references().iter().filter(|reference| PURE.contains(&reference.module.as_str())).filter_map(
        |reference| {
            let offence = NOT_PURE.iter().find(|name| reference.names(name))?;
            Some(format!("{}: {offence}", reference.file.display()))
        },
    ));
}

#[test]
fn diesel_is_named_in_the_stores_only() {
    nothing(references().iter().filter_map(|reference| {
        let in_store = reference.module == "store"
            || reference.file.starts_with("resource_api/users_store")
            || reference.file == Path::new("resource_api/users_store.rs");
        let diesel = reference.path.first().is_some_and(|first| first.starts_with("diesel"));
        (diesel && !in_store).then(|| format!("{}: {}", reference.file.display(), reference.path.join("::")))
    }));
}

#[test]
fn a_test_can_end_the_program_in_a_build_for_that_only() {
    nothing(references().iter().filter_map(|reference| {
        let here = reference.file == Path::new("fail_point.rs");
        (reference.names("fail") && !here).then(|| reference.file.display().to_string())
    }));
    let text = |name: &str| std::fs::read_to_string(source_directory().join("..").join(name)).expect("a file");
    let (manifest, image) = (text("Cargo.toml"), text("Dockerfile"));
    assert!(manifest.contains("\ndefault = []\n"));
    assert!(manifest.contains("\nfail = { version = \"0.5.1\", optional = true }\n"));
    assert!(
        image.contains("cargo build --release") && !image.contains("failpoints") && !image.contains("all-features")
    );
    // The variable that the crate `fail` reads.
    let program = std::fs::read(crate::support::program::BINARY).expect("the program");
    let has_fail_points = program.windows(10).any(|bytes| bytes == b"FAILPOINTS");
    assert_eq!(has_fail_points, cfg!(feature = "failpoints"));
}

#[test]
fn actix_stays_in_the_outer_levels() {
    nothing(references().iter().filter_map(|reference| {
        let outer = matches!(reference.module.as_str(), "http" | "resource_api" | "telemetry" | "dev" | "cli");
        let actix = reference.path.first().is_some_and(|first| first.starts_with("actix_"));
        (actix && !outer).then(|| reference.file.display().to_string())
    }));
}

#[test]
fn nobody_but_the_command_dev_comes_to_what_drives_an_issuer() {
    nothing(references().iter().filter(|reference| reference.target() == Some("dev")).filter_map(|reference| {
        // The exit code of a start that fails.
        let error =
            reference.file == Path::new("cli/exit.rs") && reference.names("crate::dev::memory_issuer::StartError");
        let allowed = reference.module == "dev" || reference.file.starts_with("cli/dev") || error;
        (!allowed).then(|| format!("{}: {}", reference.file.display(), reference.path.join("::")))
    }));
}

#[test]
fn the_resource_api_is_a_stranger() {
    nothing(references().iter().filter(|reference| reference.module == "resource_api").filter_map(|reference| {
        let target = reference.target()?;
        (level(target).is_some() && !RESOURCE_API_MAY.contains(&target))
            .then(|| format!("{}: {}", reference.file.display(), reference.path.join("::")))
    }));
}
