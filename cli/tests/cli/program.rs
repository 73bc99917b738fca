//! Tests of what `sam build` does with a built program: it checks it, and blanks its unwind tables.

use std::{env, fs, path::Path, process::Command};

use tempfile::TempDir;

use crate::project::{CommandOutput, repository};

/// The loaders that Lambda has for each architecture.
const LOADERS: [(&str, &str); 2] = [
    ("x86_64", "/lib64/ld-linux-x86-64.so.2"),
    ("arm64", "/lib/ld-linux-aarch64.so.1"),
];

/// The smallest ELF program that names a machine, a loader and the versions of its symbols.
///
/// With an empty loader it is linked statically.
pub(crate) fn elf(machine: u16, loader: &str, versions: &[&str]) -> Vec<u8> {
    const HEADERS: usize = 64 + 3 * 56;
    let mut names = b"\0libc.so.6\0".to_vec();
    let mut needs = Vec::new();
    for (index, version) in versions.iter().enumerate() {
        let next = if index + 1 < versions.len() {
            16_u32
        } else {
            0
        };
        needs.extend([0; 8]);
        needs.extend(u32::try_from(names.len()).expect("short").to_le_bytes());
        needs.extend(next.to_le_bytes());
        names.extend(version.bytes().chain([0]));
    }
    let count = u16::try_from(versions.len()).expect("few");
    let library = [1_u16.to_le_bytes(), count.to_le_bytes()].concat();
    let library = [library, [1_u32, 16, 0].map(u32::to_le_bytes).concat()].concat();
    let interp = HEADERS;
    let names_at = interp + loader.len() + 1;
    let needs_at = names_at + names.len();
    let dynamic = needs_at + library.len() + needs.len();
    let tags: Vec<u8> = [
        (5, names_at),
        (0x6fff_fffe, needs_at),
        (0x6fff_ffff, 1),
        (0, 0),
    ]
    .into_iter()
    .flat_map(|(tag, value): (u64, usize)| [tag, value as u64])
    .flat_map(u64::to_le_bytes)
    .collect();
    let end = dynamic + tags.len();
    let segment = |kind: u32, from: usize, to: usize| {
        let [from, length] = [from as u64, (to - from) as u64];
        let words = [from, from, from, length, length, 8].map(u64::to_le_bytes);
        [kind.to_le_bytes(), 4_u32.to_le_bytes()]
            .concat()
            .into_iter()
            .chain(words.concat())
    };
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([3_u16.to_le_bytes(), machine.to_le_bytes()].concat());
    file.extend(1_u32.to_le_bytes());
    file.extend([0_u64, 64, 0].map(u64::to_le_bytes).concat());
    file.extend(0_u32.to_le_bytes());
    let headers = if loader.is_empty() { 1 } else { 3 };
    file.extend(
        [64_u16, 56, headers, 64, 0, 0]
            .map(u16::to_le_bytes)
            .concat(),
    );
    file.extend(segment(1, 0, end));
    file.extend(segment(3, interp, names_at));
    file.extend(segment(2, dynamic, end));
    file.extend(loader.bytes().chain([0]));
    file.extend([names, library, needs, tags].concat());
    file
}

/// Runs the target of the functions' Makefile for a program that is built already.
fn build(program: &[u8], options: &[&str]) -> (CommandOutput, bool) {
    let folder = TempDir::new().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("release")).expect("a folder");
    fs::write(path("release/begin"), program).expect("the program is written");
    let assign = |name: &str, folder: &Path| format!("{name}={}", folder.display());
    let output = Command::new("make")
        .args([
            "--silent",
            "build-BeginFunction",
            "HOLDFAST_PREBUILT=true",
            "PROFILE=release",
            "TRIPLE=",
        ])
        .arg(assign("TARGET_DIR", folder.path()))
        .arg(assign("ARTIFACTS_DIR", &path("artifacts")))
        .args(options)
        .current_dir(repository().join("functions/handlers"))
        .output()
        .expect("make starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let output = CommandOutput {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    };
    (output, path("artifacts/bootstrap").exists())
}

#[track_caller]
fn refused(program: &[u8], options: &[&str], why: &[&str]) {
    let (output, made) = build(program, options);
    assert_ne!(output.code, Some(0), "{}", output.out);
    assert!(!made, "a refused program is no artifact");
    for words in why {
        assert!(output.err.contains(words), "{words}: {}", output.err);
    }
}

#[test]
fn a_build_refuses_a_program_that_needs_a_newer_glibc_than_lambda_has() {
    let [(_, loader), _] = LOADERS;
    // The versions are compared as numbers: 2.4 is older than 2.34.
    for needed in [
        &["GLIBC_2.4", "GLIBC_2.38", "GLIBC_2.34"][..],
        &["GLIBC_3.0"],
    ] {
        let newest = format!(
            "needs {}, but Amazon Linux 2023 has glibc 2.34",
            needed[needed.len() / 2]
        );
        let remedy = "HOLDFAST_TARGET=x86_64-unknown-linux-gnu.2.34";
        refused(&elf(62, loader, needed), &[], &[&newest, remedy]);
    }
    // A program with relative relocations needs glibc 2.36, which this name implies.
    refused(
        &elf(62, loader, &["GLIBC_ABI_DT_RELR"]),
        &[],
        &["needs GLIBC_ABI_DT_RELR"],
    );
}

#[test]
fn a_build_refuses_a_program_for_another_processor_than_the_stacks() {
    let [(_, x86), (_, arm)] = LOADERS;
    let why = "is for arm64, but Architecture is x86_64";
    let remedy = "HOLDFAST_TARGET=x86_64-unknown-linux-gnu.2.34";
    refused(&elf(183, arm, &["GLIBC_2.17"]), &[], &[why, remedy]);
    let why = "is for x86_64, but Architecture is arm64";
    let remedy = "HOLDFAST_TARGET=aarch64-unknown-linux-gnu.2.34";
    let architecture = ["HOLDFAST_ARCHITECTURE=arm64"];
    refused(
        &elf(62, x86, &["GLIBC_2.17"]),
        &architecture,
        &[why, remedy],
    );
    let loader = "/nix/store/glibc/lib/ld-linux-x86-64.so.2";
    refused(
        &elf(62, loader, &[]),
        &[],
        &[loader, "but Lambda has /lib64/"],
    );
}

#[test]
fn a_build_refuses_what_is_no_program() {
    for content in [
        &b""[..],
        b"#!/bin/sh\n",
        &elf(62, "/lib64/ld", &["GLIBC_2.34"])[..150],
    ] {
        refused(content, &[], &["cannot be read as a Linux program"]);
    }
}

#[test]
fn a_build_takes_a_program_that_lambda_can_run() {
    for ((architecture, loader), machine) in LOADERS.into_iter().zip([62, 183]) {
        let option = format!("HOLDFAST_ARCHITECTURE={architecture}");
        let dynamic = elf(machine, loader, &["GLIBC_2.34", "GCC_4.2.0", "GLIBC_2.4"]);
        for program in [dynamic, elf(machine, "", &[])] {
            let (output, made) = build(&program, &[&option]);
            assert_eq!(output.code, Some(0), "{}", output.err);
            assert!(made);
        }
    }
}

#[test]
fn a_program_whose_unwind_tables_are_blank_still_runs() {
    let folder = TempDir::new().expect("a temporary folder");
    let program = folder.path().join("program");
    let this = env::current_exe().expect("this program");
    fs::copy(&this, &program).expect("it is copied");
    let blanked = Command::new("python3")
        .arg(repository().join("infra/build/blank.py"))
        .arg(&program)
        .status();
    assert!(blanked.expect("python3 starts").success());
    let (before, after) = (fs::read(&this), fs::read(&program));
    let (before, after) = (before.expect("it reads"), after.expect("it reads"));
    assert_eq!(before.len(), after.len());
    let zeros = |content: &[u8]| content.iter().filter(|byte| **byte == 0).count();
    assert!(
        zeros(&after) > zeros(&before) + 100_000,
        "the tables are large"
    );
    let listed = Command::new(&program).arg("--list").output();
    assert!(listed.expect("it starts").status.success());
}
