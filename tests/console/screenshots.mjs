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
const places = [...LISTS.map((title) => `#/${title}${title === 'receipts' ? `?tenant=${scene.tenant ?? 'acme'}` : ''}`), ...(scene.places ?? [])];

const nameOf = (place) => place.replace(/^#\//, '').split('?')[0].replace(/^receipts\/chain$/, 'chain').replace(/\/.*/, '-one');

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
      for (const place of places) {
        await visit(page, place);
        await settled(page);
        await page.screenshot({ path: join(folder, `${nameOf(place)}-${suffix}`), fullPage: true });
      }
      await close();
    };
  }
}
await run(scenarios);
console.log(`pictures are in ${folder}`);
