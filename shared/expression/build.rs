//! Compiles `hypot.c`, whose function replaces the one of newer C libraries.

fn main() {
    println!("cargo:rerun-if-changed=src/hypot.c");
    cc::Build::new()
        .file("src/hypot.c")
        .cargo_metadata(false)
        .compile("holdfast_hypot");
    let folder = std::env::var("OUT_DIR").expect("cargo sets it");
    println!("cargo:rustc-link-search=native={folder}");
    // Linked whole: QuickJS, which calls the function, comes after it.
    println!("cargo:rustc-link-lib=static:+whole-archive=holdfast_hypot");
}
