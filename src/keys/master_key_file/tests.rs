//! Files that are taken, refused, made and replaced.

use std::os::unix::fs::symlink;

use super::*;
use crate::entropy::SystemEntropy;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/master.key");
    (folder, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_created_key_loads_and_is_its_owners_alone() {
    let (_folder, path) = folder();
    let created = create(&path, &SystemEntropy).unwrap();
    assert_eq!(load(&path).unwrap().id(), created.id());
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    assert_eq!(fs::read(&path).unwrap().len(), 44);
}

#[test]
fn nothing_is_ever_written_over() {
    let (_folder, path) = folder();
    let first = create(&path, &SystemEntropy).unwrap();
    assert!(matches!(create(&path, &SystemEntropy), Err(MasterKeyFileError::AlreadyExists { .. })));
    assert_eq!(load(&path).unwrap().id(), first.id());
    fs::remove_file(&path).unwrap();
    symlink("/nonexistent", &path).unwrap();
    assert!(matches!(create(&path, &SystemEntropy), Err(MasterKeyFileError::AlreadyExists { .. })));
}

#[test]
fn a_file_left_behind_by_a_crash_does_not_stand_in_the_way() {
    let (_folder, path) = folder();
    create_directory(directory_of(&path)).unwrap();
    fs::write(beside(&path, ".new"), "half a k").unwrap();
    let created = create(&path, &SystemEntropy).unwrap();
    assert_eq!(load(&path).unwrap().id(), created.id());
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn the_one_before_is_kept_beside_a_new_one() {
    let (_folder, path) = folder();
    let first = create(&path, &SystemEntropy).unwrap();
    fs::write(beside(&path, ".new"), "half a k").unwrap();
    let second = replace(&path, first.id(), &SystemEntropy).unwrap();
    let late = replace(&path, first.id(), &SystemEntropy);
    assert!(matches!(late, Err(MasterKeyFileError::Replaced { .. })), "of two that saw the first, one replaces it");
    let ids = || (load(&path).unwrap().id().clone(), load(&old_path(&path)).unwrap().id().clone());
    assert_eq!(ids(), (second.id().clone(), first.id().clone()));
    assert_eq!((mode(&path), mode(&old_path(&path))), (0o600, 0o600));
    let third = replace(&path, second.id(), &SystemEntropy).unwrap();
    assert_eq!(ids(), (third.id().clone(), second.id().clone()));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
}

#[test]
fn of_many_that_create_at_once_one_succeeds() {
    let (_folder, path) = folder();
    let path = path.as_path();
    let created: Vec<MasterKey> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| create(path, &SystemEntropy).ok())).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(created.len(), 1);
    assert_eq!(load(path).unwrap().id(), created[0].id());
}

#[test]
fn a_missing_file_is_told_from_a_bad_one() {
    let (_folder, path) = folder();
    assert!(matches!(load(&path), Err(MasterKeyFileError::NotFound { .. })));
}

#[test]
fn links_and_folders_are_refused() {
    let (_folder, path) = folder();
    create(&path, &SystemEntropy).unwrap();
    let link = path.with_file_name("link.key");
    symlink(&path, &link).unwrap();
    assert!(matches!(load(&link), Err(MasterKeyFileError::NotAFile { .. })));
    assert!(matches!(load(path.parent().unwrap()), Err(MasterKeyFileError::NotAFile { .. })));
    fs::hard_link(&path, path.with_file_name("hard.key")).unwrap();
    assert!(matches!(load(&path), Err(MasterKeyFileError::HardLinked { .. })));
}

#[test]
fn open_permissions_are_refused_with_the_command_that_mends_them() {
    let (_folder, path) = folder();
    create(&path, &SystemEntropy).unwrap();
    for open in [0o640, 0o604, 0o620, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("chmod 600 {}", path.display())), "{error}");
        assert!(error.contains(&format!("{open:o}")), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(load(&path).is_ok());
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(load(&path), Err(MasterKeyFileError::DirectoryTooOpen { .. })));
}

#[test]
fn a_file_of_another_user_is_refused_with_the_command_that_mends_it() {
    let path = Path::new("keys/master.key");
    for (owner, folder, user) in [(7, 7, 7), (7, 0, 7), (0, 7, 7), (0, 0, 0), (7, 7, 0), (0, 7, 0)] {
        check_owner(path, owner, folder, user).unwrap();
    }
    for (owner, folder, user, wanted) in [(8, 7, 7, 7), (8, 8, 7, 7), (8, 0, 0, 0), (8, 7, 0, 7)] {
        let refused = check_owner(path, owner, folder, user).unwrap_err().to_string();
        let told = refused.contains("the id 8") && refused.contains(&format!("`chown {wanted} keys/master.key`"));
        assert!(told, "{owner} {folder} {user}: {refused}");
    }
}

#[test]
fn the_owner_of_the_file_itself_is_looked_at() {
    let (_folder, path) = folder();
    create(&path, &SystemEntropy).unwrap();
    // Only root can give a file away; for anybody else the rule is tested above.
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_ok() {
        assert!(matches!(load(&path), Err(MasterKeyFileError::Foreign { owner: 12_345, .. })));
        std::os::unix::fs::chown(directory_of(&path), Some(12_345), None).unwrap();
    }
    load(&path).unwrap();
}

#[test]
fn other_contents_are_refused_and_never_repeated() {
    let (_folder, path) = folder();
    create(&path, &SystemEntropy).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    for contents in ["", &whole[..42], &format!("{whole}{whole}"), &"A".repeat(4096)] {
        fs::write(&path, contents).unwrap();
        let error = load(&path).unwrap_err();
        assert!(matches!(error, MasterKeyFileError::Malformed { .. }));
        assert!(contents.is_empty() || !error.to_string().contains(contents), "{error}");
    }
    fs::write(&path, [0xff; 44]).unwrap();
    assert!(matches!(load(&path), Err(MasterKeyFileError::Malformed { .. })));
}
