//! The token of a server that was given none: made once, kept in the data directory, readable by its owner only.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::settings::Token;

/// Where the token of this data directory lies.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("token")
}

/// The token made earlier, or a new one.
pub fn load_or_make(data_dir: &Path) -> std::io::Result<Token> {
    let path = path(data_dir);
    match load(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => make(&path),
        other => other,
    }
}

/// The token of a data directory, if one was made.
pub fn load(path: &Path) -> std::io::Result<Token> {
    let mut file = std::fs::File::open(path)?;
    restrict(&file)?;
    let mut text = String::new();
    Read::by_ref(&mut file).take(4096).read_to_string(&mut text)?;
    let text = text.trim();
    if text.len() < 32 {
        let reason = format!("{} does not hold a token: remove it and a new one is made", path.display());
        return Err(std::io::Error::new(ErrorKind::InvalidData, reason));
    }
    Ok(Token::new(text))
}

fn make(path: &Path) -> std::io::Result<Token> {
    let token = fresh();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Written aside and linked into place: another process never reads half a token, and of two that start at once one wins.
    let aside = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = options.open(&aside)?;
    writeln!(file, "{}", token.reveal())?;
    file.sync_all()?;
    drop(file);
    let placed = std::fs::hard_link(&aside, path);
    std::fs::remove_file(&aside)?;
    match placed {
        Ok(()) => Ok(token),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => load(path),
        Err(e) => Err(e),
    }
}

/// 32 bytes, hex. Four random UUIDs carry 488 random bits of the operating system; the digest spreads them over 256.
fn fresh() -> Token {
    let mut seed = [0u8; 64];
    for part in seed.chunks_exact_mut(16) {
        part.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    }
    Token::new(crate::ids::Digest::of(&seed).hex())
}

/// Takes the token file away from everybody but its owner.
fn restrict(file: &std::fs::File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_and_is_its_owners() {
        let dir = tempfile::tempdir().unwrap();
        let first = load_or_make(dir.path()).unwrap();
        assert_eq!(first.reveal().len(), 64);
        assert_eq!(load_or_make(dir.path()).unwrap(), first);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = || std::fs::metadata(path(dir.path())).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(), 0o600);
            std::fs::set_permissions(path(dir.path()), std::fs::Permissions::from_mode(0o644)).unwrap();
            load_or_make(dir.path()).unwrap();
            assert_eq!(mode(), 0o600);
        }
        std::fs::write(path(dir.path()), "short").unwrap();
        assert_eq!(load_or_make(dir.path()).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
