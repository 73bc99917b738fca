// The tenant of a page: the header names it, and the way back leads to the reader's own choice.
import { scene, settled, shows, signedIn, visit } from './browser.mjs';

export const scenarios = {};

// The choice of the tenant, which pages of one resource do not have.
const choice = (page) => page.getByRole('combobox', { name: 'Tenant', exact: true });
const named = (page) => page.locator('header p.tenant');

async function everyTenant(page, say, where) {
  await settled(page);
  await page.getByRole('columnheader', { name: 'Tenant' }).waitFor();
  const chosen = await choice(page).inputValue();
  if (chosen) say(`${where}: the tenant ${chosen} is chosen`);
}

scenarios['the way back from a resource restores the list of every tenant'] = async (name) => {
  const { page, say, close } = await signedIn(name, 'platform-admin', '#/executions');
  for (const back of [() => page.goBack(), () => page.getByRole('link', { name: 'Executions' }).click()]) {
    await everyTenant(page, say, 'the list');
    // A start of another scenario may move the rows, so that the link is the one that was read.
    const to = await page.getByRole('row').nth(1).getByRole('link').first().getAttribute('href');
    const tenant = new URLSearchParams(to.split('?')[1]).get('tenant');
    await page.locator(`main a[href="${to}"]`).first().click();
    await named(page).getByText(tenant, { exact: true }).waitFor();
    if (await choice(page).count()) say('the page of a resource offers another tenant');
    await back();
    await everyTenant(page, say, 'the way back');
  }
  // A reader who chose a tenant comes back to it.
  await visit(page, `#/executions?tenant=${scene.tenant}`);
  await page.getByRole('row').nth(1).getByRole('link').first().click();
  await named(page).waitFor();
  await page.getByRole('link', { name: 'Inbox' }).click();
  await page.getByRole('heading', { level: 1, name: 'Inbox' }).waitFor();
  if ((await choice(page).inputValue()) !== scene.tenant) say('the choice of the reader is lost');
  await close();
};

scenarios['a request from the page of a resource names the tenant in the header'] = async (name) => {
  const { page, say, close } = await signedIn(name, 'platform-admin', '#/executions');
  await everyTenant(page, say, 'the list');
  const sent = [];
  await page.route(/\/v1\//, (route) => {
    const request = route.request();
    if (request.method() === 'GET') return route.continue();
    sent.push(new URL(request.url()).searchParams.get('tenant'));
    return route.fulfill({ status: 409, json: { title: 'Conflict', status: 409, detail: 'held by the test' } });
  });
  // As a link of the list of every tenant leads there.
  await visit(page, `#/executions/${scene.repeated.execution}?tenant=${scene.repeated.tenant}`);
  await named(page).getByText(scene.repeated.tenant, { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Cancel …' }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill('of the test');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel it' }).click();
  await shows(page, 'held by the test');
  await page.getByRole('dialog').getByRole('button', { name: 'Do nothing' }).click();
  await page.locator('main').getByRole('link', { name: 'WF-TEST-ASKS' }).click();
  await page.getByRole('heading', { level: 1, name: 'WF-TEST-ASKS' }).waitFor();
  await named(page).getByText(scene.repeated.tenant, { exact: true }).waitFor();
  await page.getByLabel(/^vendor_id/).fill('of the test');
  await page.getByRole('button', { name: 'Check and start' }).click();
  await shows(page, 'held by the test');
  if (sent.length !== 2 || sent.some((tenant) => tenant !== scene.repeated.tenant)) say(`it sent ${sent}`);
  // A pause names its scope itself, whatever tenant is chosen.
  await page.getByRole('link', { name: 'Controls' }).click();
  await page.getByRole('heading', { level: 1, name: 'Controls' }).waitFor();
  if (await choice(page).inputValue()) say('a tenant is chosen on the controls');
  await page.getByLabel('tenant', { exact: true }).check();
  await page.getByRole('textbox', { name: 'Tenant', exact: true }).fill(scene.repeated.tenant);
  await page.getByRole('button', { name: 'Pause …', exact: true }).click();
  await page.getByRole('dialog').getByRole('heading', { name: `Pause tenant/${scene.repeated.tenant}` }).waitFor();
  await close();
};

scenarios['a tenant that is not registered is named'] = async (name) => {
  for (const person of ['platform-admin', 'platform-observer']) {
    const { page, say, close } = await signedIn(name, person, '#/executions?tenant=nosuch');
    await shows(page, /tenant nosuch is not registered/);
    await visit(page, '#/workflows/WF-TEST-ASKS?tenant=nosuch');
    await shows(page, /tenant nosuch is not registered/);
    // Controls belong to no tenant.
    await visit(page, '#/controls?tenant=nosuch');
    await page.getByRole('region', { name: 'Controls' }).waitFor();
    if (await page.getByRole('alert').count()) say('the controls need a tenant');
    await close();
  }
};
