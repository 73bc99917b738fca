#!/usr/bin/env bash
# Builds and checks the console's front end: `console.sh build` writes functions/console/dist,
# `check` checks types, style, unit tests, and that dist is what the sources yield.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
console=$root/functions/console

bash "$here/setup.sh" console
cd "$console"
case ${1:-check} in
    build) node build.mjs ;;
    check)
        node_modules/.bin/tsc --project tsconfig.json
        node_modules/.bin/tsc --project tsconfig.test.json
        node_modules/.bin/biome ci --colors=off .
        node build.mjs --test
        node build.mjs --check
        ;;
    *) fail "console.sh has no command ${1@Q}" "use build or check" ;;
esac
