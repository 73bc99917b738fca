// The slowest workflows and steps, and the figures of each tenant.
import type { Figures, StepFigures } from '../../api/types';
import { lasted, percent } from '../../lib/format';
import { address, type PageQuery } from '../../router';
import { WorkflowLink } from '../links';
import { Name } from '../name';
import { type Column, Table } from '../table';

// The rows that a table shows; the command has all.
const MOST = 20;

const number = (count: number) => count.toLocaleString('en');
const time = (ms: number | null) => (ms === null ? 'none' : lasted(ms));
const endedOf = (row: Figures) => Object.values(row.ended).reduce((sum, count) => sum + count, 0);

const FIGURES: ReadonlyArray<Column<Figures>> = [
  { title: 'Mean time', number: true, cell: (row) => time(row.mean_time_to_complete_ms) },
  {
    title: 'Executed',
    number: true,
    cell: (row) => (row.success_rate === null ? 'none' : percent(row.success_rate)),
  },
  { title: 'Started', number: true, cell: (row) => number(row.started) },
  { title: 'Ended', number: true, cell: (row) => number(endedOf(row)) },
];

interface WorkflowProps {
  // The choices of the page, such as its range, which its links keep.
  query: PageQuery;
  rows: ReadonlyArray<Figures & { workflow_id: string }>;
  tenant: string | undefined;
  // False over every tenant: a workflow's page is of one, and its figures are of all.
  linked: boolean;
}

export function WorkflowTable({ query, rows, tenant, linked }: WorkflowProps) {
  if (rows.length === 0) return null;
  const name: Column<Figures & { workflow_id: string }> = {
    title: 'Workflow',
    heads: true,
    cell: ({ workflow_id: id }) =>
      linked ? (
        <WorkflowLink id={id} tenant={tenant} />
      ) : (
        <a href={address(['overview'], { ...query, workflow: id })}>{id}</a>
      ),
  };
  return (
    <section class="box">
      <h2>Slowest workflows</h2>
      <Table
        caption="Workflows, the slowest first"
        columns={[name, ...FIGURES]}
        rows={rows.slice(0, MOST)}
        keyOf={(row) => row.workflow_id}
      />
    </section>
  );
}

const STEPS: ReadonlyArray<Column<StepFigures>> = [
  { title: 'Step', heads: true, names: true, cell: (row) => <Name text={row.step} /> },
  { title: 'Workflow', names: true, cell: (row) => <Name text={row.workflow_id} /> },
  { title: 'Mean time', number: true, cell: (row) => time(row.mean_ms) },
  { title: 'Ended', number: true, cell: (row) => number(row.ended) },
  { title: 'Attempts', number: true, cell: (row) => number(row.attempts) },
];

export function StepTable({ rows }: { rows: readonly StepFigures[] }) {
  if (rows.length === 0) return null;
  return (
    <section class="box">
      <h2>Slowest steps</h2>
      <Table
        caption="Steps, the slowest first"
        columns={STEPS}
        rows={rows.slice(0, MOST)}
        keyOf={(row) => `${row.workflow_id} ${row.step}`}
      />
    </section>
  );
}

interface TenantProps {
  query: PageQuery;
  rows: ReadonlyArray<Figures & { tenant: string }>;
}

export function TenantTable({ query, rows }: TenantProps) {
  const name: Column<Figures & { tenant: string }> = {
    title: 'Tenant',
    heads: true,
    cell: (row) => (
      <a href={address(['overview'], { ...query, tenant: row.tenant })}>{row.tenant}</a>
    ),
  };
  return (
    <section class="box">
      <h2>Tenants</h2>
      <Table
        caption="Tenants"
        columns={[name, ...FIGURES]}
        rows={rows}
        keyOf={(row) => row.tenant}
      />
    </section>
  );
}
