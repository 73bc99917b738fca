// Decides AWS requests by an independent implementation of IAM, which knows dynamodb:LeadingKeys
// and s3:if-none-match. The emulator ignores those conditions. Reads {"policy": …, "requests":
// [{"action", "resource", "context"}]}, perhaps with a "resource_policy", and a "principal" in a
// request, and writes a list of true and false.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../infra/local/package.json', import.meta.url));
const { runSimulation } = require('@cloud-copilot/iam-simulate');

const ACCOUNT = '123456789012';
const ASKING = `arn:aws:iam::${ACCOUNT}:role/asking`;
const { policy, resource_policy: resourcePolicy, requests } = JSON.parse(readFileSync(0, 'utf8'));
const decided = [];
for (const { action, resource, context, principal = ASKING } of requests) {
  const said = await runSimulation({
    request: { principal, action, resource: { resource, accountId: ACCOUNT }, contextVariables: context },
    identityPolicies: [{ name: 'policy', policy }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy,
  }, {});
  if (said.resultType === 'error') throw new Error(JSON.stringify(said.errors));
  decided.push(said.overallResult === 'Allowed');
}
console.log(JSON.stringify(decided));
