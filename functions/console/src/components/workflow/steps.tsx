// The steps of a workflow, as their states declare them.
import type { DeclaredStep } from '../../api/shapes';
import { lasted } from '../../lib/format';
import { type Column, Table } from '../table';

const COLUMNS: ReadonlyArray<Column<DeclaredStep>> = [
  { title: 'Step', heads: true, cell: (step) => step.name },
  { title: 'Action', cell: (step) => step.action ?? '' },
  {
    title: 'Attempt lasts at most',
    number: true,
    cell: (step) => (step.timeout_s === undefined ? '' : lasted(step.timeout_s * 1000)),
  },
  { title: 'Attempts', number: true, cell: (step) => step.max_attempts ?? '' },
  { title: 'Undo', cell: (step) => (step.undo ? 'can be undone' : 'cannot be undone') },
  {
    title: 'For each of',
    cell: (step) => (typeof step.for_each === 'string' ? step.for_each : ''),
  },
];

export function DeclaredSteps({ steps }: { steps: readonly unknown[] }) {
  const rows = steps as readonly DeclaredStep[];
  const repeated = rows.some((step) => step.for_each !== undefined);
  return (
    <Table
      caption="Steps in declared order"
      columns={repeated ? COLUMNS : COLUMNS.slice(0, -1)}
      rows={rows}
      keyOf={(step) => step.name}
    />
  );
}
