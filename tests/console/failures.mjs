// Answers that the console does not expect: what fails is named, and everything else stays.
import { accessible, scene, settled, shows, signedIn, visit } from './browser.mjs';

export const scenarios = {};

// A text of an answer that no failure may show.
const SECRET = 'a text of the answer';

// Reports what a failure shows of an answer or of the script.
async function silent(page, say, where) {
  const text = await page.locator('body').innerText();
  for (const each of [SECRET, 'TypeError', 'app.js']) if (text.includes(each)) say(`${where} shows ${each}`);
}

// Answers `pattern` with the API's answer, changed.
async function changes(page, pattern, change) {
  await page.route(pattern, async (route) => {
    const answer = await route.fetch({ timeout: 0 });
    return route.fulfill({ response: answer, json: change(await answer.json()) });
  });
}

scenarios['a part that cannot be shown fails alone, and is loaded again'] = async (name) => {
  const { page, say, expected, close } = await signedIn(name, 'platform-admin');
  expected.push(/TypeError/);
  const one = new RegExp(`/v1/executions/${scene.receipt}([?]|$)`);
  await changes(page, one, (body) => ({ ...body, steps: { name: SECRET } }));
  await visit(page, `#/executions/${scene.receipt}?tenant=${scene.tenant}`);
  for (const part of ['timeline', 'steps']) await shows(page, `Failed to show ${part}`);
  for (const part of ['Executed', 'Refused repeats of its start']) await shows(page, part);
  await silent(page, say, 'a part');
  await accessible(page, say, 'a part that failed');
  await page.unroute(one);
  await page.getByRole('button', { name: 'Load again' }).first().focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
  await page.getByRole('heading', { level: 3, name: 'tell_treasury' }).waitFor();
  await page.waitForFunction(() => !document.querySelector('main [role="alert"]'));
  await close();
};

scenarios['a page that cannot be shown keeps the header, and is loaded again'] = async (name) => {
  const { page, say, expected, close } = await signedIn(name, 'platform-admin');
  expected.push(/TypeError/);
  const incident = new RegExp(`/v1/incidents/${scene.repeated.incident}([?]|$)`);
  await page.route(incident, (route) => route.fulfill({ json: { error: SECRET, state: { toString: null } } }));
  const place = `#/incidents/${scene.repeated.incident}?tenant=${scene.repeated.tenant}`;
  await visit(page, place);
  const heading = page.getByRole('heading', { level: 1, name: 'Failed to show this page' });
  await heading.waitFor();
  await silent(page, say, 'a page');
  await accessible(page, say, 'a page that failed');
  await page.getByRole('button', { name: 'Load again' }).click();
  await heading.waitFor();
  // Another page of the navigation is shown. This one is loaded again when it is opened again.
  await page.getByRole('link', { name: 'Controls' }).click();
  await page.getByRole('heading', { level: 1, name: 'Controls' }).waitFor();
  await page.unroute(incident);
  await page.goBack();
  await shows(page, 'Open since');
  await close();
};

scenarios['a dialog that cannot show what would happen offers nothing'] = async (name) => {
  const { page, say, expected, close } = await signedIn(name, 'platform-admin');
  expected.push(/TypeError/);
  await visit(page, `#/executions/${scene.repeated.execution}?tenant=${scene.repeated.tenant}`);
  await page.getByRole('button', { name: 'Cancel …' }).waitFor();
  await changes(page, /\/actions([?]|$)/, ({ actions, ...body }) => (
    { ...body, actions: actions.map((action) => ({ ...action, undoes: [null, SECRET] })) }
  ));
  await page.getByRole('button', { name: 'Cancel …' }).click();
  await shows(page, 'Failed to show what would happen');
  if (await page.getByRole('dialog').count()) say('the dialog is still open');
  await silent(page, say, 'a dialog');
  await close();
};

scenarios['a header without the tenants keeps its links'] = async (name) => {
  const { page, say, expected, close } = await signedIn(name, 'platform-admin');
  expected.push(/TypeError/);
  const tenants = /\/v1\/tenants([?]|$)/;
  await page.route(tenants, (route) => route.fulfill({ json: { tenants: SECRET } }));
  await page.reload();
  await page.getByRole('button', { name: 'Load the tenants again' }).waitFor();
  await page.getByRole('link', { name: 'Controls' }).click();
  await page.getByRole('heading', { level: 1, name: 'Controls' }).waitFor();
  await settled(page);
  await silent(page, say, 'the header');
  await page.unroute(tenants);
  await page.getByRole('button', { name: 'Load the tenants again' }).click();
  await page.getByRole('combobox', { name: 'Tenant', exact: true }).waitFor();
  await close();
};
