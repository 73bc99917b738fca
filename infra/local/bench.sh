#!/usr/bin/env bash
# Measures what docs/performance.md shows: requests per execution and the API's times at the running
# stack, then the release programs.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

bash "$here/up.sh"
# shellcheck source=/dev/null
source "$local_dir/env"
stage "counting requests per execution"
HOLDFAST_CLI=$target_dir/$HOLDFAST_PROFILE/holdfast "$root/.venv/bin/python" "$root/infra/bench/counts.py"
stage "timing the API"
"$root/.venv/bin/python" "$root/infra/bench/api.py"
stage "building the release programs"
cd "$root"
quietly "$logs/release.log" cargo build --locked --release --package holdfast-functions --bins
stage "measuring the programs"
"$root/.venv/bin/python" "$root/infra/bench/programs.py" "$target_dir/release"
