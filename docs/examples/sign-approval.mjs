// Signs an approval of a start, as a system of approvals does: Node.js 20 or later, no packages.
//
//   openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem
//   node sign-approval.mjs key key.pem erp-2026 acme WF-PAY > approval-keys.json
//   node sign-approval.mjs sign key.pem erp-2026 < approval.json > approval.jws
//   printf '{"jws": "%s"}\n' "$(cat approval.jws)" > signed.json    # holdfast start --approval
//
// approval.json has approved_by, workflow_id, tenant, jti, valid_for_s and the approved input. On
// the local stack, the key is $HOLDFAST_APPROVALS_KEY, and its id is local.

import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";

// Canonical JSON (RFC 8785): members sorted by UTF-16 code units, no white space. Numbers and texts
// are written as JSON.stringify writes them.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

// The entry of the key in the parameter ApprovalKeys: the public half, and what it may approve.
function listed(pem, kid, tenants, workflows) {
  const key = createPublicKey(pem).export({ format: "jwk" });
  return { keys: [{ ...key, kid, alg: "ES256", use: "sig", tenants: tenants.split(","), workflows: workflows.split(",") }] };
}

function signed(pem, kid, approval) {
  const now = approval.now ?? Math.floor(Date.now() / 1000);
  const claims = {
    approved_by: approval.approved_by,
    iat: now,
    exp: now + approval.valid_for_s,
    input_sha256: createHash("sha256").update(canonical(approval.input)).digest("hex"),
    workflow_id: approval.workflow_id,
    tenant: approval.tenant,
    jti: approval.jti,
  };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "ES256", kid, typ: "holdfast-approval+jwt" })}.${part(claims)}`;
  // JWS has R and S with 32 bytes each (RFC 7518, section 3.4), not the DER that is the default.
  const signature = sign("sha256", Buffer.from(text), { key: createPrivateKey(pem), dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

const [command, file, kid, tenants, workflows] = process.argv.slice(2);
if (command === "key" && workflows) {
  console.log(JSON.stringify(listed(readFileSync(file), kid, tenants, workflows)));
} else if (command === "sign" && kid) {
  console.log(signed(readFileSync(file), kid, JSON.parse(readFileSync(0, "utf8"))));
} else {
  console.error("usage: sign-approval.mjs key PEM KID TENANTS WORKFLOWS | sign PEM KID < approval.json");
  process.exit(2);
}
