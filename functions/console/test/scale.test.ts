// The scale of timelines, and the axes of charts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axisOf, labelled, runs } from '../src/lib/axis';
import { CUT_WIDTH, labelsOf, scaleOf } from '../src/lib/scale';

const span = (from: number, to: number) => ({ from, to });

test('equal_times_have_equal_widths', () => {
  const scale = scaleOf(span(0, 10_000), [span(0, 1000), span(5000, 9000)]);
  assert.equal(scale.cuts.length, 0);
  assert.deepEqual([0, 2500, 5000, 10_000].map(scale.at), [0, 25, 50, 100]);
  assert.deepEqual(
    scale.marks.map((mark) => mark.text),
    ['0', '2.0 s', '4.0 s', '6.0 s', '8.0 s'],
  );
});

test('an_idle_day_is_cut_out_and_the_rest_keeps_one_scale', () => {
  const day = 86_400_000;
  const scale = scaleOf(span(0, day + 4000), [span(0, 4000), span(day, day + 4000)]);
  assert.deepEqual(scale.cuts, [{ at: 45.5, width: CUT_WIDTH, text: '23 h 59 min' }]);
  const [before, after] = [scale.at(2000), scale.at(day + 2000) - scale.at(day)];
  assert.ok(Math.abs(before - after) < 1e-9);
  assert.ok(Math.abs(scale.at(day + 4000) - 100) < 1e-9);
});

test('no_label_of_an_axis_overlaps_another_and_each_cut_has_its_length', () => {
  const minute = 60_000;
  // An execution that was rolled back twice: minutes, hours and days lie between.
  const starts = [0, 11 * minute, 130 * minute, 4000 * minute];
  const busy = starts.map((from) => span(from, from + 3000));
  const scale = scaleOf(span(0, 4001 * minute), busy);
  assert.equal(scale.cuts.length, 3);
  for (const width of [220, 300, 640, 1400]) {
    const labels = labelsOf(scale, width);
    assert.equal(labels.filter((label) => label.cut).length, scale.cuts.length);
    for (const [n, one] of labels.entries()) {
      assert.ok(one.x >= 0 && one.x + one.text.length * 6 <= width, `${one.text} at ${width}`);
      for (const other of labels.slice(n + 1)) {
        const apart =
          one.row !== other.row ||
          one.x + one.text.length * 6 < other.x ||
          other.x + other.text.length * 6 < one.x;
        assert.ok(apart, `${one.text} and ${other.text} overlap at ${width}`);
      }
    }
  }
});

test('an_execution_without_duration_has_a_scale_too', () => {
  const scale = scaleOf(span(7, 7), [span(7, 7)]);
  assert.equal(scale.at(7), 0);
  assert.deepEqual(
    scale.marks.map((mark) => mark.text),
    ['0'],
  );
});

test('an_axis_begins_at_zero_and_ends_above_the_largest_value', () => {
  assert.deepEqual(axisOf([3, 17], 'numbers'), { most: 20, marks: [0, 5, 10, 15, 20] });
  assert.deepEqual(axisOf([1], 'numbers'), { most: 1, marks: [0, 1] });
  assert.deepEqual(axisOf([], 'numbers'), { most: 1, marks: [0, 1] });
  const hour = 3_600_000;
  assert.deepEqual(axisOf([4_900_000], 'times').marks, [0, hour / 2, hour, 1.5 * hour]);
});

test('a_missing_value_is_a_gap_between_two_lines', () => {
  assert.deepEqual(runs([1, 2, null, 0, null]), [
    [
      [0, 1],
      [1, 2],
    ],
    [[3, 0]],
  ]);
  assert.deepEqual(labelled(24, 6), [0, 4, 8, 12, 16, 20]);
});
