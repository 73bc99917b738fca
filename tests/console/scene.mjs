// Prints the addresses of one question, incident, execution, receipt and workflow of the running
// stack, for pictures. What the stack lacks is left out.
const api = process.env.HOLDFAST_API;
const headers = { authorization: `Bearer ${process.env.HOLDFAST_TOKEN_PLATFORM_ADMIN}` };
const TENANT = 'acme';

async function first(path, list) {
  const answer = await fetch(`${api}/v1/${path}`, { headers });
  if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json())[list][0];
}

const place = (entry, address) => (entry ? [`#/${address(entry)}?tenant=${entry.tenant ?? TENANT}`] : []);
const [question, incident, execution, receipt] = await Promise.all([
  first('questions?tenant=*', 'questions'),
  first('incidents?tenant=*', 'incidents'),
  first('executions?tenant=*', 'executions'),
  first(`receipts?tenant=${TENANT}`, 'receipts'),
]);
process.stdout.write(JSON.stringify({
  tenant: TENANT,
  places: [
    ...place(question, (one) => `inbox/${one.execution_id}/${one.step}`),
    ...place(incident, (one) => `incidents/${one.incident_id}`),
    ...place(execution, (one) => `executions/${one.execution_id}`),
    ...place(execution, (one) => `workflows/${one.workflow_id}`),
    ...place(receipt, (one) => `receipts/${one.execution_id}`),
    `#/receipts/chain?tenant=${TENANT}`,
  ],
}));
