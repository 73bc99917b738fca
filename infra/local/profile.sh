#!/usr/bin/env bash
# Writes the profile by which the deployed programs are optimized, infra/build/steps.profdata: what
# the calls of a step run, counted in an instrumented program.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# The counts in infra/build are of x86_64, the default Architecture. Those of another processor
# would replace them.
[[ $(uname -m) = x86_64 ]] || fail "this machine is $(uname -m)" "make profile runs on x86_64"
bash "$here/setup.sh" stack
bash "$here/setup.sh" profile
built=$target_dir/profile
counts=$local_dir/profile
rm -rf "$counts"
mkdir -p "$counts"
stage "building programs that count"
CARGO_TARGET_DIR=$built logged "$logs/profile.log" \
    make -C "$root/functions/handlers" PROFILE=deployed PROGRAMS="begin steps" \
    COUNTS="-Cprofile-generate -Cllvm-args=-pgo-temporal-instrumentation" LAYOUT= \
    ARTIFACTS_DIR="$built/programs" programs ||
    fail_with_log "the build of the programs failed" "$logs/profile.log"
stage "counting calls"
"$root/.venv/bin/python" "$root/infra/bench/profile.py" "$built/programs" "$counts"
llvm-profdata-19 merge --sparse --output "$root/infra/build/steps.profdata" "$counts"/*.profraw
stage "infra/build/steps.profdata is written"
