//! The project: the folder with template.yaml, which is the current folder or one above it.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use holdfast_workflow::compile::template_parameters;

use crate::report::Trouble;

/// A project and its template.
pub(crate) struct Project {
    /// The folder of template.yaml.
    pub(crate) root: PathBuf,
    /// The template's text.
    pub(crate) template: String,
    /// The names of its parameters.
    pub(crate) parameters: Vec<String>,
}

impl Project {
    /// The project around the current folder.
    pub(crate) fn find() -> Result<Self, Trouble> {
        let here = env::current_dir()
            .map_err(|error| Trouble::Other(format!("the current folder: {error}")))?;
        let mut folders = here.ancestors();
        let root = folders.find(|folder| folder.join("template.yaml").is_file());
        let root = root.ok_or_else(|| {
            let why = "there is no template.yaml here or in a folder above: \
                       run holdfast inside a project";
            Trouble::Other(why.to_owned())
        })?;
        let template = read(&root.join("template.yaml"))?;
        let parameters = template_parameters(&template);
        Ok(Self {
            root: root.to_owned(),
            template,
            parameters,
        })
    }

    /// The folder of the workflows.
    pub(crate) fn workflows(&self) -> PathBuf {
        self.root.join("workflows")
    }

    /// The folder of the compiled state machines.
    pub(crate) fn machines(&self) -> PathBuf {
        self.root.join("infra").join("statemachines")
    }

    /// The names of the stacks in samconfig.toml. A project without the file has none.
    pub(crate) fn stacks(&self) -> Vec<String> {
        let settings = fs::read_to_string(self.root.join("samconfig.toml")).unwrap_or_default();
        let names = settings.lines().filter_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == "stack_name").then(|| value.trim().trim_matches('"').to_owned())
        });
        names.collect()
    }

    /// `path` as messages show it: relative to the project's root, if it lies inside.
    pub(crate) fn show(&self, path: &Path) -> String {
        let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let root = fs::canonicalize(&self.root).unwrap_or_else(|_| self.root.clone());
        absolute.strip_prefix(&root).map_or_else(
            |_| path.display().to_string(),
            |inside| inside.display().to_string(),
        )
    }
}

/// A file's text; the error names the file.
pub(crate) fn read(path: &Path) -> Result<String, Trouble> {
    let bytes =
        fs::read(path).map_err(|error| Trouble::Other(format!("{}: {error}", path.display())))?;
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .split(|&byte| byte == b'\n')
            .count();
        Trouble::Other(format!("{}: line {line} is not UTF-8 text", path.display()))
    })
}

/// The files in `folder` whose names end in one of `suffixes`, sorted. A missing folder has none.
pub(crate) fn files(folder: &Path, suffixes: &[&str]) -> Result<Vec<PathBuf>, Trouble> {
    let trouble = |error| Trouble::Other(format!("{}: {error}", folder.display()));
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(trouble)? {
        let path = entry.map_err(trouble)?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if path.is_file()
            && !name.starts_with('.')
            && suffixes.iter().any(|suffix| name.ends_with(suffix))
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Writes a new file and renames it, so that no reader sees half of the text.
pub(crate) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}
