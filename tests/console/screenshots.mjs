// Writes a picture of every page in both themes and three widths into the folder `argv[3]`, for
// people to look at. The first argument is a scene, or /dev/null for the lists alone.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CONSOLE, run, scene, settled, signedIn, visit, windowOf } from './browser.mjs';

const folder = process.argv[3] ?? 'target/console';
mkdirSync(folder, { recursive: true });
const THEMES = ['light', 'dark'];
const WIDTHS = [390, 1280, 2560];
const LISTS = ['overview', 'executions', 'inbox', 'incidents', 'workflows', 'receipts', 'controls'];
// Lists of one tenant alone.
const OF_TENANT = ['workflows', 'receipts'];
const listed = (name) => ({ name, at: `#/${name}${OF_TENANT.includes(name) ? `?tenant=${scene.tenant ?? 'acme'}` : ''}` });
const places = [...LISTS.map(listed), ...(scene.places ?? [])];

const scenarios = {};
for (const colorScheme of THEMES) {
  for (const width of WIDTHS) {
    const suffix = `${colorScheme}-${width}.png`;
    const options = { colorScheme, viewport: { width, height: Math.round(width < 1000 ? width * 2 : width * 0.625) } };
    scenarios[suffix] = async (name) => {
      const door = await windowOf(name, options);
      await door.page.goto(CONSOLE);
      await door.page.getByRole('button', { name: 'Sign in' }).waitFor();
      await door.page.screenshot({ path: join(folder, `door-${suffix}`) });
      await door.close();
      const { page, close } = await signedIn(name, 'platform-admin', '#/', options);
      for (const { name: picture, at } of places) {
        await visit(page, at);
        await settled(page);
        await page.screenshot({ path: join(folder, `${picture}-${suffix}`), fullPage: true });
      }
      await close();
    };
  }
}
await run(scenarios);
console.log(`pictures are in ${folder}`);
