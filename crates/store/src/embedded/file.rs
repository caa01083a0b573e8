//! Makes and opens the file.
//!
//! A new file is made beside its place, stamped with birth records, made durable, and only then given its name. So a
//! file of that name without birth records is never a new one: it was damaged, and is not taken for an empty store.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use csc_types::Entropy;
use redb::{Database, DatabaseError};

use super::{Options, birth};

/// Why the file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or this one, has it open.
    #[error("store {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The operating system refused.
    #[error("store {}: {why}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        why: io::Error,
    },
    /// It is not a store, or a damaged one.
    #[error("store {} is damaged or no store ({why}); put a backup in its place", .path.display())]
    Engine {
        /// The file.
        path: PathBuf,
        /// What the engine said.
        why: Box<redb::Error>,
    },
}

impl OpenError {
    pub(super) fn engine(path: &Path, why: impl Into<redb::Error>) -> Self {
        match why.into() {
            redb::Error::DatabaseAlreadyOpen => Self::InUse(path.to_owned()),
            // What the engine says of content that is not its own; all else is the operating system.
            redb::Error::Io(why) if why.kind() != io::ErrorKind::InvalidData => {
                Self::Io { path: path.to_owned(), why }
            }
            why => Self::Engine { path: path.to_owned(), why: Box::new(why) },
        }
    }
}

/// Opens the store at `path`; makes it first if there is no file of that name.
pub(super) fn open(path: &Path, options: &Options, entropy: &dyn Entropy) -> Result<Database, OpenError> {
    let failed = |why| OpenError::Io { path: path.to_owned(), why };
    if !path.try_exists().map_err(failed)? {
        make(path, options, entropy)?;
    }
    builder(options).open(path).map_err(|why: DatabaseError| OpenError::engine(path, why))
}

pub(super) fn builder(options: &Options) -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache);
    builder
}

fn make(path: &Path, options: &Options, entropy: &dyn Entropy) -> Result<(), OpenError> {
    let failed = |why| OpenError::Io { path: path.to_owned(), why };
    let mut installation = [0; 16];
    entropy.fill(&mut installation);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}.new", entropy.next_u64()));
    let unnamed = PathBuf::from(name);

    let file = create_private(&unnamed).map_err(failed)?;
    let made = builder(options)
        .create_file(file)
        .map_err(redb::Error::from)
        .and_then(|database| birth::write(&database, &installation))
        .map_err(|why| OpenError::engine(path, why))
        // A link, not a rename: it never replaces what another process put there meanwhile.
        .and_then(|()| match fs::hard_link(&unnamed, path) {
            Err(why) if why.kind() != io::ErrorKind::AlreadyExists => Err(failed(why)),
            _ => Ok(()),
        });
    fs::remove_file(&unnamed).map_err(failed)?;
    made?;
    sync_directory(path).map_err(failed)
}

/// Records hold password hashes and tokens: nobody but the owner of the process reads them.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The name itself must survive a power cut, too.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
