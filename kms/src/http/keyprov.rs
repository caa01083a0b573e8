//! `keyprov`: the key sets of a user (TS 33.180 annex D.3.3).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use csc_auth::Dialect;
use csc_sakke::{NtpSeconds, SecretBytes, Uid};

use super::answer::Frame;
use super::{Asked, Bytes, Kms, Xml, target};
use crate::audit::Recipient;
use crate::config::UserIdEncoding;
use crate::domain::period;
use crate::domain::provision::{Provided, provision};
use crate::domain::refusal::Refusal;
use crate::pool::PoolError;

/// Tags and values of fixed length of one key set.
const KEY_SET: usize = 2048;

impl Kms {
    pub(super) async fn keyprov(
        &self,
        frame: &Frame,
        asked: &Asked,
        timestamp: Option<&str>,
    ) -> Result<Bytes, Refusal> {
        let timestamp = timestamp.map(target::ntp_timestamp).transpose()?;
        let settings = &self.settings;
        let now = NtpSeconds::from_unix(self.clock.now().seconds());
        let period = period::choose(&settings.periods, now, timestamp, settings.previous_period)?;

        let claims = &asked.verified.claims;
        let begun = self.clock.monotonic();
        self.limit.count(&claims.mcptt_id, begun).map_err(Refusal::TooOften)?;
        let sets = self.issue(asked, period).await?;
        let taken = self.clock.monotonic().saturating_sub(begun);
        self.seconds.with_label_values::<&str>(&[]).observe(taken.as_secs_f64());

        let recipient = Recipient {
            user: &claims.mcptt_id,
            token: claims.jti.as_deref(),
            address: asked.address.clone(),
        };
        self.audit.issued(&recipient, &sets).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "key sets withheld");
            Refusal::Unavailable
        })?;
        self.key_sets.with_label_values::<&str>(&[]).inc_by(sets.len() as u64);
        Ok(self.encode(frame, &sets))
    }

    async fn issue(&self, asked: &Asked, period: u64) -> Result<Vec<Provided>, Refusal> {
        let (root, periods) = (Arc::clone(&self.root), self.settings.periods);
        let identities = asked.identities.all.clone();
        match self.pool.run(move || provision(&root, &periods, identities, period)).await {
            Ok(Ok(sets)) => Ok(sets),
            Ok(Err(error)) => {
                tracing::error!(%error, "key sets cannot be made");
                Err(Refusal::Unavailable)
            }
            Err(PoolError::Full) => Err(Refusal::Busy),
            Err(error @ PoolError::Lost) => {
                tracing::error!(%error, "key sets were not made");
                Err(Refusal::Unavailable)
            }
        }
    }

    fn encode(&self, frame: &Frame, sets: &[Provided]) -> Bytes {
        let root = &self.root;
        let issuer = self.settings.issuer.as_deref().unwrap_or_default();
        let set_size = |set: &Provided| {
            KEY_SET + 5 * (root.kms_uri().len() + issuer.len() + set.identity.user_uri.len())
        };
        let size = sets.iter().map(set_size).sum();
        // The base type of key elements is abstract, so that their type must be named.
        let key: &[(&str, &str)] = match frame.dialect {
            Dialect::Standard => &[("xsi:type", "KeyContentType")],
            Dialect::Field => &[],
        };
        self.write(frame, size, |xml: &mut Xml| {
            xml.open("KmsMessage", &[]);
            xml.open("KmsKeyProv", &[("Version", "1.0.0")]);
            for set in sets {
                xml.open("KmsKeySet", &[("Version", "1.1.0")]);
                xml.leaf("KmsUri", root.kms_uri());
                xml.leaf("Issuer", issuer);
                xml.leaf("UserUri", &set.identity.user_uri);
                xml.leaf("UserID", &self.user_id(&set.uid));
                xml.leaf("KeyPeriodNo", &set.period.to_string());
                let signing = &set.keys.signing;
                xml.key("UserDecryptKey", key, &set.keys.rsk.to_bytes().to_hex());
                xml.key("UserSigningKeySSK", key, &signing.ssk().to_hex());
                xml.key("UserPubTokenPVT", key, &SecretBytes::new(signing.pvt()).to_hex());
                xml.close("KmsKeySet");
            }
            xml.close("KmsKeyProv");
            xml.close("KmsMessage");
        })
    }

    fn user_id(&self, uid: &Uid) -> String {
        match self.settings.user_id {
            UserIdEncoding::Hex => uid.to_string(),
            UserIdEncoding::Base64 => STANDARD.encode(uid.as_bytes()),
        }
    }
}
