//! `init`: the certificate of this KMS (TS 33.180 annex D.3.2).

use csc_auth::Dialect;

use super::answer::Frame;
use super::{Bytes, Kms};

impl Kms {
    pub(super) fn init(&self, frame: &Frame) -> Bytes {
        let root = &self.root;
        let version = match frame.dialect {
            Dialect::Standard => "1.1.0",
            Dialect::Field => "1.0.0",
        };
        self.write(frame, 0, |xml| {
            xml.open("KmsMessage", &[]);
            xml.open("KmsInit", &[("Version", "1.0.0")]);
            xml.open("KmsCertificate", &[("Version", version), ("Role", "Root")]);
            xml.leaf("KmsUri", root.kms_uri());
            xml.leaf("Issuer", self.settings.issuer.as_deref().unwrap_or_default());
            xml.leaf("UserIdFormat", "2");
            xml.leaf("UserKeyPeriod", &self.settings.periods.length().to_string());
            xml.leaf("UserKeyOffset", &self.settings.periods.offset().to_string());
            xml.leaf("PubEncKey", &hex::encode_upper(root.pub_enc_key().to_bytes()));
            xml.leaf("PubAuthKey", &hex::encode_upper(root.pub_auth_key().to_bytes()));
            xml.leaf("ParameterSet", "1");
            xml.close("KmsCertificate");
            xml.close("KmsInit");
            xml.close("KmsMessage");
        })
    }
}
