//! Every service in one process, on the embedded store.

use std::sync::Arc;

use anyhow::Context;
use csc_auth::{Accounts, GrpcKeys};
use csc_process::{Common, Platform, Program, Running, TokenRules, keep_fresh};
use csc_service::config::Settings;
use csc_service::{ServiceParts, TelemetryConfig, bus};

use crate::documents;

/// The settings of all services.
pub struct AllInOne {
    common: Common,
    documents: csc_xcap_server::Config,
    rules: TokenRules,
    idms: csc_idms::Config,
    gms: csc_gms::Config,
    cms: csc_cms::Config,
    kms: csc_kms::Config,
    sip: csc_subscription_proxy::Config,
}

impl Program for AllInOne {
    const NAME: &'static str = "csc";

    fn read(settings: &mut Settings) -> Self {
        let common = Common::read(settings);
        let documents = csc_xcap_server::Config::read(settings);
        Self {
            common,
            documents,
            rules: TokenRules::read(settings),
            idms: csc_idms::process::config(settings),
            gms: csc_gms::process::config(settings),
            cms: csc_cms::process::config(settings),
            kms: csc_kms::process::config(settings),
            sip: csc_subscription_proxy::process::config(settings),
        }
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.common.log
    }

    async fn build(self, platform: Platform) -> anyhow::Result<Running> {
        let Self { common, documents, rules, idms, gms, cms, kms, sip } = self;
        let host = common.open(platform).await?;
        host.holds(gms.group_size.max(cms.document_size))?;
        let Platform { clock, entropy, metrics } = host.platform.clone();
        let records = host.records.clone();

        let issuer = idms.issuer.clone();
        let deps = csc_idms::Deps {
            records: records.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            metrics: metrics.clone(),
        };
        let idms = csc_idms::build(&idms, deps).context("idms")?;

        let routes = idms.grpc.clone().context("idms serves its keys on the bus")?;
        let channel = bus::in_process(routes);
        let accounts = Arc::new(Accounts::new(vec![channel.clone()], Arc::clone(&clock)));
        let keys = Arc::new(GrpcKeys::new(channel));
        let verifier = rules.verifier(issuer, keys, Arc::clone(&clock));

        let deps = csc_gms::Deps {
            records: records.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            metrics: metrics.clone(),
            verifier: Arc::clone(&verifier),
            replica: host.replica.clone(),
            replicas: host.replicas,
        };
        let mut gms = csc_gms::build(&gms, &documents, deps);
        let deps = csc_cms::Deps {
            records: records.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            metrics: metrics.clone(),
            verifier: Arc::clone(&verifier),
            replica: host.replica.clone(),
            replicas: host.replicas,
        };
        let mut cms = csc_cms::build(&cms, &documents, deps);
        let deps = csc_kms::Deps {
            records: records.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            verifier: Arc::clone(&verifier),
            accounts,
            metrics: metrics.clone(),
        };
        let kms = csc_kms::build(&kms, deps).await.context("kms")?;
        let deps = csc_subscription_proxy::Deps {
            records,
            clock,
            entropy,
            metrics,
            verifier: Arc::clone(&verifier),
            naming: csc_subscription_proxy::process::naming(&documents),
            replicas: host.replicas,
        };
        let (proxy, address) =
            csc_subscription_proxy::build(&sip, deps).await.context("subscription-proxy")?;

        let mut front = ServiceParts::new("csc");
        front.grpc = Some(documents::front(&mut gms, &mut cms)?);
        let host = host.roots(&documents.prefixes()).mount(front).mount(keep_fresh(verifier));
        host.mount(idms).mount(gms).mount(cms).mount(kms).mount(proxy).bind(Some(address)).await
    }
}
