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
      'The undo of hold failed. The target says: blocked until 15:05 UTC',
      'The undo of mail failed.',
      'The undo of note failed.',
    ],
  );
  const many = ['a', 'b', 'c', 'd', 'e', 'e'].map((name) => step(name, 'UNDO_FAILED'));
  assert.deepEqual(undoFailures(many).slice(2), ['The undo of c failed.', '2 more undos failed.']);
});
