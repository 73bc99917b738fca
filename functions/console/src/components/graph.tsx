// A workflow's graph. With an execution, each node has the state of its step.
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { OutlineNode } from '../api/types';
import {
  type Arrow,
  type Box,
  HEADING,
  LABEL_CHARACTERS,
  layoutOf,
  type Size,
} from '../lib/layout';
import type { Tone, Word } from '../lib/words';

interface Props {
  nodes: readonly OutlineNode[];
  // The sentence that stands for the graph to a screen reader.
  label: string;
  stateOf?: (name: string) => Word | undefined;
}

// The widest graph that shrinks to its place; a wider one scrolls.
const WIDEST_FIT = 640;
// The space around the graph, for its outlines.
const MARGIN = 4;
const MOST_CHARACTERS = 32;

// The end of a name is kept, since names of one kind differ there.
const END = 12;

function cut(text: string, most: number, end = 0): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most - 1 - end)}…${text.slice(text.length - end)}`;
}

const KINDS: Readonly<Record<string, string>> = {
  begin: 'checks the start',
  approval: 'a platform admin approves',
  wait: 'waits',
  choice: 'choice',
  parallel: 'in parallel',
  for_each: 'for each item',
  other: 'computes values',
  end: 'ends',
};

function secondLine(node: OutlineNode, stateOf: Props['stateOf']): string {
  const groups = node.by?.length ? `${node.by.join(', ')} approve` : undefined;
  return stateOf?.(node.name)?.text ?? groups ?? KINDS[node.kind] ?? node.action ?? node.kind;
}

export function Graph(props: Props) {
  if (props.nodes.length === 0) return <p class="soft">The API has no graph of it.</p>;
  return <GraphFigure {...props} />;
}

function GraphFigure({ nodes, label, stateOf }: Props) {
  const sizeOf = (node: OutlineNode): Size => {
    const name = Math.min(node.name.length, MOST_CHARACTERS) * 7.6;
    const second = Math.min(secondLine(node, stateOf).length, MOST_CHARACTERS) * 6.8 + 20;
    return { width: Math.max(130, Math.round(Math.max(name, second) + 28)), height: HEADING };
  };
  const layout = layoutOf(nodes, sizeOf);
  // A graph that is wider than its place begins at its first node, not at its left end.
  const place = useRef<HTMLElement>(null);
  const [first] = layout.boxes;
  const middle = first && MARGIN + first.x + first.width / 2;
  // Widths change with the texts of states. The place to which the reader scrolled must not.
  const names = nodes.map((node) => node.name).join('\n');
  useLayoutEffect(() => {
    const section = place.current;
    if (section && middle !== undefined) section.scrollLeft = middle - section.clientWidth / 2;
  }, [names]);
  const [width, height] = [layout.width + 2 * MARGIN, layout.height + 2 * MARGIN];
  return (
    <section ref={place} class="graph" aria-label="Graph" tabIndex={0}>
      <svg
        class={width <= WIDEST_FIT ? 'fits' : undefined}
        role="img"
        aria-label={label}
        width={width}
        height={height}
        viewBox={`${-MARGIN} ${-MARGIN} ${width} ${height}`}
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path class="arrow-head" d="M0 0L8 4L0 8z" />
          </marker>
        </defs>
        {layout.boxes.map((box) => (
          <Node
            key={box.node.name}
            box={box}
            second={secondLine(box.node, stateOf)}
            tone={stateOf?.(box.node.name)?.tone}
          />
        ))}
        {layout.arrows.map((arrow) => (
          <Line key={arrow.points.join(' ')} arrow={arrow} />
        ))}
      </svg>
    </section>
  );
}

interface NodeProps {
  box: Box<OutlineNode>;
  second: string;
  tone: Tone | undefined;
}

function Node({ box, second, tone }: NodeProps) {
  const { node, x, y, width, height } = box;
  const container = (node.inside?.length ?? 0) > 0;
  const kind = container ? 'container' : node.kind;
  const radius = node.kind === 'end' ? height / 2 : 4;
  const middle = x + width / 2;
  return (
    <g class={`node ${kind} ${tone ?? 'plain'}`}>
      {node.kind === 'choice' && !container ? (
        <polygon points={hexagon(box)} />
      ) : (
        <rect x={x} y={y} width={width} height={height} rx={radius} />
      )}
      <text x={middle} y={y + 19} class="name">
        {cut(node.name, MOST_CHARACTERS, END)}
      </text>
      <text x={middle} y={y + 36} class="second">
        {cut(second, MOST_CHARACTERS)}
      </text>
      <title>{`${node.name}: ${second}${node.kind === 'step' && !node.undo ? ', has no undo' : ''}`}</title>
    </g>
  );
}

function hexagon({ x, y, width, height }: Box<OutlineNode>): string {
  const [right, bottom, tip, middle] = [x + width, y + height, 12, y + height / 2];
  return [
    [x, middle],
    [x + tip, y],
    [right - tip, y],
    [right, middle],
    [right - tip, bottom],
    [x + tip, bottom],
  ]
    .map((point) => point.join(','))
    .join(' ');
}

function Line({ arrow }: { arrow: Arrow }) {
  // The label lies where the arrow enters the next row, so that labels of a choice lie apart.
  const [, [x, y] = [0, 0]] = arrow.points;
  return (
    <g class="line">
      <path d={curve(arrow.points)} marker-end="url(#arrow)" />
      {arrow.label && (
        <text x={x} y={y - 13}>
          {cut(arrow.label, LABEL_CHARACTERS)}
          <title>{arrow.label}</title>
        </text>
      )}
    </g>
  );
}

// A line that leaves and enters each row upright.
function curve(points: Arrow['points']): string {
  return points
    .map(([x, y], n) => {
      const before = points[n - 1];
      if (!before) return `M${x} ${y}`;
      const middle = (before[1] + y) / 2;
      return before[0] === x ? `L${x} ${y}` : `C${before[0]} ${middle} ${x} ${middle} ${x} ${y}`;
    })
    .join('');
}
