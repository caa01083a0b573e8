//! What an operator is told when the service cannot start.

use csc_kms::BuildError;
use csc_kms::root::RootError;

use crate::server::Server;

async fn refused(settings: &[(&str, &str)]) -> BuildError {
    match Server::try_start(settings, |store| store).await {
        Ok(_) => panic!("it started with {settings:?}"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn only_a_missing_root_is_to_be_made() {
    let error = refused(&[("ROOT", "/nowhere/kms.root")]).await;
    assert!(error.to_string().contains("csc kms root create"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("kek");
    csc_kms::root::create_kek(&other, &csc_test_support::SeededEntropy::new(8)).unwrap();
    let error = refused(&[("KEK_FILE", other.to_str().unwrap())]).await;
    assert!(matches!(error, BuildError::Root { source: RootError::Unseal, .. }), "{error}");
    assert!(!error.to_string().contains("create"), "{error}");
}

#[tokio::test]
async fn key_periods_have_begun() {
    // The 32-bit seconds of 1900 end in 2036.
    let error = refused(&[("USER_KEY_OFFSET", "4294967295")]).await;
    assert!(matches!(error, BuildError::Offset), "{error}");
}
