#!/usr/bin/env bash
# Installs what is needed, at pinned versions, inside the project; a rerun does nothing. `setup.sh programs`: Debian's packages;
# `stack`: also what the local stack runs on; `checks`: also what only checks and tests use.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
what=$1

# Debian packages for programs that are missing: installed when we may, else named.
packages=()
missing cargo && fail "cargo is missing" "install Rust by rustup; rust-toolchain.toml names the version"
missing python3 && packages+=(python3)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
missing node && packages+=(nodejs)
missing npm && packages+=(npm)
missing curl && packages+=(curl)
missing cc && packages+=(build-essential)
missing objdump && packages+=(binutils)
# What tests/pages opens receipts with; Debian keeps one version of it at a time, the patched one.
[[ $what != checks || -x /usr/bin/chromium ]] || packages+=(chromium)
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

[[ $what != programs ]] || exit 0

# A virtual environment $1 with the packages of requirements file $2; its stamp is a copy of that file.
environment() {
    local venv=$root/$1 requirements=$here/requirements/$2
    cmp --silent "$requirements" "$venv/.installed" && return
    stage "installing Python packages of infra/local/requirements/$2"
    rm -rf "$venv"
    # The shell may remember the python3 that was just removed.
    hash -r
    quietly "$logs/venv.log" python3 -m venv "$venv"
    quietly "$logs/pip.log" "$venv/bin/pip" install --disable-pip-version-check --no-deps --requirement "$requirements"
    cp "$requirements" "$venv/.installed"
}

# One setup at a time, whichever stack asks for it.
exec 9>"$root/.local-setup.lock"
flock 9
environment .venv tools.txt
environment .venv-emulator emulator.txt
[[ $what = checks ]] || exit 0
environment .venv-checkov checkov.txt
environment .venv-schemathesis schemathesis.txt
if ! cmp --silent "$here/package-lock.json" "$here/node_modules/.installed"; then
    stage "installing npm packages of infra/local/package.json"
    quietly "$logs/npm.log" npm ci --prefix "$here" --no-fund --no-audit
    cp "$here/package-lock.json" "$here/node_modules/.installed"
fi
