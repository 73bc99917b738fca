# What the scripts of the local stack share: where things lie, how they report, how they start and end processes.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/infra/local
local_dir=${LOCAL:-.local}
[[ $local_dir = /* ]] || local_dir=$root/$local_dir
port=${PORT:-4599}
vendor_port=${VENDOR_PORT:-$((port + 1))}
issuer_port=${ISSUER_PORT:-$((vendor_port + 1))}
issuer=http://127.0.0.1:$issuer_port
stack=${STACK:-holdfast}
region=us-east-1
target_dir=${CARGO_TARGET_DIR:-$root/target}
logs=$local_dir/log

export PATH="$root/.venv/bin:$PATH"
export HOLDFAST_PROFILE=${HOLDFAST_PROFILE:-local} SAM_CLI_TELEMETRY=0

# One line for each stage of work, with the seconds since the command began.
stage() {
    printf '==> %-60s %3ss\n' "$1" "$SECONDS"
}

# Ends the command: what is wrong, and what to do about it.
fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# Ends the command with the last lines of a log.
fail_with_log() {
    printf 'error: %s; the end of %s:\n' "$1" "${2#"$root"/}" >&2
    tail -n 25 "$2" >&2 || true
    exit 1
}

# Runs a command quietly; its output goes to a log, which is shown if the command fails.
quietly() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 || fail_with_log "\`$(basename "$1") ${*:2:3}\` failed" "$log"
}

# Whether a program is missing.
missing() {
    ! command -v "$1" >/dev/null 2>&1
}

# Whether process $1 was started for this state folder, so that a number used again is never mistaken for ours.
ours() {
    [[ -n $1 ]] && grep -qzxF "HOLDFAST_LOCAL=$local_dir" "/proc/$1/environ" 2>/dev/null
}

# The process that pid file $1 names, if it still runs and is ours.
running() {
    local pid
    pid=$(cat "$local_dir/$1.pid" 2>/dev/null) && ours "$pid" && echo "$pid"
}

# Starts `$2…` in a session of its own, with its pid and its log under the name $1.
launch() {
    local name=$1
    shift
    HOLDFAST_LOCAL=$local_dir setsid "$@" >"$logs/$name.log" 2>&1 </dev/null &
    local pid=$!
    disown
    # Until the shell's copy has become the program it is not known as ours.
    until ours "$pid" || ! kill -0 "$pid" 2>/dev/null; do sleep 0.01; done
    echo "$pid" >"$local_dir/$name.pid"
}

# Waits until URL $2 answers, while process $1 lives, 30 seconds at most.
await() {
    local name=$1 url=$2
    for _ in $(seq 300); do
        running "$name" >/dev/null || fail_with_log "$name ended at once" "$logs/$name.log"
        curl --silent --fail --noproxy '*' --output /dev/null --max-time 2 "$url" && return
        sleep 0.1
    done
    fail_with_log "$name did not answer at $url within 30 s" "$logs/$name.log"
}

# Whether anybody listens on port $1 of this machine.
taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Ends the process (group) of pid file $1 and waits for it.
end() {
    local pid
    if pid=$(running "$1"); then
        kill -TERM -- "-$pid" 2>/dev/null || kill -TERM "$pid" 2>/dev/null || true
        for _ in $(seq 50); do
            ours "$pid" || break
            sleep 0.1
        done
        ours "$pid" && kill -KILL -- "-$pid" 2>/dev/null
    fi
    rm -f "$local_dir/$1.pid"
}
