#!/usr/bin/env bash
# Measures what docs/performance.md shows: requests per execution, their bill and the API's times at
# the running stack, then the programs that are deployed. It exits non-zero if an aim is missed.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

missed=()

# Runs one measurement; one that misses its aim does not stop the others.
measure() {
    stage "$1"
    "$root/.venv/bin/python" "$root/infra/bench/$2" "${@:3}" || missed+=("$2")
}

bash "$here/setup.sh" programs
# The compiler has the processor while the stack starts and requests are counted: a count is the
# same on a busy machine.
stage "building the programs that are deployed, in the background"
logged "$logs/bench.log" make -C "$root/functions/handlers" PROFILE=deployed ARTIFACTS_DIR="$local_dir/bench" programs >/dev/null &
build=$!
bash "$here/up.sh"
bash "$here/setup.sh" bench
# shellcheck source=/dev/null
source "$local_dir/env"
cd "$root"
export HOLDFAST_CLI=$target_dir/$HOLDFAST_PROFILE/holdfast
measure "counting requests per execution" counts.py
measure "pricing executions" cost.py --check --aims
stage "waiting for the programs that are deployed"
wait "$build" || fail_with_log "the build of the programs failed" "$logs/bench.log"
measure "timing the API" api.py
measure "measuring the programs" programs.py "$local_dir/bench" "$root/.venv-powertools/bin/python"
# Its own time, too, is an aim.
measure "the time of all this" aims.py "seconds of make bench" "$SECONDS"
((${#missed[@]} == 0)) || fail "aims are missed in: ${missed[*]}" "the tables above name them"
