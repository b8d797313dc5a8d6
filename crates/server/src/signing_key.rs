//! The secret that tokens are signed with: given, or made at first start and kept beside the data.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use parlor_domain::Entropy;
use secrecy::{SecretString, zeroize::Zeroizing};
use tracing::{info, warn};

use crate::config::{AuthSettings, check_secret};

/// Why there is no secret to sign with.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The file can't be read or made.
    #[error("cannot use the secret's file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds no fit secret.
    #[error("the secret in {} {reason}", path.display())]
    Weak {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// The secret in force: the configured one, or what its file holds. If there is no such file and the settings allow
/// it, one is made, readable by this user alone.
///
/// # Errors
/// A file that can't be read or made, or holds no fit secret.
pub fn signing_key(
    settings: &AuthSettings,
    data_dir: &Path,
    entropy: &dyn Entropy,
) -> Result<SecretString, SigningKeyError> {
    if settings.has_secret() {
        return Ok(settings.secret.clone());
    }
    let path = match settings.secret_file.as_str() {
        "" => data_dir.join("secret.key"),
        file => PathBuf::from(file),
    };
    let failed = |source| SigningKeyError::File { path: path.clone(), source };
    let text = match fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound && settings.generate_secret => {
            let text = make(&path, entropy).map_err(failed)?;
            info!(path = %path.display(), "made a secret to sign tokens with");
            text
        }
        Err(error) => return Err(failed(error)),
    };
    warn_if_readable_by_others(&path);
    let secret = SecretString::from(text.trim());
    check_secret(&secret).map_err(|reason| SigningKeyError::Weak { path: path.clone(), reason })?;
    Ok(secret)
}

/// Writes 256 random bits as hexadecimal digits. The file appears under its name only when it is whole.
fn make(path: &Path, entropy: &dyn Entropy) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; 32]);
    entropy.fill(&mut *bytes);
    let text = Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let part = path.with_extension("part");
    // A rest of an interrupted start; made anew, so that it has no wider permissions.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private_file(&part)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    Ok(text)
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Not refused: mounted secrets often have their group's permission.
fn warn_if_readable_by_others(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0) {
            warn!(path = %path.display(), "the secret's file is open to every user of this machine");
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[cfg(test)]
mod tests {
    use parlor_domain::SeededEntropy;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::config::{Configuration, Sources};

    fn settings() -> AuthSettings {
        Configuration::load(&Sources::default()).unwrap().settings.auth
    }

    fn key(settings: &AuthSettings, dir: &Path, seed: u64) -> Result<String, String> {
        let key = signing_key(settings, dir, &SeededEntropy::new(seed));
        key.map(|key| key.expose_secret().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_is_made_once_and_then_used_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = key(&settings(), dir.path(), 1).unwrap();
        assert_eq!(first.len(), 64);
        assert_eq!(key(&settings(), dir.path(), 2).unwrap(), first);
    }

    #[cfg(unix)]
    #[test]
    fn a_made_secret_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret.part"), "a rest").unwrap();
        key(&settings(), dir.path(), 1).unwrap();
        let mode = fs::metadata(dir.path().join("secret.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!dir.path().join("secret.part").exists());
    }

    #[test]
    fn without_leave_to_make_one_a_missing_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings();
        settings.generate_secret = false;
        settings.secret_file = dir.path().join("mounted").display().to_string();
        assert!(key(&settings, dir.path(), 1).unwrap_err().contains("mounted"));
        fs::write(&settings.secret_file, "9f2c61d07be84a35f1c0d2e8b7463a95\n").unwrap();
        assert_eq!(key(&settings, dir.path(), 1).unwrap(), "9f2c61d07be84a35f1c0d2e8b7463a95");
    }

    #[test]
    fn a_file_without_a_fit_secret_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        for bad in ["", "short\n"] {
            fs::write(&path, bad).unwrap();
            assert!(key(&settings(), dir.path(), 1).unwrap_err().contains("at least 32 bytes"));
            assert_eq!(fs::read_to_string(&path).unwrap(), bad);
        }
    }
}
