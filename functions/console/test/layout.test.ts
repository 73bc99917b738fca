// The layout of graphs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GraphNode, HEADING, layoutOf, ROW_GAP } from '../src/lib/layout';

const SIZE = { width: 100, height: 40 };
const node = (name: string, ...to: Array<string | null>): GraphNode => ({
  name,
  kind: 'step',
  next: to.map((each) => ({ to: each })),
});
const layout = (nodes: GraphNode[]) => layoutOf(nodes, () => SIZE);
const box = (of: ReturnType<typeof layout>, name: string) => {
  const found = of.boxes.find((each) => each.node.name === name);
  assert.ok(found, name);
  return found;
};

test('steps_in_a_row_lie_below_one_another', () => {
  const drawn = layout([node('a', 'b'), node('b', 'c'), node('c', null)]);
  assert.deepEqual(
    drawn.boxes.map(({ x, y }) => [x, y]),
    [0, 1, 2].map((n) => [0, n * (40 + ROW_GAP)]),
  );
  assert.equal(drawn.arrows.length, 2);
  assert.deepEqual([drawn.width, drawn.height], [100, 3 * 40 + 2 * ROW_GAP]);
});

test('a_branch_that_is_passed_by_an_arrow_leaves_room_for_it', () => {
  const drawn = layout([node('if', 'then', 'end'), node('then', 'end'), node('end', null)]);
  const then = box(drawn, 'then');
  const passing = drawn.arrows.find((arrow) => arrow.points.length === 4);
  assert.ok(passing);
  const [, [x] = [0, 0]] = passing.points;
  assert.ok(x < then.x || x > then.x + then.width, `the arrow at ${x} crosses the step`);
});

test('no_two_boxes_of_a_level_overlap', () => {
  const wide = Array.from({ length: 7 }, (_, n) => `b${n}`);
  const drawn = layout([
    node('if', ...wide),
    ...wide.map((name) => node(name, 'end')),
    node('end', null),
  ]);
  const row = wide.map((name) => box(drawn, name)).sort((a, b) => a.x - b.x);
  row.slice(1).forEach((right, n) => {
    const left = row[n];
    assert.ok(left && left.x + left.width < right.x);
  });
  assert.ok(drawn.boxes.every((each) => each.x >= 0 && each.x + each.width <= drawn.width));
});

test('branches_lie_inside_their_box_under_its_heading', () => {
  const parallel: GraphNode = {
    ...node('both', null),
    kind: 'parallel',
    inside: [[node('left', 'left2'), node('left2', null)], [node('right', null)]],
  };
  const drawn = layout([parallel]);
  const outer = box(drawn, 'both');
  for (const name of ['left', 'left2', 'right']) {
    const inner = box(drawn, name);
    assert.ok(inner.x > outer.x && inner.x + inner.width < outer.x + outer.width, name);
    assert.ok(inner.y >= outer.y + HEADING && inner.y + 40 < outer.y + outer.height, name);
  }
});

test('an_arrow_back_does_not_end_the_layout', () => {
  const drawn = layout([node('a', 'b'), node('b', 'a', 'c'), node('c', null)]);
  assert.equal(drawn.boxes.length, 3);
  assert.ok(box(drawn, 'c').y > box(drawn, 'b').y);
});

test('a_graph_of_many_choices_is_laid_out_at_once', () => {
  const nodes: GraphNode[] = [];
  for (let n = 0; n < 30; n += 1) {
    nodes.push(
      node(`c${n}`, `x${n}`, `y${n}`),
      node(`x${n}`, `c${n + 1}`),
      node(`y${n}`, `c${n + 1}`),
    );
  }
  nodes.push(node('c30', null));
  const began = performance.now();
  assert.equal(layout(nodes).boxes.length, 91);
  assert.ok(performance.now() - began < 1000);
});
