#!/usr/bin/env bash
# Brings up the local stack, or uses the running one, and runs the scenario that SCENARIO names.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

demo=$target_dir/$HOLDFAST_PROFILE/demo
scenarios=$root/tests/demo/scenarios.txt
export SCENARIO=${SCENARIO:-executed}
[[ $SCENARIO != help ]] || exec cat "$scenarios"
# A wrong name is reported before a build, which takes minutes.
if ! awk '/^  / && $1 == ENVIRON["SCENARIO"] { found = 1 } END { exit !found }' "$scenarios"; then
    printf 'error: there is no scenario %q\n' "$SCENARIO" >&2
    cat "$scenarios" >&2
    exit 2
fi
bash "$here/up.sh" demo
# shellcheck source=/dev/null
source "$local_dir/env"
[[ -x $local_dir/bin/holdfast ]] || stage "for the command holdfast: make up, then source ${local_dir#"$root"/}/env"
exec "$demo" "$SCENARIO" "$local_dir/receipts"
