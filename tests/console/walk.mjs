// Decides the five incidents of newcomer.mjs by the pages alone, each from the first page of the
// person, and prints what a newcomer has to open, press and read on that way. The argument is the
// file of the judge. `newcomer.mjs judge` then says whether it was right.
import { readFileSync } from 'node:fs';
import { browser, problems, settled, signedIn } from './browser.mjs';
import { median } from './median.mjs';

const { cases } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
// Words a minute of silent reading of English (Brysbaert 2019, doi.org/10.1016/j.jml.2019.104047).
const WORDS_A_MINUTE = 238;

// A person at a page: every press leads to a screen, whose words are counted.
class Walk {
  constructor(page) {
    Object.assign(this, { page, screens: 0, presses: 0, words: 0 });
  }

  async looks(place = 'main') {
    await settled(this.page);
    const text = await this.page.locator(place).last().innerText();
    this.screens += 1;
    this.last = text.split(/\s+/).filter(Boolean).length;
    this.words += this.last;
  }

  async press(target, place) {
    await target.click();
    this.presses += 1;
    await this.page.waitForTimeout(500);
    await this.looks(place);
  }

  async requests(button, verb) {
    // The page on which the person makes up their mind.
    this.deciding = this.last;
    await this.press(this.page.getByRole('button', { name: button }), 'dialog');
    await this.page.getByRole('dialog').getByLabel('Reason').fill('as the page says');
    await this.page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
    this.presses += 1;
    await this.page.getByRole('dialog').waitFor({ state: 'detached' });
  }

  async opensQuestion(id) {
    const link = this.page.locator(`a[href*="/inbox/${id}/"]`);
    await this.press(link);
  }
}

const WAYS = {
  async retry(walk, { execution }) {
    await walk.press(walk.page.locator('dt:has-text("Questions that wait") + dd a'));
    await walk.opensQuestion(execution);
    await walk.requests('Retry the step …', 'Retry the step');
  },
  async reject(walk, { execution }) {
    await walk.opensQuestion(execution);
    await walk.requests('Reject …', 'Reject');
  },
  async rollback(walk) {
    await walk.press(walk.page.locator('dt:has-text("Open incidents") + dd a'));
    await walk.press(walk.page.getByRole('row').filter({ hasText: 'an effect remains' }).getByRole('link').first());
    await walk.press(walk.page.getByRole('link', { name: 'see if it can be rolled back' }).first());
    await walk.requests('Roll back …', 'Roll it back');
  },
  async resume(walk) {
    await walk.press(walk.page.locator('.problem').getByRole('link', { name: 'Controls' }).first());
    await walk.requests(/^Resume/, 'Resume');
  },
};

const seconds = [];
for (const [name, one] of Object.entries(cases)) {
  const { page, close } = await signedIn(name, one.as ?? 'platform-admin');
  const began = Date.now();
  const walk = new Walk(page);
  await walk.looks();
  await WAYS[one.right](walk, one);
  const reading = (words) => Math.round((words / WORDS_A_MINUTE) * 60);
  seconds.push(reading(walk.deciding));
  console.log(`| ${name} | ${walk.screens} | ${walk.presses} | ${walk.deciding}, ${reading(walk.deciding)} s | ${walk.words}, ${reading(walk.words)} s | ${((Date.now() - began) / 1000).toFixed(1)} s |`);
  await close();
}
console.log(`median of reading the page of the decision: ${median(seconds)} s`);
await browser.close();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length ? 1 : 0;
