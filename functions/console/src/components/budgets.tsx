// Budgets and limits of a workflow, with what is left of each.
import { apiFor } from '../api/client';
import type { Allowance, Budgets as BudgetsAnswer } from '../api/types';
import { useLive } from '../live';
import { Answer } from './states';
import { type Column, Table } from './table';
import { Time } from './time';

const EVERY = 30_000;

const COLUMNS: ReadonlyArray<Column<Allowance>> = [
  {
    title: 'Name',
    heads: true,
    cell: (row) => `${row.name}${row.period ? ` per ${row.period}` : ''}`,
  },
  { title: 'Limit', number: true, cell: (row) => row.limit },
  { title: 'Used', number: true, cell: (row) => row.used ?? 'not shown' },
  { title: 'Left', number: true, cell: (row) => row.left ?? 'not shown' },
  { title: 'Resets', cell: (row) => (row.resets_at ? <Time at={row.resets_at} distance /> : '') },
];

export function Budgets({ workflow, tenant }: { workflow: string; tenant: string | undefined }) {
  const live = useLive<BudgetsAnswer>(
    `budgets ${tenant}`,
    (signal) => apiFor(tenant).get('budgets', {}, signal),
    EVERY,
  );
  const own = (all: readonly Allowance[]) => all.filter((each) => each.workflow_id === workflow);
  const rows = live.data ? [...own(live.data.budgets), ...own(live.data.limits)] : [];
  if (live.data && rows.length === 0) return null;
  return (
    <section class="box">
      <h2>Budgets and limits of the workflow now</h2>
      <Answer live={live} what="budgets">
        {() => (
          <Table
            caption="Budgets and limits"
            columns={COLUMNS}
            rows={rows}
            keyOf={(row) => row.name}
          />
        )}
      </Answer>
    </section>
  );
}
