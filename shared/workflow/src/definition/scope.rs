//! The scope of an expression: the names that it can see where it is written.

/// The names that expressions see at one place, without `$`.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) visible: Vec<String>,
    /// Containers around the place, outermost first, then the step itself.
    pub(super) within: Vec<String>,
    /// Branches around the place, outermost first: each `choose` and the name of its branch.
    pub(super) branches: Vec<(String, String)>,
    /// True if Step Functions evaluates the expression, with the functions that it adds.
    pub(super) in_machine: bool,
    /// Field that must yield the same value on every attempt, if it is one.
    pub(super) repeatable: Option<&'static str>,
    /// True if the expression needs no value: `when` and `collect`.
    pub(super) optional: bool,
    /// `when` of the step. If it is not true, no other expression of the step is evaluated.
    pub(super) when: Option<String>,
}

impl Scope {
    /// Creates the scope of guardrails and triggers.
    pub(super) fn of_admission(visible: &[&str]) -> Self {
        Self {
            visible: visible.iter().map(|&name| name.to_owned()).collect(),
            within: Vec::new(),
            branches: Vec::new(),
            in_machine: false,
            repeatable: None,
            optional: false,
            when: None,
        }
    }

    /// Creates the scope of the first step.
    pub(super) fn of_steps() -> Self {
        Self {
            in_machine: true,
            ..Self::of_admission(&["input", "execution"])
        }
    }

    /// Creates the scope of the condition of a poll, which the step's function evaluates.
    pub(super) fn of_poll() -> Self {
        Self::of_admission(&["result", "attempt"])
    }

    /// Returns this scope with more names.
    pub(super) fn with(&self, names: &[&str]) -> Self {
        let mut scope = self.clone();
        scope
            .visible
            .extend(names.iter().map(|&name| name.to_owned()));
        scope
    }

    /// Returns this scope inside the step or container `name`.
    pub(super) fn inside(&self, name: &str) -> Self {
        let mut scope = self.clone();
        scope.within.push(name.to_owned());
        scope
    }

    /// Returns this scope inside a branch of the `choose` of this name.
    pub(super) fn in_branch(&self, choose: &str, branch: String) -> Self {
        let mut scope = self.clone();
        scope.branches.push((choose.to_owned(), branch));
        scope
    }

    /// Returns this scope for `field`, which every attempt evaluates again and which must yield the
    /// same value each time.
    pub(super) fn repeatable(&self, field: &'static str) -> Self {
        Self {
            repeatable: Some(field),
            ..self.clone()
        }
    }

    /// Returns this scope for a field that needs no value.
    pub(super) fn optional(&self) -> Self {
        Self {
            optional: true,
            ..self.clone()
        }
    }

    /// Returns this scope for the fields of a step that are evaluated only if `when` is true.
    pub(super) fn guarded(&self, when: Option<&str>) -> Self {
        Self {
            when: when.map(str::to_owned),
            ..self.clone()
        }
    }

    /// Returns the names as a message lists them.
    pub(super) fn list(&self) -> String {
        self.visible
            .iter()
            .map(|name| format!("${name}"))
            .collect::<Vec<_>>()
            .join(", ")
    }
}
