//! A complete installation in one folder: certificates, keys, configuration. The demo makes one, and so does every test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use csc_types::Entropy;

use crate::pki::{Authority, random, write_secret};
use crate::ue::Profile;
use crate::{idms_keys, roots};

/// The KMS URI of a new site.
pub const KMS_URI: &str = "kms.example.org";

/// Where the services of a site listen on the loopback interface; 0 takes a free port.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// HTTPS for terminals.
    pub https: u16,
    /// SIP over UDP.
    pub sip: u16,
    /// The gRPC bus.
    pub bus: u16,
    /// `/livez`, `/readyz`, `/metrics`.
    pub admin: u16,
}

/// An installation.
#[derive(Clone, Debug)]
pub struct Site {
    folder: PathBuf,
}

impl Site {
    /// Makes an installation in `folder`, which must be empty or not exist yet: two CAs (one for terminals, one for the
    /// bus; their private keys are forgotten), keys, a KMS root and a configuration file.
    ///
    /// # Errors
    /// If a file cannot be written or exists.
    pub fn create(folder: &Path, ports: Ports, entropy: &dyn Entropy) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let site = Self { folder: folder.to_owned() };

        let public = Authority::create("CSC demo CA")?;
        public.write_certificate(&site.ca())?;
        public.issue(&["localhost", "127.0.0.1", "::1"], &site.at("server"))?;
        let bus = Authority::create("CSC demo bus CA")?;
        bus.write_certificate(&site.at("bus-ca.pem"))?;
        // One process is every member of the bus but the operator.
        bus.issue(&["localhost", "idms", "gms", "cms", "kms", "subscription-proxy"], &site.at("bus"))?;
        bus.issue(&["operator"], &site.at("operator"))?;

        idms_keys::create(folder, entropy)?;
        roots::create(KMS_URI, &site.at("kms.root"), Some(&site.at("kms.kek")), None, entropy)?;
        write_secret(&site.at("sip.key"), &*random(entropy))?;
        site.configure(ports)?;
        Ok(site)
    }

    /// The installation that lies in `folder`.
    pub fn at_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Writes the configuration file anew, with these ports.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn configure(&self, ports: Ports) -> anyhow::Result<()> {
        let text = include_str!("../demo/csc.toml")
            .replace("{https}", &ports.https.to_string())
            .replace("{sip}", &ports.sip.to_string())
            .replace("{bus}", &ports.bus.to_string())
            .replace("{admin}", &ports.admin.to_string());
        std::fs::write(self.config(), text).with_context(|| format!("writing {}", self.config().display()))
    }

    /// The file `name` of the site.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.at("csc.toml")
    }

    /// The certificate that terminals trust.
    pub fn ca(&self) -> PathBuf {
        self.at("ca.pem")
    }

    /// The profile of a terminal of this site whose user is `user`, once the addresses are known.
    ///
    /// # Errors
    /// If `user` is no MCPTT ID.
    pub fn profile(
        &self,
        user: &str,
        password: &str,
        https: SocketAddr,
        sip: &[SocketAddr],
    ) -> anyhow::Result<Profile> {
        Ok(Profile {
            server: format!("https://{https}"),
            ca: self.ca(),
            user: user.parse()?,
            password: password.to_owned(),
            client_id: "MCPTT_UE".parse()?,
            redirect_uri: "http://mcptt_client/cb".to_owned(),
            scope: "openid 3gpp:mcptt:ptt_server 3gpp:mcptt:key_management_server \
                    3gpp:mcptt:config_management_server 3gpp:mcptt:group_management_server"
                .to_owned(),
            proxy: sip.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            psi: "sip:csc_psi@mcptt.example.org".to_owned(),
        })
    }
}
