//! Files that appear whole or not at all, are never overwritten, and are read only while nobody else can.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use csc_types::Entropy;
use zeroize::Zeroizing;

use super::RootError;

/// Largest file that is read, in octets. A sealed root has about 1.5 KiB.
const MAX: u64 = 64 * 1024;

/// Writes a new file that only its owner may read, and makes it durable: content first, then name, then folder.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if there is one; whatever the file system says.
pub(super) fn write_new(path: &Path, content: &[u8], entropy: &dyn Entropy) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = folder.join(format!(".{:016x}.new", entropy.next_u64()));
    let written = write_temporary(&temporary, content)
        // A link, and not a renaming, for that would replace a file that is there.
        .and_then(|()| fs::hard_link(&temporary, path));
    let removed = fs::remove_file(&temporary);
    written.and(removed)?;
    File::open(folder)?.sync_all()
}

fn write_temporary(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// The content of a file that not everybody may read or change.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, RootError> {
    let file = File::open(path)?;
    if file.metadata()?.permissions().mode() & 0o007 != 0 {
        return Err(RootError::Exposed);
    }
    let mut content = Zeroizing::new(Vec::new());
    file.take(MAX + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX { Err(RootError::Format("is too large")) } else { Ok(content) }
}
