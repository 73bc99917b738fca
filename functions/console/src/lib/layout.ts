// The layout of a workflow's graph: nodes in rows from top to bottom, arrows around them, and
// boxes around branches and items.

export interface GraphNode {
  name: string;
  kind: string;
  next: ReadonlyArray<{ to: string | null; label?: string | null }>;
  inside?: ReadonlyArray<readonly GraphNode[]> | null;
}

export interface Box<N> {
  node: N;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Arrow {
  // Corners of the line, from the lower edge of one node to the upper edge of another.
  points: ReadonlyArray<readonly [number, number]>;
  label: string | undefined;
}

export interface Layout<N> {
  width: number;
  height: number;
  boxes: Box<N>[];
  arrows: Arrow[];
}

export const ROW_GAP = 40;
export const COLUMN_GAP = 22;
const PADDING = 16;
// The height of a container's heading.
export const HEADING = 46;
// The width that an arrow takes in a row that it passes, and that of a character of its label.
const LANE = 14;
const CHARACTER = 6;
// The longest label; the rest of it is cut off.
export const LABEL_CHARACTERS = 20;

export type Size = { width: number; height: number };

// A place in a row: a node, or an arrow that passes the row.
interface Slot<N> {
  node: N | undefined;
  inner: Layout<N>[];
  size: Size;
  row: number;
  x: number;
  before: Slot<N>[];
}

// Lays a level out. `sizeOf` is the size of a node without what is inside it.
export function layoutOf<N extends GraphNode>(
  nodes: readonly N[],
  sizeOf: (node: N) => Size,
): Layout<N> {
  const slots = new Map(nodes.map((node) => [node.name, slotOf(node, sizeOf)]));
  setRows(nodes, slots);
  const rows: Slot<N>[][] = [];
  for (const node of nodes) {
    const slot = slots.get(node.name);
    if (slot) at(rows, slot.row).push(slot);
  }
  const lines = linesOf(nodes, slots, rows);
  return drawn(rows, lines);
}

const at = <T>(rows: T[][], n: number): T[] => {
  while (rows.length <= n) rows.push([]);
  return rows[n] ?? [];
};

function slotOf<N extends GraphNode>(node: N, sizeOf: (node: N) => Size): Slot<N> {
  const inner = (node.inside ?? []).map((level) => layoutOf(level as readonly N[], sizeOf));
  const own = sizeOf(node);
  const size = inner.length === 0 ? own : containerSize(own, inner);
  return { node, inner, size, row: 0, x: 0, before: [] };
}

function containerSize<N>(own: Size, inner: readonly Layout<N>[]): Size {
  const width = inner.reduce((sum, each) => sum + each.width, 0) + COLUMN_GAP * (inner.length - 1);
  const height = Math.max(...inner.map((each) => each.height));
  return {
    width: Math.max(own.width, width + 2 * PADDING),
    height: HEADING + height + PADDING,
  };
}

// A node lies below every node that leads to it. An arrow back to a node that is still being
// followed changes no row.
function setRows<N extends GraphNode>(nodes: readonly N[], slots: Map<string, Slot<N>>): void {
  const open = new Set<string>();
  const follow = (name: string, row: number) => {
    const slot = slots.get(name);
    if (!slot || open.has(name)) return;
    if (slot.row >= row && row > 0) return;
    slot.row = row;
    open.add(name);
    for (const next of slot.node?.next ?? []) if (next.to !== null) follow(next.to, row + 1);
    open.delete(name);
  };
  const reached = new Set(nodes.flatMap((node) => node.next.map((next) => next.to)));
  const [first] = nodes;
  for (const node of nodes) if (node === first || !reached.has(node.name)) follow(node.name, 0);
}

// The width of the first lane of an arrow, beside which its label must fit.
function laneOf(label: string | null | undefined): number {
  return Math.max(LANE, CHARACTER * Math.min(LABEL_CHARACTERS, label?.length ?? 0));
}

interface Line<N> {
  slots: Slot<N>[];
  label: string | undefined;
}

// The arrows, each with the rows that it passes.
function linesOf<N extends GraphNode>(
  nodes: readonly N[],
  slots: Map<string, Slot<N>>,
  rows: Slot<N>[][],
): Line<N>[] {
  const lines: Line<N>[] = [];
  for (const node of nodes) {
    const from = slots.get(node.name);
    for (const next of node.next) {
      const to = next.to === null ? undefined : slots.get(next.to);
      if (!from || !to || to.row <= from.row) continue;
      const passed = [from];
      for (let row = from.row + 1; row < to.row; row += 1) {
        const lane: Slot<N> = {
          node: undefined,
          inner: [],
          size: { width: row === from.row + 1 ? laneOf(next.label) : LANE, height: 0 },
          row,
          x: 0,
          before: [passed.at(-1) ?? from],
        };
        at(rows, row).push(lane);
        passed.push(lane);
      }
      to.before.push(passed.at(-1) ?? from);
      lines.push({ slots: [...passed, to], label: next.label ?? undefined });
    }
  }
  return lines;
}

// Places every row under the one before: each slot below the middle of what leads to it, as far
// as its neighbours leave room.
function drawn<N extends GraphNode>(rows: Slot<N>[][], lines: readonly Line<N>[]): Layout<N> {
  for (const row of rows) placeRow(row);
  const all = rows.flat();
  const left = Math.min(0, ...all.map((slot) => slot.x - slot.size.width / 2));
  for (const slot of all) slot.x -= left;
  const width = Math.max(0, ...all.map((slot) => slot.x + slot.size.width / 2));

  const boxes: Box<N>[] = [];
  const arrows: Arrow[] = [];
  const tops = new Map<Slot<N>, readonly [number, number]>();
  let y = 0;
  for (const row of rows) {
    const height = Math.max(0, ...row.map((slot) => slot.size.height));
    for (const slot of row) {
      const bottom = slot.node ? y + slot.size.height : y + height;
      tops.set(slot, [y, bottom]);
      if (slot.node) addBox(slot, slot.node, y, boxes, arrows);
    }
    y += height + ROW_GAP;
  }
  for (const line of lines) arrows.push(arrowOf(line, tops));
  return { width, height: Math.max(0, y - ROW_GAP), boxes, arrows };
}

function placeRow<N>(row: Slot<N>[]): void {
  const wanted = (slot: Slot<N>) =>
    slot.before.length === 0
      ? 0
      : slot.before.reduce((sum, each) => sum + each.x, 0) / slot.before.length;
  const sorted = row.map((slot, n) => ({ slot, n, x: wanted(slot) }));
  sorted.sort((a, b) => a.x - b.x || a.n - b.n);
  let edge = Number.NEGATIVE_INFINITY;
  let shift = 0;
  for (const { slot, x } of sorted) {
    slot.x = Math.max(x, edge + COLUMN_GAP + slot.size.width / 2);
    edge = slot.x + slot.size.width / 2;
    shift += slot.x - x;
  }
  // What neighbours pushed to the right is shared by both sides.
  for (const { slot } of sorted) slot.x -= shift / Math.max(1, sorted.length);
}

function addBox<N extends GraphNode>(
  slot: Slot<N>,
  node: N,
  y: number,
  boxes: Box<N>[],
  arrows: Arrow[],
): void {
  const { width, height } = slot.size;
  const left = slot.x - width / 2;
  boxes.push({ node, x: left, y, width, height });
  const inner = slot.inner.reduce((sum, each) => sum + each.width, 0);
  let x = left + (width - inner - COLUMN_GAP * (slot.inner.length - 1)) / 2;
  for (const level of slot.inner) {
    const move = ([dx, dy]: readonly [number, number]) => [x + dx, y + HEADING + dy] as const;
    for (const box of level.boxes) {
      const [bx, by] = move([box.x, box.y]);
      boxes.push({ ...box, x: bx, y: by });
    }
    for (const arrow of level.arrows) arrows.push({ ...arrow, points: arrow.points.map(move) });
    x += level.width + COLUMN_GAP;
  }
}

function arrowOf<N>(line: Line<N>, tops: Map<Slot<N>, readonly [number, number]>): Arrow {
  const points: Array<readonly [number, number]> = [];
  line.slots.forEach((slot, n) => {
    const [top, bottom] = tops.get(slot) ?? [0, 0];
    if (n > 0) points.push([slot.x, top]);
    if (n < line.slots.length - 1) points.push([slot.x, bottom]);
  });
  return { points, label: line.label };
}
