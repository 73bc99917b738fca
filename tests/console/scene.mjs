// Prints the addresses of one question, incident, receipt and workflow, and of one execution of
// each status of the running stack, for pictures. What the stack lacks is left out.
import { readFileSync } from 'node:fs';

const api = process.env.HOLDFAST_API;
const headers = { authorization: `Bearer ${process.env.HOLDFAST_TOKEN_PLATFORM_ADMIN}` };
const TENANT = 'acme';
// The statuses by which the API's list of executions can be filtered.
const { paths } = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
const STATUSES = paths['/v1/executions'].get.parameters.find((one) => one.name === 'status').schema.enum;

async function first(path, list) {
  const answer = await fetch(`${api}/v1/${path}`, { headers });
  if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json())[list][0];
}

// The page of an entry under the name of its pictures, if there is such an entry.
const place = (name, entry, address) => (entry ? [{ name, at: `#/${address(entry)}?tenant=${entry.tenant ?? TENANT}` }] : []);

const [question, incident, receipt, ...executions] = await Promise.all([
  first('questions?tenant=*', 'questions'),
  first('incidents?tenant=*', 'incidents'),
  first(`receipts?tenant=${TENANT}`, 'receipts'),
  ...STATUSES.map((status) => first(`executions?tenant=*&status=${status}`, 'executions')),
]);
const named = (status) => `executions-${status.toLowerCase().replaceAll('_', '-')}`;
process.stdout.write(JSON.stringify({
  tenant: TENANT,
  places: [
    ...place('inbox-one', question, (one) => `inbox/${one.execution_id}/${one.step}`),
    ...place('incidents-one', incident, (one) => `incidents/${one.incident_id}`),
    ...executions.flatMap((execution, n) => place(named(STATUSES[n]), execution, (one) => `executions/${one.execution_id}`)),
    ...place('workflows-one', executions.find(Boolean), (one) => `workflows/${one.workflow_id}`),
    ...place('receipts-one', receipt, (one) => `receipts/${one.execution_id}`),
    { name: 'chain', at: `#/receipts/chain?tenant=${TENANT}` },
  ],
}));
