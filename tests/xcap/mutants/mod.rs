//! Documents with one fault each: every kind in at least forty ways, each refused with the condition that fits.
//!
//! Some faults are possible in every document, the others are those of its schema and of what its usage demands beyond it.
//! Where xmllint and the reference schemas are at hand, each fault against a schema is shown to be one there, too.

mod every;
mod groups;
mod init;
mod lists;
mod policy;
mod profiles;
mod reference;
mod service;
mod terminals;

use std::sync::Arc;

use crate::check::checks;
use crate::people::Person;
use crate::world::World;

checks! {
    "G2" Everywhere g2_forty_faults_of_groups;
    "C1" Everywhere c1_forty_faults_of_user_profiles;
    "C3" Everywhere c3_forty_faults_of_initial_configurations;
    "C4" Everywhere c4_forty_faults_of_service_configurations;
    "C5" Everywhere c5_forty_faults_of_ue_configurations;
    "R2" Everywhere r2_forty_faults_of_resource_lists;
    "R2" Everywhere r2_forty_faults_of_rls_services;
    "R2" Everywhere r2_forty_faults_of_presence_rules;
}

const SCHEMA: &str = "schema-validation-error";
const CONSTRAINT: &str = "constraint-failure";
const UNIQUENESS: &str = "uniqueness-failure";

/// What is replaced by what, and what is said to it.
type Fault = (&'static str, &'static str, &'static str);

/// A kind of documents.
struct Kind {
    /// Who may store them.
    who: Person,
    /// Where nothing is yet.
    target: String,
    media_type: &'static str,
    /// A good one.
    base: String,
    /// Its own faults.
    faults: &'static [Fault],
}

impl Kind {
    /// Stores the good one, then tries all the others.
    async fn refuses_faults(&self, world: &World) {
        let put =
            |body: Vec<u8>| world.call(self.who, "PUT", self.target.clone()).body(self.media_type, body);
        world.absent(self.who, &self.target).await;
        put(self.base.clone().into()).is(201).await;
        world.call(self.who, "DELETE", self.target.clone()).is(200).await;
        let mut mutants = every::mutants(&self.base);
        for (old, new, condition) in self.faults {
            assert_eq!(self.base.matches(old).count(), 1, "{old} must be there once: {}", self.base);
            let mutant = self.base.replace(old, new);
            mutants.push((format!("{old} -> {new}"), mutant.into_bytes(), condition));
        }
        assert!(
            mutants.len() >= 40 && self.faults.len() >= 18,
            "{} and {}",
            mutants.len(),
            self.faults.len()
        );
        let wrong: Vec<String> = reference::valid(&self.target, &mutants);
        assert!(wrong.is_empty(), "faults that the reference schema does not see: {wrong:#?}");
        let mut bad = Vec::new();
        for (what, mutant, condition) in mutants {
            let answer = put(mutant).send().await;
            let found = match answer.status {
                409 => crate::call::condition_of(&answer),
                other => other.to_string(),
            };
            if found != *condition {
                bad.push(format!("{what}: {found} instead of {condition}"));
            }
            if answer.status < 300 {
                world.call(self.who, "DELETE", self.target.clone()).is(200).await;
            }
        }
        assert!(bad.is_empty(), "{}: {bad:#?}", self.target);
        world.call(self.who, "GET", self.target.clone()).is(404).await;
    }
}

async fn g2_forty_faults_of_groups(world: Arc<World>) {
    groups::kind(&world.free_group()).refuses_faults(&world).await;
}

async fn c1_forty_faults_of_user_profiles(world: Arc<World>) {
    profiles::kind().refuses_faults(&world).await;
}

async fn c3_forty_faults_of_initial_configurations(world: Arc<World>) {
    init::kind().refuses_faults(&world).await;
}

async fn c4_forty_faults_of_service_configurations(world: Arc<World>) {
    service::kind().refuses_faults(&world).await;
}

async fn c5_forty_faults_of_ue_configurations(world: Arc<World>) {
    terminals::kind().refuses_faults(&world).await;
}

async fn r2_forty_faults_of_resource_lists(world: Arc<World>) {
    lists::resource_lists().refuses_faults(&world).await;
}

async fn r2_forty_faults_of_rls_services(world: Arc<World>) {
    lists::rls_services().refuses_faults(&world).await;
}

async fn r2_forty_faults_of_presence_rules(world: Arc<World>) {
    policy::kind().refuses_faults(&world).await;
}
