//! One JSON object a line, or one document; the schema is in `docs/cli.md`.

use jmake_core::build::Built;
use jmake_core::event::Event;
use jmake_core::request::{Failure, Reply};
use serde_json::{Value, json};

/// `event` as a line.  What tools wrote keeps its colour only when that is wanted.
pub fn event(event: &Event, color: bool) -> String {
    let mut value = value(event);
    if let (false, Some(Value::String(output))) = (color, value.get("output")) {
        value["output"] = super::compiler::plain(output).into();
    }
    format!("{value}\n")
}

/// The last line of a build.
pub fn summary(built: &Built, code: u8) -> String {
    let mut value = value(built);
    if let Some(fields) = value.as_object_mut() {
        // The warnings have come as events.
        fields.remove("warnings");
        // `jmake stats` tells these.
        fields.remove("counts");
    }
    value["event"] = "summary".into();
    value["exit_code"] = code.into();
    format!("{value}\n")
}

/// The last line of a request that could not be met.
pub fn failed(failure: &Failure, code: u8) -> String {
    let mut line = json!({
        "event": "summary",
        "success": false,
        "exit_code": code,
        "problem": value(&failure.problem),
        "causes": failure.causes,
    });
    if let Some(stage) = failure.stage {
        line["stage"] = value(&stage);
    }
    format!("{line}\n")
}

/// The data of a reply as a document.
pub fn data(reply: &Reply) -> String {
    let mut reply = value(reply);
    document(reply.get_mut("data").map(Value::take).unwrap_or_default())
}

/// A document, for people's eyes too.
pub fn document(value: Value) -> String {
    format!("{value:#}\n")
}

/// `value` as it may stand in a script element of a page: there, only these two sequences could end
/// the data early.
pub fn embedded(value: &Value) -> String {
    value.to_string().replace("</", "<\\/").replace("<!", "\\u003c!")
}

/// Whatever jmake answers can be written as JSON: its keys are text and its paths are too.
fn value(data: &impl serde::Serialize) -> Value {
    serde_json::to_value(data).unwrap_or_default()
}
