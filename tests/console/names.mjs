// The longest names that each field can have, on narrow screens.
import { fits, scene, shows, signedIn, visit } from './browser.mjs';

export const scenarios = {};

const SIZES = [{ width: 320, height: 640 }, { width: 360, height: 740 }, { width: 768, height: 1024 }];

// The longest values of the members of answers, without a place to break them, as shared/ids and
// shared/workflow limit them. `by` is a person of up to 200 characters, or a group of up to 100.
const of = (length, letter = 'm') => letter.repeat(length);
const TENANT = of(63);
const WORKFLOW = `WF-${of(57, 'M')}`;
const STEP = of(60);
const PERSON = of(200, 'w');
const TEXT = of(500, 'W');
const LONGEST = {
  tenant: TENANT,
  tenants: TENANT,
  workflow_id: WORKFLOW,
  name: STEP,
  step: STEP,
  state: STEP,
  action: STEP,
  error: STEP,
  trigger: STEP,
  item: of(200),
  subject: PERSON,
  by: PERSON,
  group: of(100),
  groups: of(100),
  acting_for: PERSON,
  requested_by: PERSON,
  deployment: of(128),
  label: of(40),
  value: of(200),
  reason: TEXT,
  message: TEXT,
  description: TEXT,
  why: TEXT,
  note: TEXT,
  effect: TEXT,
  last_error: TEXT,
  body: TEXT,
  idempotency_key: of(255),
  scope: `workflow/${WORKFLOW}`,
  limit: of(28, '9'),
  used: of(28, '9'),
  left: of(28, '9'),
};

// Runs in the page, before its scripts. Each answer of the API has the longest values in place of
// its own, and the token the longest name of a person. Requests have what the API knows.
function stretch({ longest, person, groups, member }) {
  const own = {};
  let token;
  let registry = false;
  addEventListener('hashchange', () => { for (const each of Object.keys(own)) delete own[each]; });
  const stretched = (value, name) => {
    if (Array.isArray(value)) return value.map((each) => stretched(each, name));
    if (value !== null && typeof value === 'object') {
      const made = Object.fromEntries(Object.entries(value).map(([each, inner]) => [each, stretched(inner, each)]));
      // The schema of an input.
      if (made.properties) Object.assign(made.properties, member);
      return made;
    }
    if (typeof value !== 'string' || longest[name] === undefined) return value;
    // The first of a page counts, and the registry names no resource.
    if ((name === 'tenant' || name === 'workflow_id') && !registry) own[longest[name]] ??= value;
    return longest[name];
  };
  const { fetch } = window;
  window.fetch = (address, init = {}) => {
    const url = Object.entries(own).reduce((at, [long, real]) => at.replaceAll(long, real), String(address));
    const signed = init.headers?.authorization ? { authorization: `Bearer ${token}` } : {};
    return fetch(url, { ...init, headers: { ...init.headers, ...signed } });
  };
  const { text, json } = Response.prototype;
  Response.prototype.text = async function () {
    const body = await text.call(this);
    registry = new URL(this.url).pathname.endsWith('/v1/tenants');
    return this.ok && this.url.includes('/v1/') ? JSON.stringify(stretched(JSON.parse(body))) : body;
  };
  Response.prototype.arrayBuffer = async function () {
    return new TextEncoder().encode(await this.text()).buffer;
  };
  Response.prototype.json = async function () {
    const body = await json.call(this);
    if (!body?.access_token) return body;
    token = body.access_token;
    const [header, payload, signature] = token.split('.');
    const claims = { ...JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))), sub: person, groups };
    return { ...body, access_token: [header, btoa(JSON.stringify(claims)), signature].join('.') };
  };
}

// A member of an input whose name, title, description and choice are the longest.
const MEMBER = { [STEP]: { type: 'string', title: of(200), description: TEXT, enum: [of(200)] } };
const longestAnswers = (page) =>
  page.addInitScript(stretch, { longest: LONGEST, person: PERSON, groups: [of(100)], member: MEMBER });

async function narrow(page, say, where) {
  for (const size of SIZES) {
    await page.setViewportSize(size);
    await fits(page, say, `${where} at ${size.width}`);
  }
}

const LISTS = ['overview', 'executions', 'inbox?for=tenant', 'incidents', 'workflows?tenant=acme', 'receipts?tenant=acme', 'controls'];

scenarios['no page is wider than a narrow screen with the longest names'] = async (name) => {
  const { page, say, close } = await signedIn(name, 'platform-admin', '#/', { prepare: longestAnswers });
  // The address of a question names its step.
  const places = scene.places.map((place) => place.replace(/^(#.inbox.[^/]+.)[^?]+/, `$1${STEP}`));
  for (const place of [...LISTS.map((list) => `#/${list}`), ...places]) {
    await visit(page, place);
    // Parts that are folded away are shown too, among them the menu of the person.
    await page.evaluate(() => { for (const one of document.querySelectorAll('details')) one.open = true; });
    const text = await page.locator('main').innerText();
    const failed = /Failed to show [^\n]*|Not found|Forbidden|Unavailable|No answer/.exec(text);
    if (failed) say(`${place} shows ${failed[0]}`);
    await narrow(page, say, place.split('?')[0]);
  }
  await visit(page, `#/inbox/${scene.repeated.execution}/${STEP}?tenant=${scene.repeated.tenant}`);
  await page.getByRole('button', { name: /^Skip the step …/ }).click();
  await page.getByRole('dialog').waitFor();
  await narrow(page, say, 'a dialog of a decision');
  await visit(page, '#/controls');
  await page.getByRole('textbox').fill(WORKFLOW);
  await page.getByRole('button', { name: 'Pause …', exact: true }).click();
  await shows(page, `Pause workflow/${WORKFLOW}`);
  await narrow(page, say, 'a dialog of a pause');
  await close();
};
