// A browser for the console's tests: sign-in, what may never happen on a page, and reports.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const require = createRequire(new URL('../../infra/local/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

export const CONSOLE = process.env.HOLDFAST_CONSOLE;
const ISSUER = process.env.HOLDFAST_ISSUER;
// The folder of a build that no function serves yet, for work on the pages. A relative path begins
// at the root of the project, since `cargo test` runs this elsewhere than `make screenshots`.
const DIST = process.env.HOLDFAST_CONSOLE_DIST && resolve(import.meta.dirname, '../..', process.env.HOLDFAST_CONSOLE_DIST);
// The longest time that a page may take to show something.
const PATIENCE = 120_000;
// Scenarios at a time. More would take the processor from the functions.
const AT_ONCE = 5;

export const problems = [];

// Each launch has a fresh profile.
export const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
  timeout: PATIENCE,
});

// One person's window. What must never happen on any page is a problem: an error, a dialog of the
// browser, a violation of the policy, a request to another origin than the console's.
export async function windowOf(name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const say = (what) => problems.push(`${name}: ${what}`);
  const expected = [];
  page.on('console', (message) => {
    // The browser itself logs each failed request.
    if (message.type() !== 'error' || /^Failed to load resource/.test(message.text())) return;
    if (!expected.some((each) => each.test(message.text()))) say(`the console logged: ${message.text()}`);
  });
  page.on('pageerror', (error) => {
    if (!expected.some((each) => each.test(String(error)))) say(`a script failed: ${error}`);
  });
  page.on('dialog', (dialog) => { say('a dialog of the browser opened'); return dialog.dismiss(); });
  page.on('request', (request) => {
    const { origin, pathname } = new URL(request.url());
    // What the issuer's own pages request is not the console's.
    if (!request.isNavigationRequest() && new URL(page.url()).origin === ISSUER) return;
    const own = origin === new URL(CONSOLE).origin && /\/(console|v1)(\/|$)/.test(pathname);
    const issuer = origin === ISSUER && request.isNavigationRequest();
    if (!own && !issuer && !/^(blob|data):/.test(request.url())) say(`it requests ${request.url()}`);
  });
  if (DIST) {
    await page.route(/\/console\/(app\.js|style\.css)$/, (route) => route.fulfill({
      path: resolve(DIST, new URL(route.request().url()).pathname.split('/').at(-1)),
    }));
  }
  // A handler that waits for an answer ends without an error.
  const close = async () => {
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await context.close();
  };
  return { page, say, expected, close };
}

// Opens a page of the console and signs in by one click. `prepare` gets the page before that.
export async function signedIn(name, subject, place = '#/', { prepare, ...options } = {}) {
  const opened = await windowOf(name, options);
  const { page } = opened;
  await prepare?.(page);
  await page.goto(CONSOLE);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: new RegExp(`^${subject}`) }).click();
  await page.getByRole('navigation', { name: 'Pages', exact: true }).waitFor();
  if (place !== '#/') await visit(page, place);
  return opened;
}

// Makes a sign-in end with another token than the issuer's.
export const withToken = (token) => (page) => page.route('**/console/token', async (route) => {
  const answer = await route.fetch();
  return route.fulfill({ response: answer, json: { ...(await answer.json()), access_token: token } });
});

// Types an address.
export async function visit(page, place) {
  await page.evaluate((hash) => { location.hash = hash; }, place);
  await settled(page);
}

// Waits until the page shows what it loaded.
export async function settled(page) {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.waitForFunction(() => !/^Loading /m.test(document.querySelector('main')?.innerText ?? 'Loading '));
}

export async function accessible(page, say, where) {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() => window.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  if (passes.length < 15) say(`${where}: only ${passes.length} accessibility rules applied`);
  for (const one of violations) {
    say(`${where}: ${one.id}: ${one.help}; ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | ')}`);
  }
}

// Reports what is wider than the window. A table or a drawing may scroll in a box of its own.
export async function fits(page, say, where) {
  const wide = await page.evaluate(() => {
    const whole = document.documentElement;
    if (whole.scrollWidth <= innerWidth + 1) return [];
    const all = [...document.body.querySelectorAll('*')];
    return [`the document ${whole.scrollWidth}`, ...all.filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
      .slice(0, 4).map((one) => `${one.tagName}.${one.getAttribute('class') ?? ''}`)];
  });
  if (wide.length) say(`${where}: wider than the window: ${wide.join(', ')}`);
}

// The sizes of a window of 1280 by 1024 pixels at 200 % and 400 % of zoom, in CSS pixels: WCAG
// 1.4.4 requires the first, and 1.4.10 the width of the second.
const ZOOMED = [{ width: 640, height: 512 }, { width: 320, height: 256 }];

// Reports what a zoomed page loses: it scrolls sideways, or cuts a control.
export async function zooms(page, say, where) {
  const before = page.viewportSize();
  for (const size of ZOOMED) {
    await page.setViewportSize(size);
    await fits(page, say, `${where} at ${size.width}`);
    const cut = await page.evaluate(cutControls);
    if (cut.length) say(`${where} at ${size.width}: cut: ${cut.slice(0, 4).join(', ')}`);
  }
  await page.setViewportSize(before);
}

// Runs in the page. Returns the controls that cannot be seen as a whole after they are scrolled to:
// beyond the window or a box that hides, under another element, or with a text that is hidden.
function cutControls() {
  const dialog = document.querySelector('dialog[open]');
  const all = (dialog ?? document).querySelectorAll('a[href], button, input, select, textarea, summary');
  const seen = [...all].filter((one) => {
    const { width, height } = one.getBoundingClientRect();
    return one.checkVisibility({ visibilityProperty: true }) && width > 1 && height > 1;
  });
  const hides = (style) => [style.overflowX, style.overflowY].some((each) => each === 'hidden' || each === 'clip');
  const named = (one, why) => `${one.tagName} "${(one.innerText || one.ariaLabel || one.name || '').slice(0, 30)}" ${why}`;
  return seen.flatMap((one) => {
    // A link that skips to the content is seen only while it has the focus.
    one.focus({ preventScroll: true });
    one.scrollIntoView({ block: 'center', inline: 'center' });
    const box = one.getBoundingClientRect();
    // A link in a text may have more lines; its first one is looked for.
    const [line] = one.getClientRects();
    const found = [];
    if (box.left < -1 || box.right > innerWidth + 1) found.push('is beyond the window');
    const style = getComputedStyle(one);
    // The text of an input scrolls with its caret.
    if (one.tagName !== 'INPUT' && hides(style) && one.scrollWidth > one.clientWidth + 1) found.push('hides a part of its text');
    for (let at = one.parentElement; at; at = at.parentElement) {
      const outer = at.getBoundingClientRect();
      const beyond = box.left < outer.left - 1 || box.right > outer.right + 1;
      if (at !== document.body && hides(getComputedStyle(at)) && beyond) found.push(`is cut by ${at.tagName}`);
    }
    const top = document.elementFromPoint((line.left + line.right) / 2, (line.top + line.bottom) / 2);
    const own = top && (one.contains(top) || top.contains(one) || [...(one.labels ?? [])].some((label) => label.contains(top)));
    if (!own) found.push(`lies under ${top?.tagName}`);
    return found.map((why) => named(one, why));
  });
}

// Fails a scenario if a text does not appear.
export async function shows(page, text, within = PATIENCE) {
  await page.getByText(text).first().waitFor({ timeout: within });
}

// The focus after pressing Tab until `name` has it; no mouse is used.
export async function tabTo(page, name, most = 80) {
  for (let n = 0; n < most; n += 1) {
    const found = await page.evaluate(() => {
      const at = document.activeElement;
      return at?.getAttribute('aria-label') || at?.innerText || at?.labels?.[0]?.innerText || '';
    });
    if (name.test(found.trim())) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not reach ${name}`);
}

// Reports what the Tab key does not reach, or reaches without a mark that is seen.
export async function walkable(page, say, where) {
  const many = await page.evaluate(() => {
    const all = document.querySelectorAll('a[href], button:enabled, input:enabled, select, textarea, summary, [tabindex="0"]');
    // Of radio buttons, the chosen one is reached; arrows lead to the others.
    const reached = [...all].filter((one) => one.checkVisibility({ visibilityProperty: true }) && !(one.type === 'radio' && !one.checked));
    reached.forEach((one, n) => { one.dataset.walk = n; });
    document.activeElement?.blur();
    return reached.length;
  });
  const seen = new Set();
  for (let n = 0; n < many + 20 && seen.size < many; n += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const one = document.activeElement;
      // The browser itself marks the parts of a field for a time.
      const marked = one?.type === 'datetime-local' || (one?.matches(':focus-visible') && getComputedStyle(one).outlineStyle !== 'none');
      return { n: one?.dataset.walk, marked };
    });
    if (at.n === undefined) continue;
    seen.add(at.n);
    if (!at.marked) say(`${where}: the focus is not seen at element ${at.n}`);
  }
  if (seen.size < many) say(`${where}: the keyboard reaches ${seen.size} of ${many} elements`);
}

// Runs scenarios, some at a time, and ends the process with what went wrong.
export async function run(scenarios) {
  const waiting = Object.entries(scenarios);
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, scenario] = next;
      const began = Date.now();
      try {
        await scenario(name);
        console.log(`${name}: ${Math.round((Date.now() - began) / 100) / 10} s`);
      } catch (error) {
        problems.push(`${name}: ${error.message.split('\n').slice(0, 6).join(' ')}`);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    // A scenario that failed left its page open.
    const pages = browser.contexts().flatMap((context) => context.pages());
    await Promise.allSettled(pages.map((page) => page.unrouteAll({ behavior: 'ignoreErrors' })));
    await browser.close();
  }
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length ? 1 : 0;
}

export const scene = JSON.parse(readFileSync(process.argv[2] ?? '/dev/null', 'utf8') || '{}');
