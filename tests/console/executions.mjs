// What a person does with executions on their pages: start one by the form, follow it, cancel it,
// roll it back.
import { accessible, scene, settled, shows, signedIn, visit } from './browser.mjs';

const WORKFLOW = `#/workflows/WF-HOLD-STRATEGIC-VENDOR?tenant=acme`;

export const scenarios = {};

// Fills the form for a start with a vendor of `start`, and sends it.
async function start(page, { vendor, key }, amount) {
  await page.getByLabel(/^vendor_id/).fill(vendor);
  await page.getByLabel(/^amount/).fill(amount);
  await page.getByLabel('Idempotency key').fill(key);
  await page.getByRole('button', { name: 'Check and start' }).click();
  await page.waitForFunction(() => location.hash.startsWith('#/executions/'));
}

// Waits until the page, which is not loaded again, shows a status.
async function becomes(page, status) {
  await page.locator('.status strong').getByText(status, { exact: true }).waitFor();
}

// Requests an action by its button, after the dialog has shown `effect`.
async function requests(page, button, verb, effect) {
  await page.getByRole('button', { name: button }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(effect).first().waitFor();
  await dialog.getByLabel('Reason').fill(scene.hostile);
  await dialog.getByRole('button', { name: verb }).click();
}

scenarios['a start form names each problem at its field, and its execution is rolled back'] = async (name) => {
  const admin = await signedIn(name, 'tenant-admin', WORKFLOW);
  const { page, say } = admin;
  await page.getByLabel(/^amount/).fill('-1');
  await page.getByRole('button', { name: 'Check and start' }).click();
  await shows(page, 'must be more than 0');
  const wrong = await page.locator('[aria-invalid="true"]').count();
  if (wrong !== 2) say(`${wrong} fields are marked as wrong`);
  const focused = await page.evaluate(() => document.activeElement?.labels?.[0]?.innerText);
  if (!focused?.startsWith('vendor_id')) say(`the focus is at ${focused}`);
  await accessible(page, say, 'the form with problems');
  await page.getByLabel(/^vendor_id/).fill(scene.started.vendor);
  await page.getByLabel(/^amount/).fill('10');
  await page.getByRole('button', { name: 'Check without starting' }).click();
  await shows(page, 'A start would be admitted now.');
  await start(page, scene.started, '10');
  await becomes(page, 'Executed');
  const place = new URL(page.url()).hash;
  await admin.close();

  const platform = await signedIn(name, 'platform-admin', place);
  await requests(platform.page, 'Roll back …', 'Roll it back', 'apply_vendor_hold');
  await becomes(platform.page, 'Rolled back');
  await platform.close();
};

scenarios['an execution that waits is followed and cancelled'] = async (name) => {
  const { page, say, close } = await signedIn(name, 'platform-admin', WORKFLOW);
  await start(page, scene.cancelled, '60000');
  await becomes(page, 'Waiting for people');
  await page.getByRole('button', { name: 'Cancel …' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Do nothing' }).click();
  await requests(page, 'Cancel …', 'Cancel it', /stops before its next step/);
  await becomes(page, 'Failed');
  await visit(page, '#/executions?tenant=acme');
  await page.getByLabel('Workflow').selectOption('WF-HOLD-STRATEGIC-VENDOR');
  await page.getByLabel('Idempotency key').fill(scene.cancelled.key);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
  await settled(page);
  const row = await page.locator('tbody tr').innerText();
  if (!row.includes('Failed')) say(`the list shows ${row}`);
  await close();
};
