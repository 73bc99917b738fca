//! Checks that the address of a step is literal, and that parts of its path and query carry what an
//! input decides.

use super::{
    reader::Reader,
    tree::{Kind, Node},
};

const HELP: &str = "write the origin and the fixed path here, and the rest as parts, which are \
                    escaped: path: [\"{% $input.vendor_id %}\"], query: { day: \"{% $input.day %}\" }";

impl Reader<'_> {
    /// Requires a literal `url` of an action that takes parts of a path. In an address, an input
    /// could add `../`, `?` or `#`, or choose the origin that a credential is sent to.
    pub(super) fn literal_address(
        &mut self,
        input: Option<&Node>,
        info: Option<&holdfast_action::ActionInfo>,
    ) {
        let takes = info.is_some_and(|info| {
            let properties = &info.input_schema["properties"];
            !properties["url"].is_null() && !properties["path"].is_null()
        });
        if let Some(Node {
            at,
            kind: Kind::Text(text),
        }) = input.filter(|_| takes).and_then(|input| input.get("url"))
            && text.contains("{%")
        {
            self.problem(*at, "`url` is an expression", HELP);
        }
    }
}
