"""Checks the dependencies of crates: which of ours each may name, and no I/O in the domain."""

import json
import subprocess
import sys

# The crates of ours that each crate may name. A crate that is not listed may use any.
MAY_USE = {
    "ids": "",
    "action": "ids",
    "expression": "",
    "asl": "expression",
    "access": "ids",
    "receipt": "ids",
    "task": "ids receipt",
    "ledger": "action ids receipt task",
    "admission": "expression ids receipt task",
    "workflow": "action admission asl expression ids task",
    "engine": "action admission expression ids ledger receipt task",
    "audit": "engine ids ledger receipt task",
    "aws": "access action admission audit engine ids ledger receipt task",
    "drill": "action admission asl audit engine expression ids ledger receipt task workflow",
    "model": "action ids ledger receipt task",
}
# Crates that do input and output: only aws, functions and tools use them.
IMPURE = ("aws-", "lambda", "tokio", "reqwest", "hyper")
# Cryptography of AWS, which does neither.
PURE = ("aws-lc-",)
IMPURE_ALLOWED = {"aws": IMPURE, "drill": ("tokio",)}
# YAML is read by the definition alone.
YAML = ("saphyr", "serde-saphyr", "serde_yaml")


def main() -> int:
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    packages = json.loads(subprocess.check_output(command))["packages"]
    faults = []
    for package in packages:
        name = package["name"].removeprefix("holdfast-")
        if name not in MAY_USE:
            continue
        allowed = set(MAY_USE[name].split())
        for dependency in package["dependencies"]:
            if dependency["kind"] == "dev":
                continue
            other = dependency["name"]
            ours = other.removeprefix("holdfast-")
            if ours != other and ours not in allowed:
                faults.append(f"{name} must not depend on {ours}")
            impure = other.startswith(IMPURE) and not other.startswith(PURE)
            if impure and not other.startswith(IMPURE_ALLOWED.get(name, ("-",))):
                faults.append(f"{name} does no input or output, yet depends on {other}")
            if other.startswith(YAML) and name != "workflow":
                faults.append(f"only workflow knows YAML, yet {name} depends on {other}")
    for name in sorted(set(MAY_USE) - set(IMPURE_ALLOWED)):
        tree = ["cargo", "tree", "--locked", "--package", f"holdfast-{name}", "--edges", "normal", "--prefix", "none"]
        for line in subprocess.check_output(tree, text=True).splitlines():
            if line.startswith(IMPURE) and not line.startswith(PURE):
                faults.append(f"{name} does no input or output, yet something it uses needs {line}")
    missing = set(MAY_USE) - {package["name"].removeprefix("holdfast-") for package in packages}
    faults += [f"{name} is listed and does not exist" for name in sorted(missing)]
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
