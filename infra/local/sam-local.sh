#!/usr/bin/env bash
# Runs single functions in Docker by `sam local`, against the running local stack: invoke FUNCTION
# EVENT, or start-api.
# `sam local` verifies no tokens, and the API requires a verified one. So start-api serves only the
# routes that need none.
# The stack listens on 127.0.0.1 alone. While this script runs, socat forwards the bridge of Docker
# to it. So containers of this machine reach the stack, and other machines do not.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

usage() {
    fail "${1:-what should run?}" "infra/local/sam-local.sh invoke BeginFunction tests/events/begin.json"
}
missing docker && fail "docker is missing" "on Debian: apt-get install docker.io"
docker info >/dev/null 2>&1 || fail "docker does not answer" "start its daemon (dockerd), or join the group docker"
[[ -f $local_dir/env ]] || fail "no local stack runs" "make up"
missing socat && fail "socat is missing" "on Debian: apt-get install socat"
# shellcheck source=/dev/null
source "$local_dir/env"

# The host as containers see it: the bridge's gateway, which older Docker does not name and which
# then is its first address.
gateway=$(docker network inspect bridge --format '{{with index .IPAM.Config 0}}{{or .Gateway .Subnet}}{{end}}' | sed 's|\.0/[0-9]*$|.1|')
subnet=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Subnet}}')
endpoint=http://$gateway:${AWS_ENDPOINT_URL##*:}
vendors=http://$gateway:${HOLDFAST_VENDOR_SYSTEM##*:}
forwarders=()
trap '((${#forwarders[@]} == 0)) || kill "${forwarders[@]}" 2>/dev/null || true' EXIT
for address in "$endpoint" "$vendors"; do
    socat "TCP-LISTEN:${address##*:},bind=$gateway,range=$subnet,fork,reuseaddr" "TCP:127.0.0.1:${address##*:}" &
    forwarders+=($!)
done
curl --silent --fail --noproxy '*' --retry 5 --retry-connrefused --retry-delay 1 --output /dev/null "$endpoint/_ministack/health" ||
    fail "the stack cannot be reached at $endpoint" "make up"

# A base image of this machine's own libraries, so that nothing has to be pulled.
stand_in=lambda-standin:al2023-x86_64
make_stand_in() {
    local image=$local_dir/tmp/image busybox program
    busybox=$(command -v busybox) || fail "no image can be pulled, and busybox is missing to make one" "apt-get install busybox-static"
    rm -rf "$image"
    mkdir -p "$image"/{bin,lib64,lib/x86_64-linux-gnu,etc/ssl/certs,tmp,var/task,var/runtime,var/rapid}
    cp "$busybox" "$image/bin/busybox"
    for program in sh mv chmod; do ln -s busybox "$image/bin/$program"; done
    cp -L /lib64/ld-linux-x86-64.so.2 "$image/lib64/"
    cp -L /lib/x86_64-linux-gnu/{libc.so.6,libm.so.6,libgcc_s.so.1} "$image/lib/x86_64-linux-gnu/"
    cp -L /etc/ssl/certs/ca-certificates.crt "$image/etc/ssl/certs/"
    tar --create --directory "$image" . | docker import --change 'ENV PATH=/bin' - "$stand_in" >/dev/null
    rm -rf "$image"
}
# LAMBDA_IMAGE names a real image, where one can be pulled.
image=()
if [[ -n ${LAMBDA_IMAGE:-} ]]; then
    image=(--invoke-image "$LAMBDA_IMAGE")
else
    docker image inspect "$stand_in" >/dev/null 2>&1 || make_stand_in
    image=(--skip-pull-image --invoke-image "$stand_in")
fi

signing_key=$(aws lambda get-function-configuration --function-name "$HOLDFAST_STACK-finish" --output text \
    --query Environment.Variables.HOLDFAST_SIGNING_KEY)

# sam local passes on only variables that the template declares, and serves only what is an event of
# a function.
template=$local_dir/build/template-docker.yaml
sed -e '0,/^\( *\)HOLDFAST_LEDGER_TABLE:/s//\1AWS_ENDPOINT_URL: ""\n&/' \
    -e '/^  ApiFunction:/,/^    Properties:/s/^    Properties:/&\n      Events: { Any: { Type: HttpApi } }/' \
    "$local_dir/build/template.yaml" >"$template"
variables=$local_dir/docker-env.json
cat >"$variables" <<END
{"Parameters": {
  "AWS_ENDPOINT_URL": "$endpoint",
  "HOLDFAST_LEDGER_TABLE": "$HOLDFAST_LEDGER_TABLE",
  "HOLDFAST_RECEIPT_BUCKET": "$HOLDFAST_RECEIPT_BUCKET",
  "HOLDFAST_PAYLOAD_BUCKET": "$HOLDFAST_PAYLOAD_BUCKET",
  "HOLDFAST_MACHINE_PREFIX": "$HOLDFAST_MACHINE_PREFIX",
  "HOLDFAST_MACHINE_ALIAS": "",
  "HOLDFAST_TENANT_ROLE": "$HOLDFAST_TENANT_ROLE",
  "HOLDFAST_LEDGER_ARN": "arn:aws:dynamodb:$AWS_REGION:000000000000:table/$HOLDFAST_LEDGER_TABLE",
  "HOLDFAST_RECEIPT_BUCKET_ARN": "arn:aws:s3:::$HOLDFAST_RECEIPT_BUCKET",
  "HOLDFAST_SIGNING_KEY": "$signing_key",
  "HOLDFAST_RETIRED_SIGNING_KEYS": "",
  "HOLDFAST_STACK": "$HOLDFAST_STACK",
  "HOLDFAST_TENANT_CLAIM": "tenant",
  "HOLDFAST_ROLE_CLAIM": "role",
  "HOLDFAST_GROUP_CLAIM": "groups",
  "HOLDFAST_HTTP_ALLOW": "$vendors",
  "VENDOR_SYSTEM_URL": "$vendors"
}}
END
options=(--template "$template" --env-vars "$variables" --config-file "$root/samconfig.toml" --config-env local "${image[@]}")
case ${1:-} in
    invoke)
        [[ $# -ge 3 ]] || usage "invoke needs a function and an event file"
        sam local invoke "$2" --event "$3" "${options[@]}" "${@:4}"
        ;;
    start-api) sam local start-api "${options[@]}" "${@:2}" ;;
    *) usage ;;
esac
