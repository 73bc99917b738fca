// The steps, approvals and waits of a workflow, as their states declare them.
import type { DeclaredStep } from '../../api/shapes';
import type { OutlineNode } from '../../api/types';
import { lasted } from '../../lib/format';
import { flat, SHOWN } from '../../lib/progress';
import { decidersOf } from '../../lib/question';
import { Name } from '../name';
import { type Column, Table } from '../table';

// A state of the outline, with what its step declares.
interface Row {
  node: OutlineNode;
  step: DeclaredStep | undefined;
}

function doneBy({ node, step }: Row): string {
  if (node.kind === 'wait') return 'a wait';
  if (node.kind === 'approval') return `approval of ${decidersOf(node.by ?? [])}`;
  return step?.action ?? node.action ?? '';
}

const COLUMNS: ReadonlyArray<Column<Row>> = [
  { title: 'Step', heads: true, cell: ({ node }) => <Name text={node.name} /> },
  { title: 'Action', cell: doneBy },
  {
    title: 'Attempt timeout',
    number: true,
    cell: ({ step }) => (step?.timeout_s === undefined ? '' : lasted(step.timeout_s * 1000)),
  },
  { title: 'Attempts', number: true, cell: ({ step }) => step?.max_attempts ?? '' },
  {
    title: 'Can be undone',
    cell: ({ step }) => step && (step.undo ? 'yes' : 'no'),
  },
  {
    title: 'For each of',
    cell: ({ step }) => (typeof step?.for_each === 'string' ? step.for_each : ''),
  },
];

interface Props {
  steps: readonly unknown[];
  outline: readonly OutlineNode[];
}

export function DeclaredSteps({ steps, outline }: Props) {
  const declared = steps as readonly DeclaredStep[];
  const rows = flat(outline)
    .filter((node) => SHOWN.includes(node.kind))
    .map((node) => ({ node, step: declared.find((step) => step.name === node.name) }));
  const repeated = declared.some((step) => step.for_each !== undefined);
  return (
    <Table
      caption="Steps, approvals and waits in declared order"
      columns={repeated ? COLUMNS : COLUMNS.slice(0, -1)}
      rows={rows}
      keyOf={({ node }) => node.name}
    />
  );
}
