#!/usr/bin/env bash
# Ends the local stack of one state folder and removes all that it left: processes, ports, temporary
# files.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

[[ -d $local_dir ]] || exit 0
end emulator
end hop
end vendor-system
end identity
# Functions can outlive a crashed emulator: every process ends that has this state folder in its
# environment.
for process in /proc/[0-9]*; do
    pid=${process#/proc/}
    if [[ $pid != "$$" ]] && ours "$pid"; then kill -KILL "$pid" 2>/dev/null || true; fi
done
rm -rf "$local_dir"
stage "the stack in ${local_dir#"$root"/} has ended"
