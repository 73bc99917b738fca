// Opens the pages of a folder in headless Chromium. Each page must be accessible, render under its
// own policy, request nothing, and be no wider than a screen, a phone or A4. Writes NAME.png,
// NAME-phone.png and NAME.pdf beside each NAME.html.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(new URL('../../infra/local/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

const PATIENCE = 120_000;
// The area of A4 inside the page's margins, in CSS pixels.
const PAPER = { width: Math.floor((180 / 25.4) * 96), height: Math.floor((264 / 25.4) * 96) };
const MOST_PAGES = 4;
const folder = process.argv[2];
const names = readdirSync(folder).filter((file) => file.endsWith('.html')).map((file) => file.slice(0, -5));
const problems = [];

// Each launch has a fresh profile.
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
  timeout: PATIENCE,
});

// Opens a page with the given headers. Any console output, request or dialog is a problem.
async function opened(name, headers) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(PATIENCE);
  const address = `http://receipts.test/${name}`;
  const say = (what) => problems.push(`${name}: ${what}`);
  page.on('console', (message) => say(`the console logged: ${message.text()}`));
  page.on('pageerror', (error) => say(`a script failed: ${error}`));
  page.on('dialog', (dialog) => { say('a dialog opened'); return dialog.dismiss(); });
  await page.route('**/*', (route) => {
    if (route.request().url() === address) {
      return route.fulfill({ headers, body: readFileSync(join(folder, `${name}.html`)) });
    }
    say(`it requests ${route.request().url()}`);
    return route.abort();
  });
  await page.goto(address);
  return { page, say };
}

// Returns the elements that are wider than the window, or than their own box.
const tooWide = () => {
  const wide = [...document.body.querySelectorAll('*')].filter((one) => !one.closest('.unseen, svg') &&
    (one.getBoundingClientRect().right > window.innerWidth + 1 || one.scrollWidth > one.clientWidth + 1 && one.clientWidth));
  const said = wide.map((one) => `${one.tagName}.${one.getAttribute('class') ?? ''} ${one.scrollWidth}`);
  const whole = document.documentElement.scrollWidth;
  return whole > window.innerWidth + 1 ? [`the document ${whole}`, ...said] : said;
};

async function fits(page, say, where) {
  const wide = await page.evaluate(tooWide);
  if (wide.length) say(`wider than ${where}: ${wide.slice(0, 5).join(', ')}`);
}

async function check(name) {
  const headers = JSON.parse(readFileSync(join(folder, `${name}.json`)));
  const { page, say } = await opened(name, headers);
  const found = await page.evaluate(() => ({
    active: [...document.querySelectorAll('script, iframe, object, embed, img, link, form, a, base')].length,
    handlers: [...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames()).filter((name) => /^on|^style$/.test(name)),
    styled: getComputedStyle(document.querySelector('caption, .status')).fontFamily !== '' &&
      getComputedStyle(document.querySelector('.status')).display === 'flex',
  }));
  if (found.active) say(`${found.active} elements that load or lead elsewhere`);
  if (found.handlers.length) say(`attributes with an effect: ${found.handlers}`);
  if (!found.styled) say('its policy blocks its own style');
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() => window.axe.run(document));
  if (passes.length < 15) say(`only ${passes.length} accessibility rules applied`);
  for (const one of violations) say(`${one.id}: ${one.help}; ${one.nodes.slice(0, 3).map((node) => node.html).join(' | ')}`);

  await fits(page, say, 'a screen');
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page, say, 'a phone');
  await page.screenshot({ path: join(folder, `${name}-phone.png`), fullPage: true });
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize(PAPER);
  await fits(page, say, 'A4');

  const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
  writeFileSync(join(folder, `${name}.pdf`), pdf);
  const text = pdf.toString('latin1');
  const pages = text.match(/\/Type\s*\/Page\b/g)?.length ?? 0;
  if (pages < 1 || pages > MOST_PAGES) say(`${pages} pages of paper`);
  const sizes = [...text.matchAll(/\/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)\s*\]/g)];
  const a4 = ([, width, height]) => Math.abs(width - 595) < 1.5 && Math.abs(height - 842) < 1.5;
  if (!sizes.length || !sizes.every(a4)) say(`not A4: ${sizes.map(([box]) => box)}`);
  await page.close();

  // Nothing runs without a policy either.
  const bare = await opened(name, { 'content-type': 'text/html; charset=utf-8' });
  await bare.page.close();
  console.log(`${name}: ${passes.length} accessibility rules, ${pages} pages of A4`);
}

try {
  for (const name of names) await check(name);
} finally {
  await browser.close();
}
if (!names.length) problems.push(`no pages in ${folder}`);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length ? 1 : 0;
