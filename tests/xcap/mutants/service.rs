//! Faults of service configurations (TS 24.484 clause 8.4).

use super::{Fault, Kind, SCHEMA};
use crate::documents::{SERVICE_CONFIG, SERVICE_CONFIG_TYPE};
use crate::people::{HARBOUR, PLATFORM};

pub(crate) fn kind() -> Kind {
    // The other organisation has none yet.
    let target = format!("/{SERVICE_CONFIG}/global/{HARBOUR}/service-config.xml");
    Kind { who: PLATFORM, target, media_type: SERVICE_CONFIG_TYPE, base: BASE.to_owned(), faults: FAULTS }
}

const BASE: &str = "<service-configuration-info xmlns=\"urn:3gpp:ns:mcpttServiceConfig:1.0\" version=\"1\">\
    <service-configuration-params domain=\"mcptt.example.org\"><common><min-length-alias>2</min-length-alias><broadcast-group>\
    <num-levels-group-hierarchy>4</num-levels-group-hierarchy></broadcast-group></common><on-network><emergency-call>\
    <private-cancel-timeout>PT5M</private-cancel-timeout></emergency-call><private-call><hang-time>PT10S</hang-time>\
    <max-duration-with-floor-control>PT30M</max-duration-with-floor-control></private-call>\
    <num-levels-priority-hierarchy>8</num-levels-priority-hierarchy><transmit-time><time-limit>PT60S</time-limit></transmit-time>\
    <floor-control-queue><depth>40</depth></floor-control-queue><fc-timers-counters>\
    <T1-end-of-rtp-media>PT1S</T1-end-of-rtp-media><T3-stop-talking-grace>PT3S</T3-stop-talking-grace>\
    <T7-floor-idle>PT7S</T7-floor-idle><T8-floor-revoke>PT8S</T8-floor-revoke><T11-end-of-RTP-dual>PT11S</T11-end-of-RTP-dual>\
    <T12-stop-talking-dual>PT12S</T12-stop-talking-dual><T15-conversation>PT15S</T15-conversation>\
    <T16-map-group-to-bearer>PT16S</T16-map-group-to-bearer><T17-unmap-group-to-bearer>PT17S</T17-unmap-group-to-bearer>\
    <T20-floor-granted>PT20S</T20-floor-granted><T55-connect>PT55S</T55-connect><T56-disconnect>PT56S</T56-disconnect>\
    <C7-floor-idle>7</C7-floor-idle><C17-unmap-group-to-bearer>17</C17-unmap-group-to-bearer>\
    <C20-floor-granted>20</C20-floor-granted><C55-connect>55</C55-connect><C56-disconnect>56</C56-disconnect>\
    </fc-timers-counters><signalling-protection><confidentiality-protection>true</confidentiality-protection>\
    </signalling-protection><emergency-resource-priority><resource-priority-namespace>mcpttp</resource-priority-namespace>\
    <resource-priority-priority>15</resource-priority-priority></emergency-resource-priority><imminent-peril-resource-priority>\
    <resource-priority-namespace>mcpttp</resource-priority-namespace><resource-priority-priority>10</resource-priority-priority>\
    </imminent-peril-resource-priority><normal-resource-priority><resource-priority-namespace>mcpttp\
    </resource-priority-namespace><resource-priority-priority>2</resource-priority-priority></normal-resource-priority>\
    </on-network><off-network><default-prose-per-packet-priority><mcptt-private-call-media>3</mcptt-private-call-media>\
    </default-prose-per-packet-priority><allow-log-metadata>false</allow-log-metadata></off-network>\
    </service-configuration-params></service-configuration-info>";

const FAULTS: &[Fault] = &[
    (" domain=\"mcptt.example.org\"", "", SCHEMA),
    (
        "</service-configuration-params>",
        "</service-configuration-params><service-configuration-params domain=\"x\"/>",
        SCHEMA,
    ),
    ("<common>", "<common><other/>", SCHEMA),
    ("</common>", "text</common>", SCHEMA),
    (">2</min-length-alias>", ">-2</min-length-alias>", SCHEMA),
    (">2</min-length-alias>", ">65536</min-length-alias>", SCHEMA),
    (">4</num-levels-group-hierarchy>", ">four</num-levels-group-hierarchy>", SCHEMA),
    (
        "<min-length-alias>2</min-length-alias>",
        "<broadcast-group/><min-length-alias>2</min-length-alias>",
        SCHEMA,
    ),
    (">PT5M<", ">5M<", SCHEMA),
    (">PT10S<", ">PT10<", SCHEMA),
    (">PT30M<", ">PT<", SCHEMA),
    (">8</num-levels-priority-hierarchy>", ">3</num-levels-priority-hierarchy>", SCHEMA),
    (">8</num-levels-priority-hierarchy>", ">257</num-levels-priority-hierarchy>", SCHEMA),
    (">8</num-levels-priority-hierarchy>", "></num-levels-priority-hierarchy>", SCHEMA),
    (">PT60S<", ">60<", SCHEMA),
    (">40</depth>", ">40.5</depth>", SCHEMA),
    ("<T1-end-of-rtp-media>PT1S</T1-end-of-rtp-media>", "", SCHEMA),
    (">PT3S<", ">3<", SCHEMA),
    (
        "<T7-floor-idle>PT7S</T7-floor-idle>",
        "<T7-floor-idle>PT7S</T7-floor-idle><T7-floor-idle>PT7S</T7-floor-idle>",
        SCHEMA,
    ),
    ("<T8-floor-revoke>PT8S</T8-floor-revoke>", "<T8>PT8S</T8>", SCHEMA),
    (">PT11S<", ">P11S<", SCHEMA),
    (
        "<T12-stop-talking-dual>PT12S</T12-stop-talking-dual><T15-conversation>PT15S</T15-conversation>",
        "<T15-conversation>PT15S</T15-conversation><T12-stop-talking-dual>PT12S</T12-stop-talking-dual>",
        SCHEMA,
    ),
    ("<T55-connect>PT55S</T55-connect>", "", SCHEMA),
    (">7</C7-floor-idle>", ">seven</C7-floor-idle>", SCHEMA),
    (">17</C17-unmap-group-to-bearer>", ">-17</C17-unmap-group-to-bearer>", SCHEMA),
    ("<C56-disconnect>56</C56-disconnect>", "", SCHEMA),
    (">true</confidentiality-protection>", ">on</confidentiality-protection>", SCHEMA),
    ("<signalling-protection>", "<signalling-protection><other/>", SCHEMA),
    ("<emergency-resource-priority>", "<emergency-resource-priority><other/>", SCHEMA),
    ("<resource-priority-priority>15</resource-priority-priority>", "", SCHEMA),
    (
        "<imminent-peril-resource-priority>",
        "<normal-resource-priority/><imminent-peril-resource-priority>",
        SCHEMA,
    ),
    (
        "<resource-priority-priority>10</resource-priority-priority>",
        "<resource-priority-priority><b/></resource-priority-priority>",
        SCHEMA,
    ),
    (">3</mcptt-private-call-media>", ">65536</mcptt-private-call-media>", SCHEMA),
    ("<allow-log-metadata>false<", "<allow-log-metadata>never<", SCHEMA),
    ("</on-network>", "</on-network><common/>", SCHEMA),
    ("<fc-timers-counters>", "<fc-timers-counters>text", SCHEMA),
];
