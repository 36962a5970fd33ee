//! Which files does an export consist of, and what is read of them?

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::exit::CliError;
use crate::issuer::import::{Auth0Export, SourceFile};

/// The most that is read of one import, in bytes.
pub const MAX_IMPORT_BYTES: u64 = 512 * 1024 * 1024;

/// Reads files, all of one import, within its limit.
#[derive(Debug)]
pub struct ImportReader {
    left: u64,
}

impl Default for ImportReader {
    fn default() -> Self {
        Self { left: MAX_IMPORT_BYTES }
    }
}

impl ImportReader {
    /// The file at `path`; `-` is standard input.
    pub fn file(&mut self, path: &Path) -> Result<SourceFile, CliError> {
        let cannot =
            |error: &dyn std::fmt::Display| CliError::usage(format!("cannot read {}: {error}", path.display()));
        let reader: Box<dyn std::io::Read> = if path == Path::new("-") {
            Box::new(std::io::stdin())
        } else {
            Box::new(std::fs::File::open(path).map_err(|error| cannot(&error))?)
        };
        let mut text = String::new();
        let read = reader.take(self.left + 1).read_to_string(&mut text).map_err(|error| cannot(&error))?;
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        self.left = self
            .left
            .checked_sub(read)
            .ok_or_else(|| cannot(&format_args!("the export is longer than {MAX_IMPORT_BYTES} bytes")))?;
        Ok(SourceFile::new(path.display().to_string(), text))
    }

    /// The files at `paths`, and the `.json` files in the folders among them.
    pub fn files_and_folders(&mut self, paths: &[PathBuf]) -> Result<Vec<SourceFile>, CliError> {
        let mut files = Vec::new();
        for path in paths {
            if path.is_dir() {
                for file in json_files(path)? {
                    files.push(self.file(&file)?);
                }
            } else {
                files.push(self.file(path)?);
            }
        }
        Ok(files)
    }

    /// An export of Auth0's deploy CLI: a YAML file, a folder with `tenant.yaml`, or one with a folder for each kind.
    pub fn auth0(&mut self, path: &Path) -> Result<Auth0Export, CliError> {
        if !path.is_dir() {
            return self.file(path).map(Auth0Export::Tenant);
        }
        let yaml = path.join("tenant.yaml");
        if yaml.is_file() {
            return self.file(&yaml).map(Auth0Export::Tenant);
        }
        let mut read = |name: &str| -> Result<Vec<SourceFile>, CliError> {
            let folder = path.join(name);
            let files = if folder.is_dir() { json_files(&folder)? } else { Vec::new() };
            files.iter().map(|file| self.file(file)).collect()
        };
        let (resource_servers, clients, grants) = (read("resource-servers")?, read("clients")?, read("grants")?);
        if resource_servers.is_empty() && clients.is_empty() && grants.is_empty() {
            return Err(CliError::usage(format!(
                "{}: there is neither tenant.yaml nor a folder resource-servers, clients or grants with JSON files",
                path.display()
            )));
        }
        let tenant = path.join("tenant.json");
        let tenant = tenant.is_file().then(|| self.file(&tenant)).transpose()?;
        let others = entries(path)?.into_iter().filter(|entry| entry.is_dir());
        let others = others.filter_map(|entry| Some(entry.file_name()?.to_string_lossy().into_owned()));
        let read = ["resource-servers", "clients", "grants"];
        let others = others.filter(|name| !read.contains(&name.as_str())).collect();
        Ok(Auth0Export::Folder { tenant, resource_servers, clients, grants, others })
    }
}

fn json_files(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    Ok(entries(folder)?.into_iter().filter(is_json).collect())
}

/// What is in the folder, in an order that does not change.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let cannot = |error: std::io::Error| CliError::usage(format!("cannot read {}: {error}", folder.display()));
    let entries = std::fs::read_dir(folder).map_err(cannot)?;
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(cannot)?;
    paths.sort();
    Ok(paths)
}
