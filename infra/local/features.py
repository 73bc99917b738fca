"""Fails if commands of the gate would compile a dependency twice, since they select other features.

Cargo unifies features over the packages and targets of one command. tests/Cargo.toml names what
brings the choices together; docs/time.md says what a difference costs.
"""

import json
import os
import subprocess
import sys

PROFILE = ["--locked", "--profile", os.environ.get("HOLDFAST_PROFILE", "local")]
DEMO = ["holdfast-functions", "holdfast-vendor-system", "holdfast-identity", "holdfast-tests"]
WHOLE = ["build", "--workspace", "--all-targets"]
# Each command, and the one that ran before and built what it can share.
PAIRS = [
    (["build", *(word for name in DEMO for word in ("--package", name)), "--bins"], WHOLE),
    (["build", "--workspace"], WHOLE),
    (["test", "--workspace"], WHOLE),
    (["doc", "--workspace", "--no-deps"], ["check", "--workspace", "--all-targets"]),
]
# Small crates that only test dependencies reach.
ALLOWED = {"crossbeam-utils"}


def units(arguments):
    """The libraries of others that a command compiles, with their features."""
    command = ["cargo", *arguments, *PROFILE, "--unit-graph", "-Z", "unstable-options"]
    # The graph is printed by a stable cargo only if this variable is set; nothing is built.
    environment = {**os.environ, "RUSTC_BOOTSTRAP": "1"}
    ran = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True)
    found = {}
    for unit in json.loads(ran.stdout)["units"]:
        if "registry+" in unit["pkg_id"] and "lib" in unit["target"]["kind"]:
            name = unit["pkg_id"].split("#")[-1]
            key = (name, unit["mode"], unit["profile"]["opt_level"])
            found.setdefault(key, set()).add(tuple(sorted(unit["features"])))
    return found


def main():
    differences = []
    for command, whole in PAIRS:
        here, there = units(command), units(whole)
        for key in sorted(here.keys() & there.keys()):
            if not here[key] <= there[key] and key[0].split("@")[0] not in ALLOWED:
                features = sorted(set().union(*here[key]) ^ set().union(*there[key]))
                what = f"{key[0]} has other features ({', '.join(features)})"
                differences.append(f"error: {what} in cargo {' '.join(command)}")
    sys.exit("\n".join(differences) or 0)


if __name__ == "__main__":
    main()
