// Five incidents of different kinds, which a newcomer decides from the console alone
// (docs/console.md#decided-by-a-newcomer). `newcomer.mjs prepare FILE` prepares them on the running
// stack, and writes what is right into FILE, for the judge. `newcomer.mjs begin FILE` prints the
// question and starts the time. `newcomer.mjs judge FILE` compares what was decided, and says when.
import { readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { median } from './median.mjs';

const { HOLDFAST_API: API, HOLDFAST_VENDOR_SYSTEM: VENDOR, HOLDFAST_CONSOLE: CONSOLE } = process.env;
const TENANT = 'acme';
const LARGE = 'WF-HOLD-LARGE-PAYMENTS';
const GROUP = 'WF-HOLD-VENDOR-GROUP';
// The longest wait for a state, in milliseconds.
const PATIENCE = 120_000;

async function call(person, method, path, body, headers = {}) {
  const answer = await fetch(`${API}/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${process.env[`HOLDFAST_TOKEN_${person}`]}`, 'content-type': 'application/json', ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw Object.assign(new Error(`${method} ${path}: ${answer.status} ${text}`), { status: answer.status });
  return JSON.parse(text);
}

// An execution; one that the ledger does not have yet has no step and no question.
async function read(id) {
  try {
    return await call('PLATFORM_ADMIN', 'GET', `executions/${id}?tenant=${TENANT}`);
  } catch (error) {
    if (error.status === 404) return { status: 'STARTING', steps: [], questions: [] };
    throw error;
  }
}

// Repeats a request until its answer fits.
async function until(what, ask, fits) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${PATIENCE / 1000} s; last: ${JSON.stringify(answer)}`);
    await new Promise((done) => setTimeout(done, 500));
  }
}

async function plan(route, count, kind, vendor) {
  const match = route === 'POST /notifications' ? { match: vendor } : { vendor_id: vendor };
  const answer = await fetch(`${VENDOR}/admin/faults`, { method: 'POST', body: JSON.stringify({ route, count, kind, ...match }) });
  if (!answer.ok) throw new Error(`a fault: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const id = (name) => `${name}-${randomBytes(3).toString('hex')}`;
const clock = (minutes) => `${new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16)} UTC`;

async function start(workflow, input) {
  const started = await call('TENANT_ADMIN', 'POST', `workflows/${workflow}/executions`, { input }, { 'idempotency-key': id('newcomer') });
  return started.execution_id;
}

const question = (execution) => execution.questions.find((one) => one.status === 'OPEN');
const asks = (execution, step) => until(`${step} asks`, () => read(execution), (now) => question(now)?.step === step);

async function decide(person, execution, decision, reason) {
  const tenant = person === 'PLATFORM_ADMIN' ? `?tenant=${TENANT}` : '';
  const asked = question(await call(person, 'GET', `executions/${execution}${tenant}`));
  await call(person, 'POST', `${asked.incident.replace('/v1/', '')}/decision${tenant}`, {
    decision, reason, execution_id: execution, shown_sha256: asked.shown_sha256 ?? undefined,
  });
}

// A large payment that is approved, and whose hold then fails.
async function held(vendor, count, kind) {
  await plan('POST /holds', count, kind, vendor);
  const execution = await start(LARGE, { vendor_id: vendor, hold_days: 14, amount: 250_000 });
  await asks(execution, 'cfo_agrees');
  await decide('PLATFORM_ADMIN', execution, 'approve', 'agreed in the morning call');
  await asks(execution, 'apply_vendor_hold');
  return execution;
}

const CASES = {
  async refused() {
    const detail = `the ledger of this vendor was locked for its month-end close until ${clock(-5)}; repeat the hold after that`;
    const execution = await held(id('steelworks'), 1, { status: 409, detail });
    return { execution, right: 'retry', status: 'EXECUTED', why: 'the target names a time that is over' };
  },
  async unknown() {
    const execution = await held(id('shipyard'), 3, { drop: 'after_commit' });
    return { execution, right: 'retry', status: 'EXECUTED', why: 'the same key takes effect once; a skip would leave a possible hold' };
  },
  async undo() {
    const vendor = id('quarry');
    await plan('POST /notifications', 1, { status: 400, detail: 'this team is closed' }, vendor);
    const detail = `releases of holds were blocked until ${clock(-5)}; repeat the release after that`;
    await plan('DELETE /holds', 20, { status: 403, detail }, vendor);
    const execution = await start('WF-DELAY-VENDOR-PAYMENTS-ACME', { vendor_id: vendor, hold_days: 14 });
    await until('the undo fails', () => read(execution), (now) => now.status === 'PARTIALLY_ROLLED_BACK' && now.receipt);
    // The block that the target named is over.
    await fetch(`${VENDOR}/admin/faults`, { method: 'DELETE' });
    return { execution, right: 'rollback', status: 'ROLLED_BACK', why: 'the hold remains, and its release can succeed now' };
  },
  async approval() {
    const execution = await start('WF-HOLD-STRATEGIC-VENDOR', { vendor_id: id('refinery'), amount: 600_000 });
    await asks(execution, 'finance_agrees');
    const reason = 'agreed for 60,000, as in the contract; treasury must reject any other amount';
    await decide('APPROVER_CFO', execution, 'approve', reason);
    return { execution, right: 'reject', status: 'FAILED', why: 'the amount is not the one that the other vote names', as: 'treasury' };
  },
  async paused() {
    const [first, second] = [id('mill'), id('mill')];
    // The first hold is at work while the workflow is paused.
    const fault = await plan('POST /holds', 1, { block: 'before_commit' }, first);
    const vendors = [{ id: first }, { id: second }];
    const execution = await start(GROUP, { group: id('mills'), hold_days: 7, vendors });
    await until('a hold is at work', () => read(execution), (now) => now.steps.some((step) => step.status === 'RUNNING'));
    const reason = `the team of accounts payable moves to another queue; resume after ${clock(-5)}`;
    await call('PLATFORM_ADMIN', 'PUT', `controls/workflow/${GROUP}`, { state: 'paused', reason, running_executions: 'wait' });
    const unblocked = await fetch(`${VENDOR}/admin/faults/${fault.fault_id}/unblock`, { method: 'POST', body: 'null' });
    if (!unblocked.ok) throw new Error(`the hold stays blocked: ${unblocked.status}`);
    await until('the execution is paused', () => read(execution), (now) => now.status === 'PAUSED');
    return { execution, right: 'resume', status: 'EXECUTED', why: 'the reason of the pause is over' };
  },
};

async function prepare(file) {
  const cases = {};
  // One after the other: the faults of one are removed before the next begins.
  for (const [name, prepared] of Object.entries(CASES)) {
    cases[name] = await prepared();
    console.error(`prepared: ${name}`);
  }
  writeFileSync(file, `${JSON.stringify({ cases }, null, 2)}\n`);
}

// Prints what a newcomer may know, and records when they began.
function begin(file) {
  const prepared = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, `${JSON.stringify({ ...prepared, began: new Date().toISOString() }, null, 2)}\n`);
  console.log(`Open ${CONSOLE} and sign in as platform-admin, and then as treasury.`);
  console.log('Decide what is waiting and mend what is stuck or left behind. You may only use the pages.');
}

// The decision on an execution, and when the API took it.
async function decided({ execution, right }, now) {
  if (right === 'resume') {
    const { at, state } = await call('PLATFORM_ADMIN', 'GET', `controls/workflow/${GROUP}`);
    return { decision: state, at };
  }
  if (right === 'rollback') {
    const { events } = await call('PLATFORM_ADMIN', 'GET', `executions/${execution}/events?tenant=${TENANT}`);
    return { at: events.findLast((event) => event.type === 'workflow.rollback.started')?.time };
  }
  return now.questions.flatMap((one) => one.decision ?? []).toSorted((a, b) => a.at.localeCompare(b.at)).at(-1) ?? {};
}

// Compares what was decided with what is right. The last decision counts. Each took from the one
// before it, since a newcomer decides one after the other.
async function judge(file) {
  const { cases, began } = JSON.parse(readFileSync(file, 'utf8'));
  const judged = [];
  for (const [name, one] of Object.entries(cases)) {
    // What was decided takes effect within seconds.
    const moves = ({ status }) => ['RUNNING', 'ROLLING_BACK', 'CLOSING'].includes(status);
    const now = await until(`${name} comes to rest`, () => read(one.execution), (each) => !moves(each));
    const { decision, at } = await decided(one, now);
    const fits = now.status === one.status && (!['retry', 'reject'].includes(one.right) || decision === one.right);
    judged.push({ name, fits, at: at ?? '', ...one, is: `${now.status}${decision ? `, decided ${decision}` : ''}` });
  }
  const seconds = [];
  let before = began;
  for (const { name, fits, at, right, why, is } of judged.toSorted((a, b) => a.at.localeCompare(b.at))) {
    // What was decided before the newcomer began was not decided by them.
    const own = began && at > began;
    if (own) seconds.push((Date.parse(at) - Date.parse(before)) / 1000);
    if (own) before = at;
    console.log(`${name}: ${fits ? 'right' : 'WRONG'}${own ? `, ${seconds.at(-1).toFixed(1)} s` : ''}: ${right} was right, since ${why}; it is ${is}`);
  }
  if (seconds.length) console.log(`median of ${seconds.length}: ${median(seconds).toFixed(1)} s`);
  process.exitCode = judged.every((one) => one.fits) ? 0 : 1;
}

const [, , work, file] = process.argv;
const works = { prepare, begin, judge };
if (!works[work] || !file) {
  console.error('usage: newcomer.mjs prepare|begin|judge FILE');
  process.exitCode = 2;
} else {
  await works[work](file);
}
