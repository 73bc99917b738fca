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

# A token of the local issuer: role, tenant, group. Its subject is the group, or else the role.
token() {
    "$local_dir/identity" --key "$local_dir/issuer.der" token --issuer "$issuer" --audience "$stack" --role "$1" ${2:+--tenant "$2"} ${3:+--group "$3"} --subject "${3:-$1}"
}
# Each by itself: what fails inside the text below would fail unseen.
tenant_admin=$(token tenant-admin acme)
platform_admin=$(token platform-admin)
observer=$(token observer acme)
auditor=$(token auditor acme)
platform_observer=$(token platform-observer)
cfo=$(token approver acme cfo)
treasury=$(token approver acme treasury)

# An export of $1 with the value $2. The value is quoted, so that no output of the stack and no path
# of this machine is a command when the text is sourced.
exported() {
    printf 'export %s=%q\n' "$1" "$2"
}

echo "# The local stack on port $port, written by make up: source it."
exported AWS_ENDPOINT_URL "$AWS_ENDPOINT_URL"
exported AWS_ACCESS_KEY_ID "$AWS_ACCESS_KEY_ID"
exported AWS_SECRET_ACCESS_KEY "$AWS_SECRET_ACCESS_KEY"
exported AWS_DEFAULT_REGION "$region"
exported AWS_REGION "$region"
echo "unset AWS_PROFILE AWS_SESSION_TOKEN"
exported HOLDFAST_HOP "$hop"
exported HOLDFAST_API "$AWS_ENDPOINT_URL/_aws/execute-api/${outputs[ApiId]}/%24default"
exported HOLDFAST_CONSOLE "$AWS_ENDPOINT_URL/_aws/execute-api/${outputs[ApiId]}/%24default/console"
exported HOLDFAST_STACK "$stack"
exported HOLDFAST_LEDGER_TABLE "${outputs[LedgerTable]}"
exported HOLDFAST_RECEIPT_BUCKET "${outputs[ReceiptBucket]}"
exported HOLDFAST_PAYLOAD_BUCKET "${outputs[PayloadBucket]}"
exported HOLDFAST_TENANT_ROLE "${outputs[TenantRoleArn]}"
exported HOLDFAST_EVENT_BUS "${outputs[EventBus]}"
exported HOLDFAST_AUDIT_BUS "${outputs[AuditBus]}"
exported HOLDFAST_MACHINE_PREFIX "${outputs[MachinePrefix]}"
exported HOLDFAST_VENDOR_SYSTEM "http://127.0.0.1:$vendor_port"
exported HOLDFAST_ISSUER "$issuer"
exported HOLDFAST_AUDIENCE "$stack"
exported HOLDFAST_APPROVALS_KEY "$local_dir/approvals.pem"
exported HOLDFAST_ISSUER_KEY "$local_dir/issuer.der"
echo "# One token per role, of tenant acme where the role needs a tenant; valid for 12 hours."
exported HOLDFAST_TOKEN_TENANT_ADMIN "$tenant_admin"
exported HOLDFAST_TOKEN_PLATFORM_ADMIN "$platform_admin"
exported HOLDFAST_TOKEN_OBSERVER "$observer"
exported HOLDFAST_TOKEN_AUDITOR "$auditor"
exported HOLDFAST_TOKEN_PLATFORM_OBSERVER "$platform_observer"
exported HOLDFAST_TOKEN_APPROVER_CFO "$cfo"
exported HOLDFAST_TOKEN_APPROVER_TREASURY "$treasury"
exported HOLDFAST_TOKEN "$tenant_admin"
exported HOLDFAST_IAM "$IAM"
exported SAM_CLI_TELEMETRY 0
bin=$(printf %q "$local_dir/bin")
echo "case \":\$PATH:\" in *:$bin:*) ;; *) export PATH=$bin:\"\$PATH\" ;; esac"
completions=$local_dir/share/bash-completion/completions/holdfast
if [[ -f $completions ]]; then
    echo "[ -z \"\${BASH_VERSION:-}\" ] || . $(printf %q "$completions")"
fi
