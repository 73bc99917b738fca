#!/usr/bin/env bash
# Brings up the local stack, or uses the running one, and runs the scenario that SCENARIO names.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

demo=$target_dir/$HOLDFAST_PROFILE/demo
# The list needs no stack where the program is built already.
[[ ${SCENARIO:-} != help || ! -x $demo ]] || exec "$demo" help
bash "$here/up.sh" demo
# shellcheck source=/dev/null
source "$local_dir/env"
[[ -x $local_dir/bin/holdfast ]] || stage "for the command holdfast: make up, then source ${local_dir#"$root"/}/env"
exec "$demo" "${SCENARIO:-}" "$local_dir/receipts"
