//! Draws Mermaid flowcharts: nodes, arrows and boxes, with every text escaped.

use std::fmt::Write as _;

/// A flowchart that is being drawn, from top to bottom.
#[derive(Debug)]
pub struct Flowchart {
    text: String,
    indent: usize,
}

/// The outline of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A rectangle.
    Rectangle,
    /// A rectangle with round ends.
    Stadium,
    /// A diamond.
    Diamond,
    /// A hexagon.
    Hexagon,
}

/// Returns an identifier for `name`, safe from the words and the characters that Mermaid reserves.
pub fn node_id(prefix: &str, name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("{prefix}_{}", name.chars().map(plain).collect::<String>())
}

impl Default for Flowchart {
    fn default() -> Self {
        Self {
            text: "flowchart TD\n".to_owned(),
            indent: 1,
        }
    }
}

impl Flowchart {
    /// Draws a node with these lines of text. `class` names its style.
    pub fn node(&mut self, id: &str, shape: Shape, lines: &[&str], class: Option<&str>) {
        let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
        let label = lines.join("<br/>");
        let (open, close) = match shape {
            Shape::Rectangle => ("[", "]"),
            Shape::Stadium => ("([", "])"),
            Shape::Diamond => ("{", "}"),
            Shape::Hexagon => ("{{", "}}"),
        };
        let class = class.map_or_else(String::new, |class| format!(":::{class}"));
        self.line(&format!("{id}{open}\"{label}\"{close}{class}"));
    }

    /// Draws an arrow. `label` is the text on it.
    pub fn arrow(&mut self, from: &str, to: &str, label: Option<&str>) {
        match label {
            Some(label) => self.line(&format!("{from} -->|{}| {to}", escaped(label))),
            None => self.line(&format!("{from} --> {to}")),
        }
    }

    /// Draws a dotted arrow.
    pub fn dotted_arrow(&mut self, from: &str, to: &str) {
        self.line(&format!("{from} -.-> {to}"));
    }

    /// Draws a box around what `inside` draws.
    pub fn boxed(&mut self, id: &str, title: &str, inside: impl FnOnce(&mut Self)) {
        self.line(&format!("subgraph {id} [\"{}\"]", escaped(title)));
        self.indent += 1;
        inside(self);
        self.indent -= 1;
        self.line("end");
    }

    /// Defines the style of a class.
    pub fn class(&mut self, name: &str, style: &str) {
        self.line(&format!("classDef {name} {style}"));
    }

    /// Returns the flowchart's text.
    pub fn into_text(self) -> String {
        self.text
    }

    fn line(&mut self, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{}{text}", "  ".repeat(self.indent));
    }
}

/// Escapes text inside a label's quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('#', "&num;")
}
