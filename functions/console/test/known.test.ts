// The wait for an execution that was just started.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemOf } from '../src/api/problem';
import { known } from '../src/lib/known';

// Looks that fail so often with this status before they succeed, and the number that was made.
async function looksUntil(status: number, failures: number): Promise<number> {
  let made = 0;
  await known(() => {
    made += 1;
    return made > failures ? Promise.resolve() : Promise.reject(problemOf(status, {}));
  }, 0);
  return made;
}

test('a_start_that_is_not_recorded_yet_is_looked_for_again_with_a_bound', async () => {
  assert.equal(await looksUntil(404, 0), 1);
  assert.equal(await looksUntil(404, 3), 4);
  assert.equal(await looksUntil(404, 100), 10);
  assert.equal(await looksUntil(403, 100), 1);
});
