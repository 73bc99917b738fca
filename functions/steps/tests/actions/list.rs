//! The descriptions of the shipped actions that the compiler reads.

use holdfast_action::Undo;
use holdfast_steps::registry;
use serde_json::json;

#[test]
fn each_action_has_its_name_undo_and_settings_and_refuses_unknown_fields() {
    let registry = registry();
    let described: Vec<_> = registry
        .infos()
        .map(|info| {
            assert_eq!(
                info.input_schema["additionalProperties"], false,
                "{}",
                info.name
            );
            let settings = info.settings.iter();
            let settings = settings.map(|one| (one.variable, one.parameter));
            let required = info.input_schema["required"].clone();
            (info.name, info.undo, settings.collect::<Vec<_>>(), required)
        })
        .collect();
    assert_eq!(
        described,
        [
            (
                "http",
                Undo::OwnInput,
                vec![
                    ("HOLDFAST_HTTP_ALLOW", "HttpAllow"),
                    ("HOLDFAST_SECRET_ALLOW", "SecretAllow"),
                ],
                json!(["method", "url"])
            ),
            (
                "vendor-hold",
                Undo::Own,
                vec![("VENDOR_SYSTEM_URL", "VendorSystemUrl")],
                json!(["vendor_id", "days"])
            ),
        ]
    );
}

#[test]
fn the_schema_of_a_request_lists_its_methods_and_takes_any_body() {
    let registry = registry();
    let http = registry.infos().next().expect("http");
    let properties = &http.input_schema["properties"];
    let methods = json!(["GET", "POST", "PUT", "PATCH", "DELETE"]);
    assert_eq!(properties["method"]["enum"], methods);
    assert_eq!(properties["body"].get("type"), None);
}
