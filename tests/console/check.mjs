// Drives the console in Chromium on the deployed stack. The argument is a file with the ids that
// tests/integration/console.rs prepared; that test then compares ledger and target.
import { readFileSync } from 'node:fs';
import { accessible, CONSOLE, run, scene, settled, shows, signedIn, tabTo, visit, walkable, windowOf, zooms } from './browser.mjs';
import { scenarios as ofExecutions } from './executions.mjs';
import { scenarios as ofFailures } from './failures.mjs';
import { scenarios as ofIncidents } from './incidents.mjs';
import { scenarios as ofNames } from './names.mjs';
import { scenarios as ofTenants } from './tenants.mjs';

// The pages in the navigation of each person.
const PAGES = {
  'platform-admin': ['Overview', 'Executions', 'Inbox', 'Incidents', 'Workflows', 'Receipts', 'Controls'],
  'platform-observer': ['Overview', 'Executions', 'Inbox', 'Incidents', 'Workflows', 'Controls'],
  'tenant-admin': ['Overview', 'Executions', 'Inbox', 'Incidents', 'Workflows', 'Receipts', 'Controls'],
  observer: ['Overview', 'Executions', 'Inbox', 'Incidents', 'Workflows', 'Controls'],
  auditor: ['Receipts'],
  cfo: ['Inbox'],
};
// Persons whose pages are judged by axe and on a narrow screen too: together they see all.
const JUDGED = ['platform-admin', 'cfo'];

const scenarios = { ...ofExecutions, ...ofFailures, ...ofIncidents, ...ofNames, ...ofTenants };

for (const [person, titles] of Object.entries(PAGES)) {
  scenarios[`the pages of ${person}`] = async (name) => {
    const { page, say, close } = await signedIn(name, person);
    const links = page.getByRole('navigation', { name: 'Pages', exact: true }).getByRole('link');
    const shown = await links.allInnerTexts();
    if (shown.join() !== titles.join()) say(`its navigation has ${shown}`);
    for (const title of titles) {
      await links.getByText(title, { exact: true }).click();
      await page.getByRole('heading', { level: 1, name: title }).waitFor();
      await settled(page);
      const alerts = await page.getByRole('alert').allInnerTexts();
      if (alerts.length) say(`${title} shows ${alerts}`);
      if (JUDGED.includes(person)) await judged(page, say, title);
    }
    await close();
  };
}

async function judged(page, say, where) {
  await accessible(page, say, where);
  await walkable(page, say, where);
  await zooms(page, say, where);
}

scenarios['the page before the sign-in is zoomed'] = async (name) => {
  const { page, say, close } = await windowOf(name);
  await page.goto(CONSOLE);
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await zooms(page, say, 'the sign-in');
  await close();
};

scenarios['pages of one resource'] = async (name) => {
  const { page, say, close } = await signedIn(name, 'platform-admin');
  for (const place of scene.places) {
    await visit(page, place);
    const alerts = await page.getByRole('alert').allInnerTexts();
    if (alerts.length) say(`${place} shows ${alerts}`);
    await judged(page, say, place.split('?')[0]);
  }
  await close();
};

// The whole approval by keyboard, from the list to the vote.
async function approves(name, person, said) {
  const { page, close } = await signedIn(name, person);
  await settled(page);
  const row = page.getByRole('row').filter({ hasText: scene.approval.subject }).getByRole('link');
  await row.waitFor();
  await row.focus();
  await page.keyboard.press('Enter');
  await shows(page, 'Your decision');
  // The heading begins with the same word.
  await tabTo(page, /^Approve …/);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await tabTo(page, /^Reason/);
  await page.keyboard.type(scene.hostile);
  await tabTo(page, /^Approve$/);
  await page.keyboard.press('Enter');
  await shows(page, said);
  await close();
}

scenarios['two people approve by keyboard'] = async (name) => {
  await approves(name, 'cfo', /Your vote is recorded/);
  await approves(name, 'treasury', /Decided: approve/);
};

scenarios['a choice of one question is never sent for the next one'] = async (name) => {
  const { page, say, close } = await signedIn(name, 'cfo');
  // The API as it answers while the step asks, and then after it asks again.
  let again = false;
  await page.route(new RegExp(`/v1/executions/${scene.approval.execution}([?]|$)`), async (route) => {
    const answer = await route.fetch();
    if (!answer.ok()) return route.fulfill({ response: answer });
    const body = await answer.json();
    const question = body.questions.find((one) => one.step === 'finance_agrees');
    Object.assign(question, { status: 'OPEN', decision: null, votes: [], message: again ? 'the second question' : 'the first question' });
    if (again) Object.assign(question, { until: '2099-01-01T00:00:00Z', shown_sha256: '0'.repeat(64) });
    return route.fulfill({ response: answer, json: body });
  });
  const sent = [];
  await page.route(/\/decision([?]|$)/, (route) => {
    sent.push(route.request().postDataJSON());
    return route.fulfill({ status: 409, json: { title: 'Conflict', status: 409, detail: 'held by the test' } });
  });
  await visit(page, `#/inbox/${scene.approval.execution}/finance_agrees?tenant=acme`);
  await page.getByRole('button', { name: /^Reject/ }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill('of the first question');
  again = true;
  await shows(page, 'the second question');
  await shows(page, /Your choice was of the one before/);
  if (await page.getByRole('dialog').count()) say('the dialog of the first question is still open');
  await page.getByRole('button', { name: /^Approve/ }).click();
  const reason = await page.getByRole('dialog').getByLabel('Reason').inputValue();
  if (reason) say(`the reason ${reason} is that of the first question`);
  await page.getByRole('dialog').getByLabel('Reason').fill('of the second question');
  await page.getByRole('dialog').getByRole('button', { name: 'Approve', exact: true }).click();
  await shows(page, 'held by the test');
  const [{ shown_sha256: digest, reason: given }] = sent;
  if (sent.length !== 1 || digest !== '0'.repeat(64) || given !== 'of the second question') say(`it sent ${JSON.stringify(sent)}`);
  await close();
};

// Opens the dialog of a decision on the question of `scene.repeated`, and gives its reason.
async function chooses(page, button, reason) {
  await visit(page, `#/inbox/${scene.repeated.execution}/${scene.repeated.step}?tenant=${scene.repeated.tenant}`);
  await page.getByRole('button', { name: button }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill(reason);
}

scenarios['a decision on a question that has changed is refused, and the change is shown'] = async (name) => {
  const late = await signedIn(name, 'platform-admin');
  await chooses(late.page, /^Skip the step …/, 'of the first question');
  // The page does not read the execution again until the decision was sent.
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await late.page.route(new RegExp(`/v1/executions/${scene.repeated.execution}(/actions)?([?]|$)`), async (route) => {
    await held;
    await route.continue();
  });
  const first = await signedIn(name, 'platform-admin');
  await chooses(first.page, /^Retry the step …/, 'again');
  await first.page.getByRole('dialog').getByRole('button', { name: 'Retry the step', exact: true }).click();
  await shows(first.page, 'Decided: retry');
  // The retry fails too, so that the step asks again.
  await shows(first.page, '2 attempts');
  await first.page.getByRole('button', { name: /^Skip the step …/ }).waitFor();
  await first.close();

  const dialog = late.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Skip the step', exact: true }).click();
  await dialog.getByText(/the question has changed since you read it/).waitFor();
  release();
  const attempts = dialog.getByRole('row').filter({ hasText: 'Attempts so far' });
  await attempts.waitFor();
  const said = await attempts.innerText();
  if (!/1[\s\S]*2/.test(said.replace('Attempts so far', ''))) late.say(`the change is shown as ${said}`);
  if (await dialog.getByRole('button', { name: 'Skip the step', exact: true }).count()) late.say('it can be sent again unread');
  await accessible(late.page, late.say, 'a dialog with changes');
  await dialog.getByRole('button', { name: 'Close' }).click();
  await late.page.getByRole('button', { name: /^Skip the step …/ }).waitFor();
  await late.close();
};

scenarios['a tenant is paused and resumed'] = async (name) => {
  const { page, say, close } = await signedIn(name, 'platform-admin', '#/controls');
  const scope = `tenant/${scene.paused}`;
  await page.getByLabel('tenant', { exact: true }).check();
  await page.getByRole('textbox', { name: 'Tenant', exact: true }).fill(scene.paused);
  // The API counts for four seconds at most, which is too short on a busy machine.
  const counted = page.getByRole('dialog').getByText('It would touch 0 open executions.');
  for (let turn = 1; ; turn += 1) {
    await page.getByRole('button', { name: 'Pause …', exact: true }).click();
    await counted.or(page.getByText('could not be counted')).waitFor();
    if (await counted.count()) break;
    if (turn === 5) say('no dialog counts the open executions');
    if (turn === 5) break;
    await page.getByRole('dialog').getByRole('button', { name: 'Do nothing' }).click();
  }
  await accessible(page, say, 'a dialog');
  await zooms(page, say, 'a dialog');
  await page.getByRole('dialog').getByLabel('Reason').fill(scene.hostile);
  await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
  await shows(page, `${scope} is paused`);
  const row = page.getByRole('row').filter({ hasText: scope });
  await row.getByText(scene.hostile).waitFor();
  const refused = await page.evaluate(() => document.querySelectorAll('main img, main script').length);
  if (refused) say('a reason became markup');
  await row.getByRole('button', { name: /^Resume/ }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill('over');
  await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
  await shows(page, `${scope} is running`);
  await close();
};

scenarios['a receipt is verified, and a tampered one is refused'] = async (name) => {
  const { page, say, close } = await signedIn(name, 'platform-admin', `#/receipts/${scene.receipt}?tenant=${scene.tenant}`);
  await shows(page, 'Signature verified in this browser');
  const downloads = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download the file' }).click();
  const file = readFileSync(await (await downloads).path(), 'utf8');
  await visit(page, `#/receipts?tenant=${scene.tenant}`);
  const tampered = file.replace('"status":"EXECUTED"', '"status":"FAILED"');
  const given = (content) => ({ name: 'receipt.json', mimeType: 'application/json', buffer: Buffer.from(content) });
  await page.getByLabel(/A receipt that was downloaded/).setInputFiles(given(tampered));
  await shows(page, /was changed after the key/);
  const cells = await page.getByRole('row').filter({ hasText: '"FAILED"' }).allInnerTexts();
  if (!cells.some((text) => /status[\s\S]*"FAILED"[\s\S]*"EXECUTED"/.test(text))) say(`the difference is named as ${cells}`);
  await page.getByLabel(/A receipt that was downloaded/).setInputFiles(given(file));
  await shows(page, 'Signature verified in this browser');
  await close();
};

scenarios['a range of the chain is checked'] = async (name) => {
  const { page, close } = await signedIn(name, 'platform-admin', `#/receipts/chain?tenant=${scene.tenant}`);
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  await shows(page, 'The chain is whole');
  await close();
};

scenarios['another tenant’s address is no resource'] = async (name) => {
  const { page, close } = await signedIn(name, 'globex-admin');
  for (const kind of ['executions', 'receipts', 'incidents']) {
    await visit(page, `#/${kind}/${scene.receipt}`);
    await shows(page, 'Not found');
    await visit(page, `#/${kind}/${scene.receipt}?tenant=${scene.tenant}`);
    await shows(page, 'Not found');
  }
  await close();
};

scenarios['a deep link survives the sign-in, a reload and the back button'] = async (name) => {
  const { page, say, close } = await windowOf(name);
  const place = `#/receipts?tenant=${scene.tenant}`;
  await page.goto(`${CONSOLE}/index.html${place}`);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: /^platform-admin/ }).click();
  await page.getByRole('heading', { level: 1, name: 'Receipts' }).waitFor();
  if (new URL(page.url()).search) say(`the answer stays in the address: ${page.url()}`);
  // The tokens were in memory alone: the issuer signs the person in again, without a question.
  const stored = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie]));
  if (/eyJ/.test(stored)) say(`a token is stored: ${stored}`);
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Receipts' }).waitFor();
  await page.getByRole('link', { name: 'Controls' }).click();
  await page.getByRole('heading', { level: 1, name: 'Controls' }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'Receipts' }).waitFor();
  await page.getByText(/platform-admin/).first().click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await close();
};

scenarios['an answer that belongs to another sign-in is refused'] = async (name) => {
  const { page, say, close } = await windowOf(name);
  let exchanges = 0;
  await page.route('**/console/token', async (route) => {
    exchanges += 1;
    const answer = await route.fetch();
    const body = await answer.json();
    const [header, payload, signature] = body.id_token.split('.');
    const claims = { ...JSON.parse(Buffer.from(payload, 'base64url')), nonce: 'of another page' };
    const forged = [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
    return route.fulfill({ response: answer, json: { ...body, id_token: forged } });
  });
  await page.goto(`${CONSOLE}/index.html?code=planted&state=planted#/inbox`);
  await shows(page, 'The answer belongs to another sign-in');
  // Neither does it pass while a sign-in is under way.
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: /^platform-admin/ }).waitFor();
  await page.goto(`${CONSOLE}/index.html?code=planted&state=planted#/inbox`);
  await shows(page, 'The answer belongs to another sign-in');
  if (exchanges) say('a planted code was exchanged');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: /^platform-admin/ }).click();
  await shows(page, 'The ID token belongs to another sign-in');
  await close();
};

// The age in milliseconds after which a token is no longer new (session.ts).
const AGE = 11_000;

scenarios['a token that expires is renewed, and an ended session keeps the address'] = async (name) => {
  const { page, say, close } = await windowOf(name);
  let exchanges = 0;
  let ended = false;
  await page.route('**/console/token', async (route) => {
    exchanges += 1;
    if (ended) return route.fulfill({ status: 401, json: { title: 'Authentication required', status: 401, detail: 'over' } });
    const answer = await route.fetch();
    // The first token is one that the API refuses, as it refuses each after its end.
    const body = { ...(await answer.json()), ...(exchanges === 1 ? { access_token: scene.expired } : {}) };
    return route.fulfill({ response: answer, json: body });
  });
  // A token that is refused as soon as it is made is not renewed, but sent once more.
  await page.clock.install();
  // Once for all requests of the page: it gives up an answer after 30 seconds of its clock.
  let aged;
  await page.route('**/v1/**', async (route) => {
    aged ??= page.clock.fastForward(AGE);
    await aged;
    await route.continue();
  });
  const place = `#/controls?tenant=${scene.tenant}`;
  await page.goto(`${CONSOLE}/index.html${place}`);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: /^platform-admin/ }).click();
  await page.getByRole('heading', { level: 1, name: 'Controls' }).waitFor();
  await settled(page);
  if (exchanges !== 2) say(`${exchanges} exchanges renewed one token`);
  ended = true;
  await page.route('**/v1/**', async (route) => {
    await page.clock.fastForward(AGE);
    await route.fulfill({ status: 401, json: { message: 'Unauthorized' } });
  });
  await shows(page, /Your session has ended/);
  if (!page.url().endsWith(place)) say(`the address is ${page.url()}`);
  await close();
};

scenarios['an API that is down, slow or failing is named, and the page recovers'] = async (name) => {
  const { page, close } = await signedIn(name, 'platform-admin', '#/controls');
  const answers = [
    [(route) => route.fulfill({ status: 500, body: 'Internal Server Error' }), /Behind/],
    [(route) => route.abort('connectionrefused'), /The API cannot be reached/],
  ];
  for (const [answer, said] of answers) {
    await page.route('**/v1/controls**', answer);
    await shows(page, said);
    await page.unroute('**/v1/controls**');
    // The page itself may have tried by then.
    await page.evaluate(() => document.querySelector('.behind button')?.click());
    await page.waitForFunction(() => !document.querySelector('.behind'));
  }
  // The answer is held until the page has said that it waits.
  let release;
  const said = new Promise((resolve) => { release = resolve; });
  await page.route('**/v1/incidents/**', async (route) => {
    await said;
    // The page may be closed by then.
    await route.abort().catch(() => {});
  });
  await page.evaluate(() => { location.hash = `#/incidents/${'0'.repeat(40)}`; });
  await shows(page, /Loading the incident/);
  release();
  await close();
};

scenarios['hostile texts are texts on every page'] = async (name) => {
  const { page, say, close } = await signedIn(name, 'tenant-admin');
  const listed = `#/executions?subject=${encodeURIComponent(scene.hostile_subject)}`;
  for (const place of [listed, ...scene.hostile_places]) {
    await visit(page, place);
    const text = await page.locator('main').innerText();
    if (!text.includes(scene.hostile_subject)) say(`${place} does not show the hostile subject`);
    const active = await page.evaluate(() => ({
      elements: document.querySelectorAll('main script, main img, main iframe, main object, main base').length,
      handlers: [...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames()).filter((each) => /^on/.test(each)),
      links: [...document.querySelectorAll('a')].map((one) => one.getAttribute('href')).filter((href) => !href?.startsWith('#')),
    }));
    if (active.elements || active.handlers.length || active.links.length) say(`${place}: ${JSON.stringify(active)}`);
  }
  await close();
};

const chosen = process.env.HOLDFAST_CONSOLE_SCENARIO;
const names = Object.keys(scenarios).filter((name) => !chosen || name.includes(chosen));
await run(Object.fromEntries(names.map((name) => [name, scenarios[name]])));
