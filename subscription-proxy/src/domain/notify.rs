//! A notice as a NOTIFY request.

use csc_sip::Dialog;
use csc_types::Etag;
use csc_xcap::diff::{self, Change};
use sip_codec::{BuildError, Encoded, Name};

use super::subscription::Notice;
use super::wish::EVENT;

/// What every NOTIFY of this process has in common.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    /// Host and port of this process, in Via.
    pub(crate) sent_by: String,
    /// The URI of Contact: the service's advertised address.
    pub(crate) contact: String,
    /// `xcap-root`.
    pub(crate) xcap_root: String,
    /// Whether ETags stand in the quotes that the HTTP header field has.
    pub(crate) quoted_etags: bool,
}

/// Builds the request.
pub(crate) fn build(
    dialog: &Dialog,
    event_id: Option<&str>,
    notice: &Notice,
    branch: &str,
    sender: &Sender,
) -> Result<Encoded, BuildError> {
    let event = event_id.map_or_else(|| EVENT.to_owned(), |id| format!("{EVENT};id={id}"));
    let state = match notice.state {
        Ok(seconds) => format!("active;expires={seconds}"),
        Err(end) => format!("terminated;{}", end.parameters()),
    };
    let out = dialog
        .request("NOTIFY", notice.cseq, &sender.sent_by, branch)
        .header(Name::Contact, &format!("<{}>", sender.contact))
        .header(Name::Event, &event)
        .header(Name::SubscriptionState, &state);
    // Without news an ending has no body; a full notice has one even where there is no document.
    if notice.differences.is_empty() && !notice.full && notice.state.is_err() {
        return out.finish();
    }
    let written = |etag: &Option<Etag>| {
        let etag = etag.as_ref()?.as_str();
        Some(if sender.quoted_etags { format!("\"{etag}\"") } else { etag.to_owned() })
    };
    let etags: Vec<_> =
        notice.differences.iter().map(|found| (written(&found.previous), written(&found.new))).collect();
    let changes = notice.differences.iter().zip(&etags).map(|(found, (previous, new))| Change {
        sel: &found.sel,
        previous: previous.as_deref(),
        new: new.as_deref(),
    });
    let body = diff::to_xml(&sender.xcap_root, changes);
    out.body(&format!("{};charset=\"utf-8\"", diff::MEDIA_TYPE), body.as_bytes()).finish()
}

#[cfg(test)]
mod tests {
    use super::super::subscription::{Difference, End};
    use super::*;

    #[test]
    fn a_notify_counts_octets_and_escapes() {
        let dialog = Dialog {
            call_id: "c1".to_owned(),
            local_tag: "t1".to_owned(),
            remote_tag: "f1".to_owned(),
            local: "<tel:+8251>".to_owned(),
            remote: "<tel:+8251>;tag=f1".to_owned(),
            remote_cseq: 1,
            target: "sip:alex@192.0.2.7".to_owned(),
            routes: Vec::new(),
        };
        let mut sender = Sender {
            sent_by: "192.0.2.9:5060".to_owned(),
            contact: "sip:csc@192.0.2.9".to_owned(),
            xcap_root: "https://csc.example.org/".to_owned(),
            quoted_etags: false,
        };
        let difference =
            Difference { sel: "x/가&\"".to_owned(), previous: Some("a".parse().unwrap()), new: None };
        let mut notice = Notice { cseq: 7, state: Ok(30), differences: vec![difference], full: false };
        let text = |notice: &Notice, sender: &Sender| {
            let sent = build(&dialog, Some("9"), notice, "z9hG4bKx", sender).unwrap();
            String::from_utf8(sent.as_bytes().to_vec()).unwrap()
        };
        let sent = text(&notice, &sender);
        let (head, body) = sent.split_once("\r\n\r\n").unwrap();
        assert!(body.contains("<document previous-etag=\"a\" sel=\"x/가&amp;&quot;\"/>"), "{body}");
        for line in [
            "Event: xcap-diff;id=9",
            "Subscription-State: active;expires=30",
            "Contact: <sip:csc@192.0.2.9>",
            "Content-Type: application/xcap-diff+xml;charset=\"utf-8\"",
            &format!("Content-Length: {}", body.len()),
        ] {
            assert!(head.lines().any(|found| found == line), "{line}\n{head}");
        }
        sender.quoted_etags = true;
        assert!(text(&notice, &sender).contains("<document previous-etag=\"&quot;a&quot;\" sel="));
        notice.differences.clear();
        notice.state = Err(End::Timeout);
        let sent = text(&notice, &sender);
        assert!(sent.contains("Subscription-State: terminated;reason=timeout\r\n"));
        assert!(sent.ends_with("Content-Length: 0\r\n\r\n") && !sent.contains("Content-Type"));
    }
}
