//! Hears from the identity server who may not have keys any more, and raises the alarm when it hears nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use csc_auth::{Accounts, SILENCE};
use csc_service::{Metrics, Task};
use prometheus::IntGauge;
use tokio::sync::oneshot;

/// How often it is looked whether anything was heard.
const LOOK: Duration = Duration::from_millis(250);

/// Keeps the stream of accounts open until nobody answers requests any more, which `users` tells by the end of its sender:
/// whoever is answered while the process drains needs it as well.
pub(crate) fn follow(
    accounts: Arc<Accounts>,
    users: oneshot::Receiver<Infallible>,
    metrics: &Metrics,
) -> Task {
    let silent = metrics.gauge(
        "csc_account_stream_silent",
        "1 while the identity server has said nothing about accounts for five seconds and no keys are given out.",
        &[],
    );
    let silent = silent.with_label_values::<&str>(&[]);
    Task::new("kms accounts", move |_| async move {
        tokio::select! {
            () = accounts.follow() => {}
            never = watch(&accounts, &silent) => match never {},
            _ = users => {}
        }
        Ok(())
    })
}

/// Tells once when the stream falls silent, and once when it is heard again.
async fn watch(accounts: &Accounts, silent: &IntGauge) -> Infallible {
    let mut alarmed = false;
    loop {
        let silence = accounts.silent_for() >= SILENCE;
        silent.set(silence.into());
        match (alarmed, silence) {
            (false, true) => tracing::error!("the identity server is silent; no keys are given out"),
            (true, false) => tracing::info!("the identity server is heard again"),
            _ => {}
        }
        alarmed = silence;
        tokio::time::sleep(LOOK).await;
    }
}
