//! The action `vendor-hold`: places a hold on payments to a vendor in the vendor system, and
//! releases it.

use holdfast_action::{
    Action, AppliedEffect, Call, Check, Setting, Settings, StepError, Undo, Verdict,
};
use holdfast_steps::client::Service;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The action `vendor-hold`.
#[derive(Debug)]
pub struct VendorHold(Service);

/// The hold to place.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The vendor's id in the vendor system.
    pub vendor_id: String,
    /// How many days the hold lasts.
    pub days: u16,
    /// The reason, shown with the hold in the vendor system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The hold that was placed.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The hold's id in the vendor system.
    pub hold_id: String,
    /// The time at which it was placed (RFC 3339).
    pub placed_at: String,
}

/// A hold as the vendor system returns it.
#[derive(Deserialize)]
struct HoldAnswer {
    status: Status,
    #[serde(flatten)]
    hold: Output,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    Released,
}

impl Action for VendorHold {
    const NAME: &'static str = "vendor-hold";
    const SUMMARY: &'static str = "Holds payments to a vendor for some days";
    const UNDO: Undo = Undo::Own;
    const UNDO_FENCES: bool = true;
    const SETTINGS: &'static [Setting] = &[Setting {
        variable: "VENDOR_SYSTEM_URL",
        parameter: "VendorSystemUrl",
    }];
    type Input = Input;
    type Output = Output;

    fn new(settings: &Settings) -> Result<Self, String> {
        Service::from_setting(settings, "VENDOR_SYSTEM_URL").map(Self)
    }

    async fn run(&self, call: &Call, input: Input) -> Result<Output, StepError> {
        let request = self.0.post(call, &["holds"]).json(&input)?;
        request.send().await?.output()
    }

    /// Releases by the forward key. The vendor system so finds a hold whose answer was lost, and
    /// refuses one that arrives later.
    async fn undo(&self, call: &Call, _: AppliedEffect<Input, Output>) -> Result<(), StepError> {
        let request = self.0.delete(call, &["holds"]);
        let request = request.query("key", &call.forward_key);
        request.send().await?.undone()
    }

    async fn verify(&self, call: &Call, _: Input) -> Result<Verdict<Output>, StepError> {
        let request = self.0.get(call, &["holds"]);
        let request = request.query("key", &call.forward_key);
        Ok(match request.send().await?.found()? {
            Some(HoldAnswer {
                status: Status::Active,
                hold,
            }) => Verdict::Happened(hold),
            Some(HoldAnswer {
                status: Status::Released,
                ..
            })
            | None => Verdict::DidNotHappen,
        })
    }

    async fn check(&self) -> Vec<Check> {
        self.0.check().await
    }
}
