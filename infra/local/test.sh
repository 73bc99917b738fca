#!/usr/bin/env bash
# Runs all checks, then all tests against a stack of their own, which ends with them.
set -euo pipefail
export LOCAL=${TEST_LOCAL:-.local-test} STACK=${TEST_STACK:-holdfast-test}
# The emulator enforces each function's role in every call.
export IAM=${IAM:-true}
# Tests compare the compiled files with the workflows.
export COMPILE=false
export PORT VENDOR_PORT
source "$(dirname "$0")/lib.sh"

# Ports that no program uses, so that a stack of `make up` stays undisturbed.
PORT=4610
while taken "$PORT" || taken "$((PORT + 1))" || taken "$((PORT + 2))" || taken "$((PORT + 3))"; do PORT=$((PORT + 4)); done
VENDOR_PORT=$((PORT + 1))

ended() {
    local code=$?
    if ((code)) && [[ -d $logs ]]; then
        # Kept for a person who reads why; the state folder itself goes.
        rm -rf "$root/target/test-logs"
        mkdir -p "$root/target"
        cp -r "$logs" "$root/target/test-logs"
        printf 'make test failed; logs of the stack: target/test-logs\n' >&2
    fi
    bash "$here/down.sh" || code=1
    exit "$code"
}
bash "$here/down.sh"
trap ended EXIT
trap 'exit 130' INT TERM

bash "$here/check.sh"
bash "$here/up.sh"
# shellcheck source=/dev/null
source "$local_dir/env"
cd "$root"
stage "tests"
python3 "$here/tests.py" "$logs" || {
    stage "requests that were answered with 503"
    "$root/.venv/bin/python" "$here/unavailable.py" "$HOLDFAST_STACK"
    exit 1
}
stage "requests to AWS"
"$root/.venv/bin/python" "$here/hop.py" report "$HOLDFAST_HOP"
stage "tests in the documentation"
quietly "$logs/doctest.log" cargo test --locked --workspace --profile "$HOLDFAST_PROFILE" --doc
stage "all tests passed"
