#!/usr/bin/env bash
# Installs the project's tools at pinned versions inside the project; a rerun does nothing.
# `setup.sh programs`: Debian's packages; `stack`: also what the local stack runs on; `checks`: also
# what only checks and tests use; `bench`: what the local stack and the benchmark use; `console`:
# what builds the console's front end, and nothing else; `profile`: what merges the counts of
# programs.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
what=$1

# Debian packages of programs that are missing: installed by root, else named.
packages=()
missing cargo && fail "cargo is missing" "install Rust by rustup; rust-toolchain.toml names the version"
missing python3 && packages+=(python3)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
missing node && packages+=(nodejs)
missing npm && packages+=(npm)
missing curl && packages+=(curl)
missing cc && packages+=(build-essential)
# The browser in which tests/pages opens receipts. Debian keeps one version at a time, the patched
# one.
[[ $what != checks || -x /usr/bin/chromium ]] || packages+=(chromium)
# The version that reads the counts of this project's rustc.
[[ $what != profile || -x /usr/bin/llvm-profdata-19 ]] || packages+=(llvm-19)
# The proxies before which functions/steps/tests/proxies puts the action `http`.
if [[ $what = checks ]]; then
    [[ -x /usr/sbin/nginx ]] || packages+=(nginx-light)
    [[ -x /usr/sbin/haproxy ]] || packages+=(haproxy)
    [[ -x /usr/sbin/varnishd ]] || packages+=(varnish)
fi
if ((${#packages[@]})); then
    command="apt-get install --yes --no-install-recommends ${packages[*]}"
    if [[ $(id -u) != 0 ]] || missing apt-get; then
        fail "these programs are missing: ${packages[*]}" "as root: $command"
    fi
    stage "installing Debian packages ${packages[*]}"
    quietly "$logs/apt-update.log" apt-get update
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive quietly "$logs/apt.log" $command
fi

[[ $what != programs && $what != profile ]] || exit 0

# A virtual environment $1 with the packages of requirements file $2; its stamp is a copy of that
# file. pip accepts only wheels with the hashes of that file, so that no package runs code of its
# own while it is installed. The pip of .venv installs into all environments; Python compiles a
# module at its first import.
environment() {
    local venv=$root/$1 requirements=$here/requirements/$2
    cmp --silent "$requirements" "$venv/.installed" && return
    stage "installing Python packages of infra/local/requirements/$2"
    if [[ $venv != "$root/.venv" ]]; then
        rm -rf "$venv"
        quietly "$logs/venv-$2.log" python3 -m venv --without-pip "$venv"
    fi
    quietly "$logs/pip-$2.log" "$root/.venv/bin/pip" --python "$venv/bin/python" install --no-deps \
        --require-hashes --only-binary :all: --no-compile --disable-pip-version-check \
        --progress-bar off --requirement "$requirements"
    [[ $venv != *\ * ]] || start_by_shell "$venv"
    cp "$requirements" "$venv/.installed"
}

# Rewrites the first line of scripts in the virtual environment $1, whose path has a space. pip
# writes the interpreter unquoted into a script that a package brings, such as aws, and the kernel
# splits it at the space. pip writes these lines into scripts of its own.
start_by_shell() {
    local LC_ALL=C script
    for script in "$1"/bin/*; do
        head --bytes=$((${#1} + 2)) "$script" | cmp --silent - <(printf '#!%s' "$1") || continue
        {
            printf "#!/bin/sh\n'''exec' \"%s/bin/python\" \"\$0\" \"\$@\"\n' '''\n" "$1"
            tail --lines=+2 "$script"
        } >"$script.new"
        chmod +x "$script.new"
        mv "$script.new" "$script"
    done
}

# The npm packages of folder $1, under the integrity of its lock. No package runs code of its own
# while it is installed.
node_modules() {
    local folder=$root/$1
    cmp --silent "$folder/package-lock.json" "$folder/node_modules/.installed" && return
    stage "installing npm packages of $1/package.json"
    quietly "$logs/npm-${1//\//-}.log" npm ci --prefix "$folder" --ignore-scripts --no-fund --no-audit \
        --loglevel http
    cp "$folder/package-lock.json" "$folder/node_modules/.installed"
}

# One setup at a time, whichever stack asks for it.
exec 9>"$root/.local-setup.lock"
flock 9
if [[ $what = console ]]; then
    node_modules functions/console
    exit 0
fi
if ! cmp --silent "$here/requirements/tools.txt" "$root/.venv/.installed"; then
    rm -rf "$root/.venv"
    # The shell may remember the python3 that was just removed.
    hash -r
    stage "making a Python environment"
    quietly "$logs/venv.log" python3 -m venv "$root/.venv"
fi
# All at once, since each waits for the network; none can draw in place beside the others.
export PLAIN=true
jobs=()
environment .venv tools.txt &
jobs+=($!)
environment .venv-emulator emulator.txt &
jobs+=($!)
if [[ $what = checks ]]; then
    environment .venv-checkov checkov.txt &
    jobs+=($!)
    environment .venv-schemathesis schemathesis.txt &
    jobs+=($!)
    node_modules infra/local &
    jobs+=($!)
    node_modules functions/console &
    jobs+=($!)
fi
if [[ $what = bench ]]; then
    environment .venv-powertools powertools.txt &
    jobs+=($!)
fi
code=0
for job in "${jobs[@]}"; do wait "$job" || code=1; done
exit "$code"
