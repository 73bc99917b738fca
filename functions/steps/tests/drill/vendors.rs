//! A vendor system for each run of the drill, and the effects that remain in it.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use holdfast_action::{AnyAction, Settings};
use holdfast_drill::{Drill, Own};
use holdfast_steps::registry;
use holdfast_vendor_system::{Options, Server};
use holdfast_workflow::{
    compile::template_parameters,
    definition::{self, Environment},
};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// A vendor system and the action that calls it.
pub(crate) struct Vendors {
    server: Server,
    action: Arc<dyn AnyAction>,
    runtime: Runtime,
}

impl Vendors {
    /// A vendor system with the shipped action.
    pub(crate) fn start() -> Result<Box<dyn Own>, String> {
        Self::with(|action| action)
    }

    /// A vendor system with the action that `bend` returns.
    pub(crate) fn with(
        bend: fn(Arc<dyn AnyAction>) -> Arc<dyn AnyAction>,
    ) -> Result<Box<dyn Own>, String> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let server = Server::start(([127, 0, 0, 1], 0).into(), Options::default());
        let server = runtime
            .block_on(server)
            .map_err(|error| error.to_string())?;
        let settings = Settings::new([("VENDOR_SYSTEM_URL".to_owned(), server.url())]);
        let action = registry().make("vendor-hold", &settings)?;
        Ok(Box::new(Self {
            server,
            action: bend(action),
            runtime,
        }))
    }

    fn effects(&self, kind: &str) -> Vec<Value> {
        let url = format!("{}/admin/effects?kind={kind}", self.server.url());
        let answer = async { reqwest::get(url).await?.text().await };
        let answer = self.runtime.block_on(answer).expect("it answers");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        answer["effects"].as_array().expect("a list").clone()
    }
}

impl Own for Vendors {
    fn action(&self, name: &str) -> Option<Arc<dyn AnyAction>> {
        (name == "vendor-hold").then(|| self.action.clone())
    }

    fn remaining(&self) -> BTreeMap<String, u32> {
        let mut remaining: BTreeMap<String, i64> = BTreeMap::new();
        let key = |effect: &Value, name| effect[name].as_str().expect("a key").to_owned();
        for placed in self.effects("hold_placed") {
            *remaining.entry(key(&placed, "key")).or_default() += 1;
        }
        for released in self.effects("hold_released") {
            *remaining.entry(key(&released, "forward_key")).or_default() -= 1;
        }
        let count = |(key, count)| u32::try_from(count).ok().map(|count| (key, count));
        remaining.into_iter().filter_map(count).collect()
    }
}

/// The specification's workflow, with the vendor system that `make` starts.
pub(crate) fn drill(make: fn() -> Result<Box<dyn Own>, String>) -> Result<Drill, String> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |file: &str| fs::read_to_string(project.join(file)).expect(file);
    let file = "workflows/delay-vendor-payments-acme.yaml";
    let actions: Vec<_> = registry().infos().cloned().collect();
    let known = Environment {
        actions: &actions.iter().collect::<Vec<_>>(),
        parameters: &template_parameters(&read("template.yaml")),
    };
    let definition = definition::read(&read(file), &known).expect("a valid definition");
    let drill = Drill::new(&definition, file, &actions, None, Default::default());
    drill.expect("it executes").with_own(Arc::new(make))
}
