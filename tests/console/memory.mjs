// Measures the console in Chromium: what it loads, when it paints, and what the page keeps after a
// walk through a long list of executions, to its end and back. tests/integration/long_list.rs
// writes the list. The numbers are printed as one line of JSON (docs/performance.md).
import { CONSOLE, run, scene, settled, visit, windowOf } from './browser.mjs';

// Growth after the first half of the walk that is no growth: caches of the engine, in bytes.
const TOLERANCE = 1_500_000;
const KB = 1024;

// The heap and the nodes that remain after a collection of garbage.
async function kept(devtools) {
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  const { nodes, jsEventListeners } = await devtools.send('Memory.getDOMCounters');
  return { heap_kb: Math.round(usedSize / KB), nodes, listeners: jsEventListeners };
}

// Turns the page of the list, and waits until the other one is shown. The last one can be empty.
async function turn(page, button, number) {
  await page.getByRole('button', { name: button }).click();
  await page.getByRole('status').getByText(`Page ${number}`, { exact: true }).waitFor();
  await settled(page);
}

// The executions that the page shows.
const shown = (page) => page.locator('tbody tr th a').evaluateAll((all) => all.map((one) => one.getAttribute('href')));

// Opens the console, signs in, and returns what was loaded and when it was seen.
async function opened(page) {
  await page.goto(CONSOLE);
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  const first = await page.evaluate(() => {
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    const files = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    const sizes = files.filter((one) => !/config\.json$/.test(one.name)).map((one) => one.encodedBodySize);
    return { paint_ms: Math.round(paint.startTime), files_kb: Math.round(sizes.reduce((sum, size) => sum + size) / 1024) };
  });
  await page.getByRole('button', { name: 'Sign in' }).click();
  const person = page.getByRole('link', { name: /^platform-admin/ });
  await person.waitFor();
  const began = Date.now();
  await person.click();
  await page.getByRole('heading', { level: 1 }).waitFor();
  return { ...first, page_ms: Date.now() - began };
}

await run({
  'a long list keeps one page in memory': async (name) => {
    const { page, say, close } = await windowOf(name);
    const loaded = await opened(page);
    await visit(page, `#/executions?tenant=${scene.tenant}`);
    const devtools = await page.context().newCDPSession(page);
    await page.locator('tbody tr').first().waitFor();
    const found = new Set(await shown(page));
    const start = await kept(devtools);
    const older = page.getByRole('button', { name: 'Older' });
    let number = 1;
    let middle = start;
    while (await older.isEnabled()) {
      number += 1;
      await turn(page, 'Older', number);
      for (const one of await shown(page)) found.add(one);
      if (number === Math.ceil(scene.rows / 100)) middle = await kept(devtools);
    }
    const end = await kept(devtools);
    if (found.size !== scene.rows) say(`the pages show ${found.size} of ${scene.rows} executions`);
    for (; number > 1; number -= 1) await turn(page, 'Newer', number - 1);
    const back = await kept(devtools);
    console.log(JSON.stringify({ rows: scene.rows, ...loaded, start, middle, end, back }));
    const grown = (back.heap_kb - middle.heap_kb) * KB;
    if (grown > TOLERANCE) say(`the heap grew by ${grown} bytes after the middle`);
    if (back.nodes > start.nodes * 1.2) say(`${start.nodes} nodes became ${back.nodes}`);
    if (back.listeners > start.listeners * 1.2) say(`${start.listeners} listeners became ${back.listeners}`);
    await close();
  },
});
