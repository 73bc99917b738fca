#!/usr/bin/env bash
# Writes pictures of the console's pages of the running local stack into target/console.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

[[ -s $local_dir/env ]] || fail "there is no local stack in ${local_dir#"$root"/}" "make up"
bash "$here/setup.sh" checks
# shellcheck source=/dev/null
source "$local_dir/env"
scene=$local_dir/scene.json
node "$root/tests/console/scene.mjs" >"$scene"
node "$root/tests/console/screenshots.mjs" "$scene" "$root/target/console"
