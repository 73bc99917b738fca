// What the answers of targets say to people.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attempt } from '../src/api/types';
import { undoFailures } from '../src/lib/answer';

function attempt(body?: string): Attempt {
  const at = '2026-11-29T15:10:58Z';
  const answer = body === undefined ? null : { path: '/holds/1', body, cut: false };
  return { attempt: 1, started_at: at, ended_at: at, outcome: 'PERMANENT', answer } as Attempt;
}

test('a_failed_undo_says_what_its_target_said_last', () => {
  const step = (name: string, status: string, ...undo_attempts: Attempt[]) =>
    ({ name, status, undo_attempts }) as Parameters<typeof undoFailures>[0][number];
  const said = attempt('{"detail":"blocked until 15:05 UTC"}');
  assert.deepEqual(
    undoFailures([
      step('hold', 'UNDO_FAILED', attempt('{"detail":"earlier"}'), said),
      step('mail', 'UNDO_FAILED', attempt()),
      step('note', 'UNDO_FAILED'),
      step('done', 'UNDONE', said),
    ]),
    [
      'The undo of hold failed. The target says: “blocked until 15:05 UTC”',
      'The undo of mail failed.',
      'The undo of note failed.',
    ],
  );
  const last = (...names: string[]) =>
    undoFailures(names.map((name) => step(name, 'UNDO_FAILED'))).slice(2);
  assert.deepEqual(last('a', 'b', 'c', 'd', 'e', 'e'), [
    'The undo of c failed.',
    '3 more undos failed.',
  ]);
  assert.deepEqual(last('a', 'b', 'c', 'd'), ['The undo of c failed.', '1 more undo failed.']);
  // A sentence that is shown is not counted again.
  assert.deepEqual(last('a', 'a', 'b', 'c', 'c'), ['The undo of c failed.']);
});
