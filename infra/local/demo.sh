#!/usr/bin/env bash
# Brings up the local stack, or uses the running one, and runs the demo program with the scenario that was asked for.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

bash "$here/up.sh"
# shellcheck source=/dev/null
source "$local_dir/env"
exec "$target_dir/$HOLDFAST_PROFILE/demo" "${SCENARIO:-}"
