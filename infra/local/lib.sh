# Functions that the local stack's scripts share: paths, reports and progress, processes.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/infra/local
local_dir=${LOCAL:-.local}
[[ $local_dir = /* ]] || local_dir=$root/$local_dir
port=${PORT:-4599}
vendor_port=${VENDOR_PORT:-$((port + 1))}
issuer_port=${ISSUER_PORT:-$((vendor_port + 1))}
issuer=http://127.0.0.1:$issuer_port
hop_port=${HOP_PORT:-$((issuer_port + 1))}
hop=http://127.0.0.1:$hop_port
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

# Ends the command with an error, and with what to do about it.
fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# Ends the command with the first error that a log names, else with the log's last lines.
fail_with_log() {
    printf 'error: %s; from %s:\n' "$1" "${2#"$root"/}" >&2
    first_error "$2" >&2
    exit 1
}

# Prints the first error in log $1 as far as the next empty line, or the log's last lines.
first_error() {
    awk '/^ *(error|ERROR|Error|E:|npm error)/ { found = 1 } found && /^$/ { exit } found && n++ < 40' "$1" | grep . ||
        tail -n 60 "$1" || true
}

# Prints how much of its work the command `$2…` has done, as far as its log $1 says.
done_so_far() {
    local log=$1 count total
    shift
    # Cargo's own bar ends in 123/456.
    if count=$(tail -c 4096 "$log" | grep -oE '\] [0-9]+/[0-9]+' | tail -n 1 | tr -d '] '); then
        echo "${count%/*} of ${count#*/} crates"
        return
    fi
    case $(basename "$1") in
        pip)
            total=$(grep -cE '^[a-zA-Z]' "${!#}")
            count=$(grep -c '^Collecting' "$log")
            ((count < total)) && echo "$count of $total packages" || echo "$total packages fetched, installing"
            ;;
        npm)
            count=$(grep -c 'http fetch GET 200' "$log")
            echo "$count of $(grep -c '"node_modules/' "$4/package-lock.json") packages"
            ;;
        apt-get)
            total=$(grep -oE '[0-9]+ newly installed' "$log" | cut -d ' ' -f 1) || return
            echo "$(grep -c '^Setting up' "$log") of $total packages"
            ;;
        sam)
            # The report has a line for each resource; SAM adds roles and permissions to the
            # template's.
            count=$(grep -cE '^(CREATE|UPDATE)_COMPLETE' "$log") || return
            echo "$count resources deployed"
            ;;
    esac
}

# Reports the progress of the command `$2…` with log $1 until the shell ends this function: on a
# terminal in place, else a line every ten seconds. PLAIN=true asks for lines, since two commands at
# once cannot share a place.
show_progress() {
    local began=$SECONDS shown=$SECONDS count
    while kill -0 "$$" 2>/dev/null; do
        sleep 1
        count=$(done_so_far "$@" 2>/dev/null) || true
        count="$(basename "$2"): ${count:-at work for $((SECONDS - began)) s}"
        if [[ -t 1 && -z ${PLAIN:-} ]]; then
            printf '\r\033[K    %-60s %3ss' "$count" "$SECONDS"
        elif ((SECONDS - shown >= 10)); then
            printf '    %-60s %3ss\n' "$count" "$SECONDS"
            shown=$SECONDS
        fi
    done
}

# Runs a command with its output in log $1 and its progress shown; returns as the command does.
logged() {
    local log=$1 reporter code=0
    shift
    mkdir -p "$(dirname "$log")"
    : >"$log"
    show_progress "$log" "$@" &
    reporter=$!
    CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=80 "$@" >"$log" 2>&1 || code=$?
    kill "$reporter" 2>/dev/null
    wait "$reporter" 2>/dev/null || true
    [[ ! -t 1 || -n ${PLAIN:-} ]] || printf '\r\033[K'
    # Bars are of no use in a log.
    sed -i -e 's/.*\r\(.\)/\1/' -e '/^ *[A-Z][a-z]* \[[=> ]*\]/d' -e 's/\x1b\[K//g' "$log"
    return "$code"
}

# Runs a command as `logged` does, and ends this one with the first error if it fails.
quietly() {
    local log=$1
    shift
    logged "$log" "$@" || fail_with_log "\`$(basename "$1") ${*:2:3}\` failed" "$log"
}

# Succeeds if a program is missing.
missing() {
    ! command -v "$1" >/dev/null 2>&1
}

# Whether process $1 was started for this state folder, so that a number used again is never
# mistaken for ours.
ours() {
    [[ -n $1 ]] && grep -qzxF "HOLDFAST_LOCAL=$local_dir" "/proc/$1/environ" 2>/dev/null
}

# Prints the process that pid file $1 names, if it still runs and is ours.
running() {
    local pid
    pid=$(cat "$local_dir/$1.pid" 2>/dev/null) && ours "$pid" && echo "$pid"
}

# Starts `$2…` in a session of its own, with its pid and its log under the name $1.
launch() {
    local name=$1
    shift
    # The kernel shares processors among sessions (sched(7), "The autogroup feature"). Beside tests,
    # browsers and compilers, the session of a server would get so little that requests to it time
    # out. Without root the write fails, and the server keeps the usual share.
    local prefer='{ echo -10 >/proc/self/autogroup; } 2>/dev/null; exec "$@"'
    HOLDFAST_LOCAL=$local_dir setsid sh -c "$prefer" sh "$@" >"$logs/$name.log" 2>&1 </dev/null &
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

# Succeeds if a program listens on port $1 of this machine.
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
