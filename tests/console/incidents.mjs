// What a person does with an incident, and who sees the report of it.
import { scene, shows, signedIn, withToken } from './browser.mjs';

export const scenarios = {};

scenarios['an incident is acknowledged, and all of its executions are decided'] = async (name) => {
  const { page, close } = await signedIn(name, 'platform-admin', `#/incidents/${scene.incident.id}?tenant=${scene.tenant}`);
  await page.getByRole('button', { name: /^Acknowledge/ }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill('on it');
  await page.getByRole('dialog').getByRole('button', { name: 'Acknowledge' }).click();
  await shows(page, 'acknowledged');
  await page.getByRole('button', { name: /^Decide all: skip/ }).click();
  await page.getByLabel('Reason').fill('known');
  await page.getByRole('button', { name: 'Show what would happen' }).click();
  await page.getByRole('button', { name: /^Request it for 2 executions/ }).click();
  await shows(page, /All requests are made: 2 requested/);
  // The report outlives the page.
  await page.reload();
  await shows(page, 'of 2 executions, requested by platform-admin');
  await shows(page, /All requests are made: 2 requested/);
  const place = new URL(page.url()).hash;
  await page.getByRole('button', { name: 'Close the report' }).click();
  await page.waitForFunction(() => !location.hash.includes('bulk='));
  await close();

  // A tenant admin decides nothing, and so sees no bulk of decisions of another person.
  const readers = 'The person who requested the bulk sees its report, and so does a platform admin.';
  const admin = await signedIn(name, 'tenant-admin', place, { prepare: withToken(scene.tokens['tenant-admin']) });
  await shows(admin.page, 'Not found');
  await shows(admin.page, readers);
  await admin.close();
  const observer = await signedIn(name, 'observer', place, { prepare: withToken(scene.tokens.observer) });
  await shows(observer.page, 'The role observer does not see it.');
  await shows(observer.page, readers);
  if (await observer.page.getByRole('alert').count()) observer.say('the report was requested');
  await observer.close();
};
