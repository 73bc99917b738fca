//! Interprets containers, choices and waits. Branches and items run side by side until the first
//! failure.

use futures_util::{
    future::try_join_all,
    stream::{self, StreamExt, TryStreamExt},
};
use holdfast_asl::{Choice, Map, Parallel, Until, Wait};
use holdfast_engine::Host;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{EVALUATION, Interpreter, PAIR, RaisedError, Surroundings, view::Scope};

impl<S: Surroundings> Interpreter<S> {
    pub(super) async fn parallel(
        &self,
        parallel: &Parallel,
        input: &Value,
        scope: &Scope,
    ) -> Result<Value, RaisedError> {
        self.add_events(PAIR)?;
        let branches = parallel.branches.iter();
        let branches = branches.map(|branch| self.inner(branch, input.clone(), scope.inside()));
        // The first failure drops the other branches. The functions that they called run on.
        try_join_all(branches).await.map(Value::Array)
    }

    pub(super) async fn map(
        &self,
        name: &str,
        map: &Map,
        input: &Value,
        scope: &Scope,
    ) -> Result<Value, RaisedError> {
        let view = self.view(name, input, scope);
        let items = match self.fill(&json!(map.items), &view, json!({}))? {
            Value::Array(items) => items,
            _ => return Err(RaisedError::new(EVALUATION, "Items must yield an array")),
        };
        let at_once = match map.max_concurrency {
            0 => usize::MAX,
            some => some as usize,
        };
        self.add_events(PAIR)?;
        let rows = items.into_iter().enumerate().map(|(index, item)| {
            let row = self.inner(&map.item_processor, item, scope.inside());
            async move {
                self.add_events(PAIR)?;
                row.await.map(|output| (index, output))
            }
        });
        let rows = stream::iter(rows).buffer_unordered(at_once);
        let mut outputs: Vec<(usize, Value)> = rows.try_collect().await?;
        outputs.sort_by_key(|(index, _)| *index);
        Ok(outputs.into_iter().map(|(_, output)| output).collect())
    }

    /// Returns the state to which a Choice leads. It has no catcher for a condition that fails.
    pub(super) fn chosen<'a>(
        &self,
        name: &str,
        choice: &'a Choice,
        input: &Value,
        scope: &Scope,
    ) -> Result<&'a str, RaisedError> {
        let view = self.view(name, input, scope);
        for rule in &choice.choices {
            match self.fill(&json!(rule.condition), &view, json!({}))? {
                Value::Bool(true) => return Ok(&rule.next),
                Value::Bool(false) => {}
                // "An incorrectly typed result": states-language.net/spec.html, Appendix A.
                other => {
                    let why = format!("{name}: a condition yields {other}, not true or false");
                    return Err(RaisedError::new(EVALUATION, why));
                }
            }
        }
        Ok(&choice.default)
    }

    pub(super) fn wait_until(
        &self,
        name: &str,
        wait: &Wait,
        input: &Value,
        scope: &Scope,
    ) -> Result<Timestamp, RaisedError> {
        let view = self.view(name, input, scope);
        let wrong = || RaisedError::new(EVALUATION, format!("{name}: it yields no time to wait"));
        match &wait.until {
            Until::Seconds(seconds) => {
                let seconds = self.fill(seconds, &view, json!({}))?;
                let seconds = seconds.as_f64().filter(|seconds| *seconds >= 0.0);
                let millis = (seconds.ok_or_else(wrong)? * 1000.0) as i64;
                Ok(self.clock.now() + SignedDuration::from_millis(millis))
            }
            Until::Timestamp(until) => {
                let until = self.fill(&json!(until), &view, json!({}))?;
                let until = until.as_str().and_then(|text| text.parse().ok());
                until.ok_or_else(wrong)
            }
        }
    }
}
