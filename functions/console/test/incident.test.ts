// The executions of an incident.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latestOf } from '../src/lib/incident';

test('the_latest_generation_of_each_execution_counts', () => {
  const link = (id: string, generation: number) => ({ execution_id: id, generation });
  const [again, other, first] = [link('a', 1), link('b', 0), link('a', 0)];
  assert.deepEqual(latestOf([again, other, first]), [again, other]);
  assert.deepEqual(latestOf([first, again]), [again]);
});
