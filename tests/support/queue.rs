//! A queue of the test's own that hears what the stack's event bus carries.

use std::process::Command;

use serde_json::Value;

use crate::unique;

/// A queue of events: of the test's own, behind a rule on the stack's bus, where both go with it; or one of the stack.
pub struct Queue {
    name: String,
    own: bool,
}

fn run(arguments: &[&str]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/support/hear.py");
    let ran = Command::new("python3").arg(script).args(arguments).output();
    let ran = ran.expect("the project's Python, which .local/env puts on the path");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{arguments:?}: {said}");
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

impl Queue {
    /// A queue that hears events of this source from now on.
    ///
    /// # Panics
    ///
    /// Panics with what went wrong.
    pub fn hearing(source: &str) -> Self {
        let name = unique("hears");
        run(&["hear", &name, source]);
        Self { name, own: true }
    }

    /// A queue that hears what reaches the stack's topic of incidents from now on.
    ///
    /// # Panics
    ///
    /// Panics with what went wrong.
    pub fn of_incidents() -> Self {
        let name = unique("hears");
        run(&["subscribe", &name]);
        Self { name, own: true }
    }

    /// The queue that the template calls `logical`.
    ///
    /// # Panics
    ///
    /// Panics if the stack has none.
    pub fn of_stack(logical: &str) -> Self {
        Self {
            name: run(&["own", logical]).trim().to_owned(),
            own: false,
        }
    }

    /// Fault was heard since the last call: the events' details.
    ///
    /// # Panics
    ///
    /// Panics if the queue cannot be read.
    pub fn drain(&self) -> Vec<Value> {
        let bodies = run(&["drain", &self.name]);
        let details = bodies.lines().map(|body| {
            let event: Value = serde_json::from_str(body).expect("an event");
            event["detail"].clone()
        });
        details.collect()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.own {
            run(&["end", &self.name]);
        }
    }
}
