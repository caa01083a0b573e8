//! CSC-8 in the field dialect: fetch the certificate and the key set, and check both as a terminal must before it uses
//! them.

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use csc_sakke::{KeyPeriods, PubAuthKey, PubEncKey, ReceiverSecretKey, SigningPair, Uid};
use csc_types::McpttId;
use csc_xml::{Document, Node};
use http::Request;
use zeroize::Zeroizing;

use super::Ue;

/// What a KMS certificate says, as far as a terminal needs it.
pub struct Certificate {
    /// The KMS URI.
    pub kms_uri: String,
    /// How time is cut into key periods.
    pub periods: KeyPeriods,
    pub_enc_key: PubEncKey,
    pub_auth_key: PubAuthKey,
}

/// A key set that was received and found good.
pub struct Received {
    /// The user it is for, as the KMS names it.
    pub user_uri: String,
    /// The period it is valid in.
    pub period: u64,
    /// The UID it belongs to.
    pub uid: Uid,
    /// Decrypts what others encrypt to that UID.
    pub rsk: ReceiverSecretKey,
    /// Signs as that UID.
    pub signing: SigningPair,
}

impl Ue {
    /// Fetches the KMS certificate (`init`).
    ///
    /// # Errors
    /// If the KMS refuses or the certificate is malformed.
    pub async fn certificate(&mut self) -> anyhow::Result<Certificate> {
        let body = self.kms("init").await?;
        let document = parse(&body)?;
        let certificate = find(&document, "KmsCertificate")?;
        let number = |name| anyhow::Ok(text(certificate, name)?.parse::<u64>()?);
        Ok(Certificate {
            kms_uri: text(certificate, "KmsUri")?.to_owned(),
            periods: KeyPeriods::new(number("UserKeyPeriod")?, number("UserKeyOffset")?)?,
            pub_enc_key: PubEncKey::from_bytes(&octets(certificate, "PubEncKey")?)?,
            pub_auth_key: PubAuthKey::from_bytes(&octets(certificate, "PubAuthKey")?)?,
        })
    }

    /// Fetches this user's key set of the current period (`keyprov`) and checks it against `certificate`: the UID is the
    /// one of this user and period, RSK and SSK belong to it and to the KMS's public keys (RFC 6508 6.1.2, RFC 6507
    /// 5.1.2).
    ///
    /// # Errors
    /// If the KMS refuses, or a check fails.
    pub async fn keys(&mut self, certificate: &Certificate) -> anyhow::Result<Received> {
        let body = Zeroizing::new(self.kms("keyprov").await?.to_vec());
        let document = parse(&body)?;
        let set = find(&document, "KmsKeySet")?;
        ensure!(text(set, "KmsUri")? == certificate.kms_uri, "the key set is of another KMS");
        let period = text(set, "KeyPeriodNo")?.parse()?;
        let uid = Uid::derive(self.user().as_str(), &certificate.kms_uri, &certificate.periods, period)?;
        ensure!(
            octets(set, "UserID")?.as_slice() == uid.as_bytes(),
            "the key set is for another user or period"
        );

        let rsk = ReceiverSecretKey::from_bytes(&octets(set, "UserDecryptKey")?)?;
        rsk.verify(uid.identifier(), &certificate.pub_enc_key)
            .context("the user decryption key is not good")?;
        let signing =
            SigningPair::from_bytes(&octets(set, "UserSigningKeySSK")?, &octets(set, "UserPubTokenPVT")?)?;
        signing
            .verify(uid.identifier(), &certificate.pub_auth_key)
            .context("the user signing key is not good")?;
        Ok(Received { user_uri: text(set, "UserUri")?.to_owned(), period, uid, rsk, signing })
    }

    async fn kms(&mut self, what: &str) -> anyhow::Result<Bytes> {
        let body = form(self.user());
        let request = Request::post(format!("/keymanagement/identity/v1/{what}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(body))?;
        let answer = self.send(request).await?;
        if answer.status() != 200 {
            bail!("{what} was answered {}: {}", answer.status(), String::from_utf8_lossy(answer.body()));
        }
        Ok(answer.into_body())
    }
}

fn form(user: &McpttId) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("MCPTTID", user.as_str()).finish()
}

fn parse(body: &[u8]) -> anyhow::Result<Document<'_>> {
    Ok(csc_xml::parse(body, &csc_xml::Limits::DEFAULT)?)
}

fn find<'a>(document: &'a Document<'_>, name: &str) -> anyhow::Result<Node<'a, 'a>> {
    let found = document.descendants().find(|node| node.tag_name().name() == name);
    found.with_context(|| format!("the answer holds no {name}"))
}

fn text<'a>(parent: Node<'a, '_>, name: &str) -> anyhow::Result<&'a str> {
    let child = parent.children().find(|node| node.tag_name().name() == name);
    child
        .and_then(|node| node.text())
        .with_context(|| format!("{} holds no {name}", parent.tag_name().name()))
}

fn octets(parent: Node<'_, '_>, name: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    Ok(Zeroizing::new(hex::decode(text(parent, name)?).with_context(|| format!("{name} is not hex"))?))
}
