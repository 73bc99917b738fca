#!/usr/bin/env bash
# Prints the environment of the deployed local stack, to be sourced: the stack's outputs and how AWS
# tools reach it.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

declare -A outputs
described=$(aws cloudformation describe-stacks --stack-name "$stack" --output text --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]')
while IFS=$'\t' read -r name value; do
    outputs[$name]=$value
done <<<"$described"
for name in ApiId LedgerTable ReceiptBucket PayloadBucket TenantRoleArn EventBus AuditBus MachinePrefix; do
    [[ -n ${outputs[$name]:-} ]] || fail "the stack $stack has no output $name"
done

# A token of the local issuer: role, tenant.
token() {
    "$local_dir/identity" --key "$local_dir/issuer.der" token --issuer "$issuer" --audience "$stack" --role "$1" ${2:+--tenant "$2"} --subject "$1"
}
# Each by itself: what fails inside the text below would fail unseen.
tenant_admin=$(token tenant-admin acme)
platform_admin=$(token platform-admin)
observer=$(token observer acme)
auditor=$(token auditor acme)

cat <<END
# The local stack on port $port, written by make up: source it.
export AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL
export AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID
export AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY
export AWS_DEFAULT_REGION=$region
export AWS_REGION=$region
unset AWS_PROFILE AWS_SESSION_TOKEN
export HOLDFAST_HOP=$hop
export HOLDFAST_API=$AWS_ENDPOINT_URL/_aws/execute-api/${outputs[ApiId]}/%24default
export HOLDFAST_STACK=$stack
export HOLDFAST_LEDGER_TABLE=${outputs[LedgerTable]}
export HOLDFAST_RECEIPT_BUCKET=${outputs[ReceiptBucket]}
export HOLDFAST_PAYLOAD_BUCKET=${outputs[PayloadBucket]}
export HOLDFAST_TENANT_ROLE=${outputs[TenantRoleArn]}
export HOLDFAST_EVENT_BUS=${outputs[EventBus]}
export HOLDFAST_AUDIT_BUS=${outputs[AuditBus]}
export HOLDFAST_MACHINE_PREFIX=${outputs[MachinePrefix]}
export HOLDFAST_VENDOR_SYSTEM=http://127.0.0.1:$vendor_port
export HOLDFAST_ISSUER=$issuer
export HOLDFAST_AUDIENCE=$stack
export HOLDFAST_ISSUER_KEY=$(printf %q "$local_dir/issuer.der")
# One token per role, of tenant acme where the role needs a tenant; valid for 12 hours.
export HOLDFAST_TOKEN_TENANT_ADMIN=$tenant_admin
export HOLDFAST_TOKEN_PLATFORM_ADMIN=$platform_admin
export HOLDFAST_TOKEN_OBSERVER=$observer
export HOLDFAST_TOKEN_AUDITOR=$auditor
export HOLDFAST_TOKEN=$tenant_admin
export HOLDFAST_IAM=$IAM
export SAM_CLI_TELEMETRY=0
case ":\$PATH:" in *:$(printf %q "$local_dir/bin"):*) ;; *) export PATH=$(printf %q "$local_dir/bin"):"\$PATH" ;; esac
END
