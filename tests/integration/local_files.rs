//! Files of the local stack, which hold tokens, a key and logs.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use holdfast_tests::variable;

#[test]
fn no_other_user_can_read_or_write_a_file_of_the_local_stack() {
    let key = variable("HOLDFAST_ISSUER_KEY");
    let folder = Path::new(&key).parent().expect("the stack's folder");
    let open = |path: &Path| {
        let metadata = fs::symlink_metadata(path).expect("it exists");
        !metadata.is_symlink() && metadata.permissions().mode() & 0o077 != 0
    };
    assert!(!open(folder), "{}", folder.display());
    let inside = fs::read_dir(folder).expect("a folder");
    let inside: Vec<_> = inside
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert!(inside.iter().any(|path| path.ends_with("env")));
    let open: Vec<_> = inside.iter().filter(|path| open(path)).collect();
    assert!(open.is_empty(), "{open:?}");
}
