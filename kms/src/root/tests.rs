use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use csc_test_support::SeededEntropy;
use serde_json::Value;
use tempfile::TempDir;

use super::*;

fn kek(octet: u8) -> Kek {
    Kek::from_key_file(hex::encode([octet; 32]).as_bytes()).unwrap()
}

fn created(seed: u64) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kms.root");
    create(&path, "kms.example.org", &kek(1), &SeededEntropy::new(seed)).unwrap();
    (folder, path)
}

/// Changes one member of the file.
fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut file);
    std::fs::write(path, file.to_string()).unwrap();
}

#[test]
fn what_is_created_loads_and_is_never_overwritten() {
    let (folder, path) = created(1);
    let root = load(&path, &kek(1)).unwrap();
    assert_eq!(root.kms_uri(), "kms.example.org");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&path).unwrap();
    let again = create(&path, "kms.example.org", &kek(1), &SeededEntropy::new(2));
    assert!(matches!(again, Err(RootError::File(error)) if error.kind() == io::ErrorKind::AlreadyExists));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing temporary is left");
    // The secrets stand nowhere in the file.
    let z = hex::encode(&root.to_bytes().expose()[..32]);
    assert!(!String::from_utf8(before).unwrap().contains(&z));
}

#[test]
fn a_passphrase_seals_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kms.root");
    let passphrase = |text: &str| Kek::from_passphrase(text.as_bytes()).unwrap();
    create(&path, "kms.example.org", &passphrase("open sesame\n"), &SeededEntropy::new(1)).unwrap();
    assert!(load(&path, &passphrase("open sesame")).is_ok());
    assert!(matches!(load(&path, &passphrase("open")), Err(RootError::Unseal)));
    assert!(matches!(load(&path, &kek(1)), Err(RootError::Kek(KekError::WantsPassphrase))));
    edit(&path, |file| file["argon2id_salt"] = "00".into());
    assert!(matches!(load(&path, &passphrase("open sesame")), Err(RootError::Kek(KekError::Derivation))));
    let (_folder, path) = created(1);
    assert!(matches!(load(&path, &passphrase("x")), Err(RootError::Kek(KekError::WantsKey))));
    assert_eq!(Kek::from_passphrase(b" \n").err(), Some(KekError::NoPassphrase));
}

#[test]
fn key_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    create_kek(&path, &SeededEntropy::new(1)).unwrap();
    assert!(create_kek(&path, &SeededEntropy::new(2)).is_err());
    let content = std::fs::read(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(Kek::from_key_file(&content).is_ok());
    for content in [&b""[..], &[b'0'; 63], &[b'0'; 65], &[b'x'; 64]] {
        assert_eq!(Kek::from_key_file(content).err(), Some(KekError::NoKey));
    }
}

#[test]
fn a_missing_file_is_an_error_and_stays_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kms.root");
    assert!(matches!(load(&path, &kek(1)), Err(RootError::File(_))));
    assert!(!path.exists());
}

#[test]
fn a_file_others_can_read_is_refused() {
    let (_folder, path) = created(1);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o604)).unwrap();
    assert!(matches!(load(&path, &kek(1)), Err(RootError::Exposed)));
}

#[test]
fn every_change_is_noticed() {
    let (_folder, path) = created(1);
    let intact = std::fs::read(&path).unwrap();
    assert!(matches!(load(&path, &kek(2)), Err(RootError::Unseal)));

    let (_other, other) = created(2);
    let other: Value = serde_json::from_slice(&std::fs::read(other).unwrap()).unwrap();
    for member in ["kms_uri", "pub_enc_key", "pub_auth_key", "nonce", "sealed"] {
        std::fs::write(&path, &intact).unwrap();
        let foreign = if member == "kms_uri" { "kms.example.com".into() } else { other[member].clone() };
        edit(&path, |file| file[member] = foreign);
        assert!(matches!(load(&path, &kek(1)), Err(RootError::Unseal)), "{member}");
    }
    for (member, value) in
        [("format", 2.into()), ("nonce", "00".into()), ("sealed", "zz".into()), ("more", 1.into())]
    {
        std::fs::write(&path, &intact).unwrap();
        edit(&path, |file| file[member] = value);
        assert!(matches!(load(&path, &kek(1)), Err(RootError::Format(_))), "{member}");
    }
    for length in 0..intact.len() - 2 {
        std::fs::write(&path, &intact[..length]).unwrap();
        assert!(matches!(load(&path, &kek(1)), Err(RootError::Format(_))), "{length} octets");
    }
    std::fs::write(&path, vec![b' '; 70_000]).unwrap();
    assert!(matches!(load(&path, &kek(1)), Err(RootError::Format("is too large"))));
}

/// Sealed properly, and yet of other secrets than the public keys say: only recomputing them shows it.
#[test]
fn secrets_of_other_public_keys_are_refused() {
    let entropy = SeededEntropy::new(1);
    let (one, two) = (Root::generate("kms", &entropy).unwrap(), Root::generate("kms", &entropy).unwrap());
    let mut file = seal(&one, &kek(1), &entropy).unwrap();
    file.pub_enc_key = two.pub_enc_key().to_bytes().to_vec();
    let nonce: [u8; 12] = file.nonce.as_slice().try_into().unwrap();
    let secrets = one.to_bytes();
    let payload = Payload { msg: secrets.expose(), aad: &associated_data(&file) };
    file.sealed = Aes256Gcm::new(&[1; 32].into()).encrypt(&Nonce::from(nonce), payload).unwrap();
    assert!(matches!(unseal(&file, &kek(1)), Err(RootError::Mismatch)));
}

#[test]
fn a_uri_that_cannot_stand_in_a_certificate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for uri in ["", "kms example", "kms\n", &"k".repeat(256)] {
        let made = create(&folder.path().join("r"), uri, &kek(1), &SeededEntropy::new(1));
        assert!(matches!(made, Err(RootError::Uri)), "{uri:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Root files of format 1 must load for ever. The secrets in these are for this test alone.
#[test]
fn golden_files() {
    let passphrase = Kek::from_passphrase(b"golden").unwrap();
    for (name, kek) in [("root-1.json", kek(1)), ("root-1-passphrase.json", passphrase)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        let sealed: Sealed = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(unseal(&sealed, &kek).unwrap().kms_uri(), "kms.example.org", "{name}");
    }
}
