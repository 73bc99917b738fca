// Signs in at an issuer that is not the project's, by the template's parameters alone: each role,
// renewals with and without refresh tokens, sign-out, refusals, and clocks that differ.
import { randomBytes } from 'node:crypto';
import { deployed } from './deployment.mjs';
import { AUDIENCE, CLAIMS, CLIENT, LIFE, provider } from './provider.mjs';

const issuer = await provider();
let deployment;
try {
  deployment = deployed(`issuer-${randomBytes(3).toString('hex')}`, {
    JwtIssuer: issuer.address,
    JwtAudience: AUDIENCE,
    TenantClaim: CLAIMS.tenant,
    RoleClaim: CLAIMS.role,
    GroupClaim: CLAIMS.groups,
    ConsoleClientId: CLIENT,
    ConsoleAudienceParameter: 'resource',
    VendorSystemUrl: process.env.HOLDFAST_VENDOR_SYSTEM,
  });
  await issuer.serve([`${deployment.address}/index.html`]);
  // browser.mjs reads them.
  Object.assign(process.env, { HOLDFAST_CONSOLE: deployment.address, HOLDFAST_ISSUER: issuer.address });
  const { run, settled, shows, visit, windowOf } = await import('./browser.mjs');

  // Opens the console and leads to the issuer's own page.
  async function atIssuer(name) {
    const opened = await windowOf(name);
    // The issuer's pages have a font of another origin.
    await opened.page.route(/^https:/, (route) => route.abort());
    await opened.page.goto(deployment.address);
    await opened.page.getByRole('button', { name: 'Sign in' }).click();
    await opened.page.getByRole('heading', { name: 'Sign-in' }).waitFor();
    return opened;
  }

  async function entered(page, person) {
    await page.getByPlaceholder('Enter any login').fill(person);
    await page.getByPlaceholder('and password').fill('any');
    await page.getByRole('button', { name: 'Sign-in' }).click();
    // The issuer asks once if the console may know the person.
    await page.getByRole('button', { name: 'Continue' }).click();
  }

  const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();

  // Signs a person in, whose first page must show data and no problem.
  async function seesFirst({ page, say }, person, first) {
    await entered(page, person);
    await heading(page, first);
    await settled(page);
    if (await page.getByRole('alert').count()) say(await page.getByRole('alert').first().innerText());
  }

  const granted = (what) => issuer.seen.filter((each) => each === what).length;

  // Waits until the issuer has granted once more.
  async function grants(page, what, work) {
    const before = granted(what);
    await work();
    while (granted(what) <= before) await page.waitForEvent('response');
  }

  await run({
    'a platform admin: tokens are renewed by refresh tokens that rotate': async (name) => {
      const opened = await atIssuer(name);
      const { page, close } = opened;
      await seesFirst(opened, 'platform-admin', 'Overview');
      await page.clock.install();
      for (let n = 0; n < 2; n += 1) {
        await grants(page, 'platform-admin: refresh_token', () => page.clock.fastForward(LIFE * 1000));
      }
      await heading(page, 'Overview');
      await close();
    },
    'an observer: a redirect renews the token where the issuer has no refresh token': async (name) => {
      const opened = await atIssuer(name);
      const { page, say, close } = opened;
      await seesFirst(opened, 'observer', 'Overview');
      await visit(page, '#/executions?status=FAILED');
      await page.clock.install();
      await grants(page, 'observer: authorization_code', () => page.clock.fastForward(LIFE * 1000));
      await heading(page, 'Executions');
      if (!page.url().endsWith('#/executions?status=FAILED')) say(`the page is ${page.url()}`);
      await close();
    },
    'a platform observer: a token that the API finds over is replaced': async (name) => {
      const opened = await atIssuer(name);
      const { page, say, close } = opened;
      await page.clock.install();
      let first = true;
      await page.route('**/v1/**', async (route) => {
        // The token is no longer new (session.ts).
        if (first) await page.clock.fastForward(11_000);
        first = false;
        await route.continue();
      });
      await seesFirst(opened, 'platform-observer', 'Overview');
      const renewals = granted('platform-observer: refresh_token');
      if (renewals !== 1) say(`${renewals} renewals`);
      await close();
    },
    'a tenant admin: a reload asks nothing, and a sign-out ends the session of the issuer': async (name) => {
      const opened = await atIssuer(name);
      const { page, close } = opened;
      await seesFirst(opened, 'tenant-admin', 'Overview');
      await page.reload();
      await heading(page, 'Overview');
      await page.locator('summary').first().click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('button', { name: 'Yes, sign me out' }).click();
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { name: 'Sign-in' }).waitFor();
      await close();
    },
    'an auditor: a sign-in that was cancelled says so, and can be repeated': async (name) => {
      const opened = await atIssuer(name);
      const { page, close } = opened;
      await page.getByRole('link', { name: 'Cancel' }).click();
      await shows(page, 'The issuer did not sign you in (access_denied).');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await seesFirst(opened, 'auditor', 'Receipts');
      await close();
    },
    'an approver: groups are a list': async (name) => {
      const opened = await atIssuer(name);
      const { page, say, close } = opened;
      await seesFirst(opened, 'approver', 'Inbox');
      await page.locator('summary').first().click();
      const facts = await page.locator('.sheet dl').innerText();
      if (!/staff, cfo/.test(facts)) say(`the groups are ${facts}`);
      await close();
    },
    'an account without a role is named': async (name) => {
      const { page, close } = await atIssuer(name);
      await entered(page, 'stranger');
      await heading(page, 'Your account has no role here');
      await shows(page, CLAIMS.role);
      await close();
    },
    'tokens of a clock that is ahead are refused with a reason, and not renewed again and again': async (name) => {
      const { page, say, close } = await atIssuer(name);
      // No time passes for the page, so that its token stays new.
      await page.clock.setFixedTime(Date.now());
      await entered(page, 'early');
      await shows(page, 'The API refuses the token of your sign-in.');
      if (granted('early: refresh_token')) say('a token was renewed in vain');
      await close();
    },
  });
} finally {
  for (const error of issuer.seen.filter((each) => /error/.test(each))) console.error(error);
  await issuer.close();
  deployment?.remove();
}
