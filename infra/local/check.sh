#!/usr/bin/env bash
# The gate without tests, for people and CI: every check runs, and the end names those that failed.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

mkdir -p "$logs"
bash "$here/setup.sh" programs
# Packages come from the network while the compiler has the processor.
PLAIN=true bash "$here/setup.sh" checks &
setup=$!
cd "$root"
failed=()

# Runs one check quietly; a failed check shows its first error and does not stop the others.
check() {
    local name=$1 log=$logs/check-${1// /-}.log
    shift
    stage "check: $name"
    if ! logged "$log" "$@"; then
        failed+=("$name")
        first_error "$log" >&2
    fi
}

# asl-validator parses JSONata as Step Functions does, which our own tests cannot.
machines_are_valid() {
    local machine
    for machine in infra/statemachines/*.asl.json; do
        "$here/node_modules/.bin/asl-validator" --no-arn-check --json-path "$machine" || return 1
    done
}

# Cargo only warns of a patch that no crate uses any more.
patches_are_used() {
    ! grep -q '^\[\[patch\.unused' Cargo.lock || { echo "Cargo.lock: a patch is unused: raise the version of infra/crc-fast or infra/fancy-regex"; return 1; }
}

# Files of ours are short, and name neither a registry's host nor a path of one machine.
files_are_tidy() {
    local long named
    long=$(git ls-files '*.rs' '*.sh' '*.py' '*.mjs' '*.ts' '*.tsx' '*.css' ':!functions/console/src/api/types.ts' ':!functions/console/dist' | xargs wc -l | awk '$2 != "total" && $1 > 400 { print $2 ": " $1 " lines" }')
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

# The licence check looks at the crates without a network, and a fresh machine has none yet.
check "crates" cargo fetch --locked
check "format" cargo fmt --all --check
check "scripts" scripts_are_sound
check "tidy files" files_are_tidy
check "prose" python3 "$here/prose.py"
check "attacks" python3 "$here/attacks.py"
check "features" python3 "$here/features.py"
# One build of everything, tests among it: a second choice would compile dependencies a second time.
check "build" cargo build --locked --workspace --all-targets --profile "$HOLDFAST_PROFILE"
# Clippy and the documentation share the metadata of the dependencies.
# The programs of a deployment are checked here alone, and linked by `sam build`.
check "clippy" cargo clippy --locked --workspace --all-targets --features holdfast-functions/programs --profile "$HOLDFAST_PROFILE" -- --deny warnings
check "documentation" env RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --profile "$HOLDFAST_PROFILE"
wait "$setup" || exit 1
hash -r
check "program" python3 infra/build/program.py --template template.yaml "$target_dir/$HOLDFAST_PROFILE/functions"
check "bills" env HOLDFAST_CLI="$target_dir/$HOLDFAST_PROFILE/holdfast" python3 infra/bench/cost.py --check
check "patches" patches_are_used
check "licences bans sources" cargo deny --offline --locked check --hide-inclusion-graph licenses bans sources
check "unused dependencies" cargo shear
check "order of crates" python3 "$here/crates.py"
check "cfn-lint" cfn-lint --non-zero-exit-code informational template.yaml infra/notifications.yaml
check "sam validate" sam validate --lint --region "$region" --template-file template.yaml
check "checkov" "$root/.venv-checkov/bin/checkov" --config-file "$here/checkov.yaml" --file template.yaml
check "console" bash "$here/console.sh" check
check "expressions" node "$here/expressions.mjs"
check "state machines" machines_are_valid

((${#failed[@]} == 0)) || fail "these checks failed: $(IFS=,; echo "${failed[*]}")"
stage "all checks passed"
