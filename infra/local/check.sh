#!/usr/bin/env bash
# The gate without tests, for people and CI: every check runs, and what failed is shown at the end.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

mkdir -p "$logs"
bash "$here/setup.sh" checks
cd "$root"
failed=()

# Runs one check quietly; a failed one shows its output and does not stop the others.
check() {
    local name=$1 log=$logs/check-${1// /-}.log
    shift
    stage "check: $name"
    if ! "$@" >"$log" 2>&1; then
        failed+=("$name")
        tail -n 60 "$log" >&2
    fi
}

# asl-validator checks what our own tests cannot: JSONata as Step Functions parses it.
machines_are_valid() {
    local machine
    for machine in infra/statemachines/*.asl.json; do
        "$here/node_modules/.bin/asl-validator" --no-arn-check --json-path "$machine" || return 1
    done
}

# Files of ours are short, and name neither a registry's host nor a place on somebody's machine.
files_are_tidy() {
    local long named
    long=$(git ls-files '*.rs' '*.sh' '*.py' | xargs wc -l | awk '$2 != "total" && $1 > 400 { print $2 ": " $1 " lines" }')
    [[ -z $long ]] || { echo "files over 400 lines want splitting:" "$long"; return 1; }
    named=$(git grep -nIE '(^|[^a-z.])(registry\.npmjs|pypi\.org|files\.pythonhosted|static\.crates|index\.crates)|(/root|/home/[a-z]+|/work)/' \
        -- ':!Cargo.lock' ':!infra/local/check.sh' || true)
    [[ -z $named ]] || { echo "a registry's host or a path of one machine is named in:" "$named"; return 1; }
}

scripts_are_sound() {
    local script
    for script in infra/local/*.sh .ci/run; do bash -n "$script" || return 1; done
    missing shellcheck || shellcheck --external-sources --source-path SCRIPTDIR infra/local/*.sh .ci/run
}

# Amazon Linux 2023, where Lambda runs, has glibc 2.34.
programs_run_on_lambda() {
    local program newest
    for program in begin step plan finish recover ask api audit digest; do
        newest=$(set -o pipefail; objdump -T "$target_dir/$HOLDFAST_PROFILE/$program" | grep -o 'GLIBC_[0-9.]*' | sort -V | tail -n 1) ||
            { echo "$program cannot be read"; return 1; }
        [[ $(printf '%s\nGLIBC_2.34\n' "$newest" | sort -V | tail -n 1) = GLIBC_2.34 ]] ||
            { echo "$program needs $newest, newer than the 2.34 of Lambda: build with HOLDFAST_TARGET=x86_64-unknown-linux-gnu.2.34"; return 1; }
    done
}

# A fresh machine has no crates yet, and the licence check looks at them without a network.
check "crates" cargo fetch --locked
check "format" cargo fmt --all --check
check "scripts" scripts_are_sound
check "tidy files" files_are_tidy
check "licences bans sources" cargo deny --offline --locked check --hide-inclusion-graph licenses bans sources
check "unused dependencies" cargo shear
check "order of crates" python3 "$here/crates.py"
check "cfn-lint" cfn-lint --non-zero-exit-code informational template.yaml
check "sam validate" sam validate --lint --region "$region" --template-file template.yaml
check "checkov" "$root/.venv-checkov/bin/checkov" --config-file "$here/checkov.yaml" --file template.yaml
check "state machines" machines_are_valid
check "clippy" cargo clippy --locked --workspace --all-targets --profile "$HOLDFAST_PROFILE" -- --deny warnings
check "documentation" env RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --profile "$HOLDFAST_PROFILE"
check "build" cargo build --locked --workspace --profile "$HOLDFAST_PROFILE"
check "glibc" programs_run_on_lambda

((${#failed[@]} == 0)) || fail "these checks failed: $(IFS=,; echo "${failed[*]}")"
stage "all checks passed"
