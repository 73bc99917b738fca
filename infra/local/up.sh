#!/usr/bin/env bash
# Brings up the local stack: builds, starts the AWS emulator, the hop before it, the vendor system
# and a token issuer, deploys with the SAM CLI, and writes env. A rerun starts what does not run and
# deploys what changed.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# It contains tokens, the issuer's key and logs, which other users of this machine must not read.
# Programs that write elsewhere have the user's own mask.
own_mask=$(umask)
umask 077
install -d -m 700 "$local_dir"
mkdir -p "$logs" "$local_dir/tmp"
# An earlier release created files for everybody.
chmod -R go= "$local_dir"
touch "$logs/cargo.log" "$logs/compile.log"
(umask "$own_mask" && bash "$here/setup.sh" programs)
# Packages come from the network while the compiler has the processor.
(umask "$own_mask" && PLAIN=true exec bash "$here/setup.sh" stack) &
setup=$!

# `up.sh demo` builds only what the demo runs. Both choices select the same features of every crate,
# which tests/Cargo.toml ensures, so that neither compiles a dependency of the other again.
chosen=(--workspace)
if [[ ${1:-} = demo ]]; then
    chosen=(--package holdfast-functions --package holdfast-vendor-system --package holdfast-identity --package holdfast-tests --bins)
fi
stage "building"
cd "$root"
(umask "$own_mask" && quietly "$logs/cargo.log" cargo build --locked --profile "$HOLDFAST_PROFILE" "${chosen[@]}")
wait "$setup" || exit 1
programs=$target_dir/$HOLDFAST_PROFILE

# A stack that runs keeps its ports.
ports="$port $vendor_port $issuer_port $hop_port"
if running emulator >/dev/null && [[ $(cat "$local_dir/ports") != "$ports" ]]; then
    fail "the stack in ${local_dir#"$root"/} runs on other ports: $(cat "$local_dir/ports")" \
        "make down first, or name another state folder by LOCAL="
fi

# It also keeps what it enforces.
if running emulator >/dev/null; then
    enforces=$(cat "$local_dir/iam")
    [[ ${IAM:-$enforces} = "$enforces" ]] || fail "the stack in ${local_dir#"$root"/} runs with IAM=$enforces" "make down first"
    IAM=$enforces
fi
export IAM=${IAM:-false}

export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
export AWS_REGION=$region AWS_DEFAULT_REGION=$region NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
unset AWS_PROFILE AWS_SESSION_TOKEN

if ! running emulator >/dev/null; then
    ! taken "$port" || fail "port $port is taken by another program" "choose another: make up PORT=4700"
    stage "starting the AWS emulator on port $port"
    rm -f "$local_dir/deployed"
    # Written before the emulator runs, so that a rerun after an interruption finds both.
    echo "$ports" >"$local_dir/ports"
    echo "$IAM" >"$local_dir/iam"
    mkdir -p "$local_dir/emulator"
    cp "$here/emulator.py" "$here/express.py" "$here/peers.py" "$local_dir/emulator"
    # Functions inherit its environment, and so reach it through the hop. A mutual-TLS port would be
    # opened for IoT, which we do not use.
    AWS_ENDPOINT_URL=$hop TMPDIR=$local_dir/tmp STATE_DIR=$local_dir/tmp/state S3_DATA_DIR=$local_dir/tmp/s3 \
        GATEWAY_PORT=$port BIND_HOST=127.0.0.1 LAMBDA_EXECUTOR=local IOT_MTLS_ENABLED=0 \
        AUTH=$IAM MINISTACK_REGION=$region \
        launch emulator "$root/.venv-emulator/bin/python" "$local_dir/emulator/emulator.py"
    await emulator "$AWS_ENDPOINT_URL/_ministack/health"
fi

hop_programs=("$here/hop.py" "$here/models.py" "$here/peers.py")
if ! running hop >/dev/null || ! cmp --silent <(cat "${hop_programs[@]}") <(cat "$local_dir"/hop/*.py); then
    end hop
    # Its port closes a moment after its memory, by which `end` looks for it.
    for _ in $(seq 20); do taken "$hop_port" || break; sleep 0.1; done
    ! taken "$hop_port" || fail "port $hop_port is taken by another program" "choose another: make up HOP_PORT=4703"
    stage "starting the hop on port $hop_port"
    mkdir -p "$local_dir/hop"
    cp "${hop_programs[@]}" "$local_dir/hop"
    launch hop "$root/.venv/bin/python" "$local_dir/hop/hop.py" serve "$hop_port" "$port"
    await hop "$hop/_hop/report"
fi

vendor_system=$programs/vendor-system
if ! running vendor-system >/dev/null || ! cmp --silent "$vendor_system" "$local_dir/vendor-system"; then
    end vendor-system
    ! taken "$vendor_port" || fail "port $vendor_port is taken by another program" "choose another: make up VENDOR_PORT=4701"
    stage "starting the vendor system on port $vendor_port"
    cp "$vendor_system" "$local_dir/vendor-system"
    launch vendor-system "$local_dir/vendor-system" --port "$vendor_port"
    await vendor-system "http://127.0.0.1:$vendor_port/healthz"
fi

if ! running identity >/dev/null || ! cmp --silent "$programs/identity" "$local_dir/identity"; then
    end identity
    ! taken "$issuer_port" || fail "port $issuer_port is taken by another program" "choose another: make up ISSUER_PORT=4702"
    stage "starting the token issuer on port $issuer_port"
    cp "$programs/identity" "$local_dir/identity"
    launch identity "$local_dir/identity" --key "$local_dir/issuer.der" serve --port "$issuer_port" --audience "$stack"
    await identity "$issuer/.well-known/jwks.json"
fi

# Writes what env puts on the PATH: the project's command, SAM, and `aws`. The project's own `aws`
# is version 1, whose SQS commands ignore AWS_ENDPOINT_URL (aws/aws-cli#8737) and would leave this
# stack. No command of any version ignores the option.
write_commands() {
    local aws own=$root/.venv/bin/aws
    mkdir -p "$local_dir/bin"
    # The user's own, if there is one that runs.
    aws=$(type -ap aws | grep -vF "$root/" | head -n 1) || true
    "${aws:-false}" --version >/dev/null 2>&1 || aws=$own
    printf '#!/bin/sh\nexec %q --endpoint-url "$AWS_ENDPOINT_URL" "$@"\n' "$aws" >"$local_dir/bin/aws"
    chmod +x "$local_dir/bin/aws"
    ln -sfn "$root/.venv/bin/sam" "$local_dir/bin/sam"
    [[ ! -x $programs/holdfast ]] || write_manual
}

# Writes the man pages, which `man` finds beside the PATH (manpath(1)), and completions for bash.
write_manual() {
    local completions=$local_dir/share/bash-completion/completions
    ln -sfn "$programs/holdfast" "$local_dir/bin/holdfast"
    mkdir -p "$completions"
    # `make demo` does not build the command, and an earlier build may not have these.
    "$programs/holdfast" completions bash >"$completions/new" 2>/dev/null || return 0
    mv "$completions/new" "$completions/holdfast"
    "$programs/holdfast" man "$local_dir/share/man/man1"
}

# Writes env whole or not at all.
write_env() {
    write_commands
    bash "$here/env.sh" >"$local_dir/env.new"
    mv "$local_dir/env.new" "$local_dir/env"
}

# Packs the functions' program and puts it where $1 says.
upload_code() {
    python3 - "$programs/functions" "$local_dir/tmp/code.zip" <<'END' || return 1
import sys, zipfile
with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
    packed.write(sys.argv[1], "bootstrap")
END
    # The bucket exists already after an earlier deployment.
    aws s3 mb "s3://$stack-code" || true
    aws s3 cp --only-show-errors "$local_dir/tmp/code.zip" "$1"
}

# The command was just built with the actions of functions/steps; `make test` compares instead.
if [[ -x $programs/holdfast && ${COMPILE:-true} = true && ${1:-} != demo ]]; then
    stage "compiling workflows"
    (umask "$own_mask" && quietly "$logs/compile.log" "$programs/holdfast" compile)
fi

# The system of approvals of the local stack: tests sign approvals with its key.
approvals=$local_dir/approvals.pem
[[ -s $approvals ]] || node --input-type=module --eval '
import { generateKeyPairSync } from "node:crypto";
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
process.stdout.write(privateKey.export({ type: "pkcs8", format: "pem" }));' >"$approvals"
approval_keys=$(node "$root/docs/examples/sign-approval.mjs" key "$approvals" local acme,globex "*" | base64 | tr -d '\n')

# A deployment depends on these files and parameters: while none of them changes, none is due.
incidents=$(aws sns create-topic --name "$stack-incidents" --query TopicArn --output text)
parameters=(
    "VendorSystemUrl=http://127.0.0.1:$vendor_port" "HttpAllow=${HTTP_ALLOW:-http://127.0.0.1:$vendor_port}"
    "JwtIssuer=$issuer" "JwtAudience=$stack" PublishVersions=false AuditArchive=false AuditBatchSeconds=1 LogRetentionDays=1 ReceiptLockDays=1
    ConsoleClientId=console
    "IncidentTopicArn=$incidents" "ApprovalKeys=$approval_keys"
    # sam accepts no empty value.
    ${SECRET_ALLOW:+"SecretAllow=$SECRET_ALLOW"}
    ${OTLP_ENDPOINT:+"OtlpEndpoint=$OTLP_ENDPOINT"}
)
deployed=$({
    echo "$stack ${parameters[*]}"
    sha256sum template.yaml samconfig.toml infra/statemachines/*.asl.json "$programs/functions"
} | sha256sum)
if [[ $(cat "$local_dir/deployed" 2>/dev/null) != "$deployed" ]]; then
    stage "sam build"
    quietly "$logs/sam-build.log" flock "$root/.local-setup.lock" \
        env HOLDFAST_PREBUILT=true sam build --config-file "$root/samconfig.toml" --config-env local --build-dir "$local_dir/build"
    stage "sam deploy"
    # All functions run one program, which is packed once here: sam would pack it for each of them.
    code=s3://$stack-code/${deployed%% *}.zip
    quietly "$logs/code.log" upload_code "$code"
    sed -E "s|^( *CodeUri: )[A-Za-z]+Function$|\1$code|" "$local_dir/build/template.yaml" >"$local_dir/build/deployed.yaml"
    quietly "$logs/sam-deploy.log" sam deploy --config-file "$root/samconfig.toml" --config-env local --stack-name "$stack" \
        --template-file "$local_dir/build/deployed.yaml" --parameter-overrides "${parameters[@]}"
    write_env
    # The emulator's CloudFormation leaves out this part of the template: as ReceiptLockDays=1 has
    # it.
    (
        # shellcheck source=/dev/null
        source "$local_dir/env"
        quietly "$logs/lock.log" aws s3api put-object-lock-configuration --bucket "$HOLDFAST_RECEIPT_BUCKET" \
            --object-lock-configuration 'ObjectLockEnabled=Enabled,Rule={DefaultRetention={Mode=COMPLIANCE,Days=1}}'
        # The emulator has no TLS, and the buckets refuse everything else.
        for bucket in "$HOLDFAST_RECEIPT_BUCKET" "$HOLDFAST_PAYLOAD_BUCKET"; do
            quietly "$logs/tls.log" aws s3api delete-bucket-policy --bucket "$bucket"
        done
    )
    # The tenants of the examples. No tenant is registered in a new deployment.
    (
        # shellcheck source=/dev/null
        source "$local_dir/env"
        for tenant in acme globex; do
            quietly "$logs/tenants.log" curl --silent --show-error --fail-with-body --noproxy '*' --request PUT \
                --header "Authorization: Bearer $HOLDFAST_TOKEN_PLATFORM_ADMIN" "$HOLDFAST_API/v1/tenants/$tenant"
        done
    )
    echo "$deployed" >"$local_dir/deployed"
else
    # Tokens expire.
    write_env
fi
# Where the kernel does not name them, any user can deploy a function, which runs as this user.
if [[ $(id -u) = 0 ]] && grep -q '^WARNING: the kernel' "$logs/emulator.log"; then
    stage "WARNING: any local user can run code as root; docs/local-stack.md"
fi
stage "the stack is up: source ${local_dir#"$root"/}/env"
# shellcheck source=/dev/null
printf '    console: %s\n' "$(source "$local_dir/env" && echo "$HOLDFAST_CONSOLE")"
