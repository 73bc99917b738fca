//! Embeds the console's built files, each as it is and compressed, in the functions' program.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

const BUILT: &str = "../console/dist";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={BUILT}");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join(BUILT);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    let mut table = String::from("&[\n");
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or("a file of the console has no name in UTF-8")?;
        let content = fs::read(&path)?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&content)?;
        let compressed = out.join(format!("{name}.gz"));
        fs::write(&compressed, encoder.finish()?)?;
        writeln!(
            table,
            "File {{ name: {name:?}, plain: include_bytes!({path:?}), \
             compressed: include_bytes!({compressed:?}) }},"
        )?;
    }
    table.push(']');
    fs::write(out.join("console_files.rs"), table)?;
    Ok(())
}
