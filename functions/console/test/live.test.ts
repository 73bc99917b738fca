// The pauses between two looks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseAfter, slowed } from '../src/live';

test('a_page_that_is_left_open_asks_less_and_less_often', () => {
  assert.deepEqual(
    [0, 29, 30, 60, 149, 150, 100_000].map((equal) => slowed(2000, equal)),
    [2000, 2000, 4000, 8000, 32_000, 60_000, 60_000],
  );
  assert.equal(slowed(null, 0), null);
  assert.equal(slowed(90_000, 500), 90_000);
});

test('failures_are_followed_by_growing_pauses_with_a_bound', () => {
  assert.deepEqual([1, 2, 5, 6, 50].map(pauseAfter), [2000, 4000, 32_000, 60_000, 60_000]);
});
