// The list of executions, newest first, with filters.
import { apiFor } from '../api/client';
import type { Executions as ExecutionsAnswer, ListedExecution, Workflows } from '../api/types';
import { ShowCommand } from '../components/code';
import { EXECUTION } from '../components/execution/column';
import { Filters, SelectFilter, TextFilter, TimeFilter } from '../components/filters';
import { Name } from '../components/name';
import { Page } from '../components/page';
import { Pager, usePages } from '../components/pager';
import { Answer, Empty } from '../components/states';
import { Status } from '../components/status';
import { type Column, Table } from '../components/table';
import { tenantOfList } from '../components/tenant';
import { Time } from '../components/time';
import { command } from '../lib/command';
import { lasted } from '../lib/format';
import { STATUSES, wordOf } from '../lib/words';
import { useLive } from '../live';
import type { PageProps } from '../pages';
import { may } from '../roles';
import { address, type Route } from '../router';

// The rows of a page, and the pause between two looks at the newest page.
const ROWS = 50;
const EVERY = 5000;

// Two facts a cell, so that a row needs no third line on a laptop.
const COLUMNS: ReadonlyArray<Column<ListedExecution>> = [
  EXECUTION,
  {
    title: 'Status',
    cell: (row) => (
      <>
        <Status status={row.status} />
        <WaitsFor row={row} />
      </>
    ),
  },
  {
    title: 'Workflow',
    names: true,
    cell: (row) => (
      <>
        <Name text={row.workflow_id} />
        <div class="soft">
          version {row.workflow_version}, by {TRIGGERS[row.trigger] ?? row.trigger}
        </div>
      </>
    ),
  },
  { title: 'Began', cell: (row) => <Time at={row.started_at} /> },
  { title: 'Took', number: true, cell: took },
];
const TENANT: Column<ListedExecution> = { title: 'Tenant', cell: (row) => row.tenant };
const TRIGGERS: Readonly<Record<string, string>> = { api: 'the API', direct: 'a direct start' };

function took(row: ListedExecution): string {
  if (!row.ended_at) return '';
  return lasted(Date.parse(row.ended_at) - Date.parse(row.started_at));
}

// What an open execution waits for.
function WaitsFor({ row }: { row: ListedExecution }) {
  const { waiting, paused } = row;
  if (waiting) {
    return (
      <div class="soft">
        <Name text={waiting.step} />, expires <Time at={waiting.until} distance />
      </div>
    );
  }
  return paused ? (
    <div class="soft">
      until <Name text={paused.scope} /> resumes
    </div>
  ) : null;
}

// The filters of the address, as the API takes them. The key of a start goes with its workflow
// alone.
function filtersOf(route: Route): Record<string, string | undefined> {
  const { workflow, status, subject, key, from, until } = route.query;
  if (key) return { workflow_id: workflow, idempotency_key: key };
  return { workflow_id: workflow, status, subject, from, until };
}

export function Executions({ route, person }: PageProps) {
  const tenant = tenantOfList(route, person);
  const payloads = may(person.role, 'see inputs and outputs, and texts that may quote them');
  const filters = filtersOf(route);
  const incomplete = route.query.key && !route.query.workflow;
  return (
    <Page title="Executions">
      <Bar route={route} tenant={tenant} subjects={payloads} />
      {incomplete ? (
        <Empty>Choose the workflow: another workflow may have the same key.</Empty>
      ) : (
        <List
          key={JSON.stringify([tenant, filters])}
          tenant={tenant}
          filters={filters}
          starts={may(person.role, 'start a workflow')}
          columns={tenant === '*' ? [...COLUMNS.slice(0, 3), TENANT, ...COLUMNS.slice(3)] : COLUMNS}
        />
      )}
      <ShowCommand
        text={command(['ls'], {
          workflow: filters.workflow_id,
          status: filters.status,
          subject: filters.subject,
          'idempotency-key': filters.idempotency_key,
          from: filters.from,
          until: filters.until,
          tenant: tenant,
        })}
      />
    </Page>
  );
}

interface BarProps {
  route: Route;
  tenant: string | undefined;
  subjects: boolean;
}

function Bar({ route, tenant, subjects }: BarProps) {
  const statuses = STATUSES.map((status) => [status, wordOf(status).text] as const);
  return (
    <Filters>
      <WorkflowFilter route={route} tenant={tenant} />
      <SelectFilter
        route={route}
        name="status"
        title="Status"
        options={[['', 'any'], ...statuses]}
      />
      <TimeFilter route={route} name="from" title="Began from" />
      <TimeFilter route={route} name="until" title="Began until" />
      {subjects && (
        <TextFilter route={route} name="subject" title="Subject" hint="the exact text" />
      )}
      <TextFilter route={route} name="key" title="Idempotency key" hint="with a workflow" />
      {Object.keys(route.query).some((name) => name !== 'tenant') && (
        <a href={address(route.path, { tenant: route.tenant })}>Clear the filters</a>
      )}
    </Filters>
  );
}

// A choice of the tenant's workflows. Over every tenant, the id is typed.
function WorkflowFilter({ route, tenant }: { route: Route; tenant: string | undefined }) {
  const listed = tenant !== '*';
  const live = useLive<Workflows | null>(
    `workflows ${tenant}`,
    async (signal) => (listed ? apiFor(tenant).get<Workflows>('workflows', {}, signal) : null),
    null,
  );
  if (!listed) return <TextFilter route={route} name="workflow" title="Workflow" hint="its id" />;
  const ids = live.data?.workflows.map((each) => each.workflow_id) ?? [];
  return (
    <SelectFilter
      route={route}
      name="workflow"
      title="Workflow"
      options={[['', 'any'], ...ids.map((id) => [id, id] as const)]}
    />
  );
}

interface ListProps {
  tenant: string | undefined;
  filters: Record<string, string | undefined>;
  // True for a reader who may start a workflow.
  starts: boolean;
  columns: ReadonlyArray<Column<ListedExecution>>;
}

function List({ tenant, filters, starts, columns }: ListProps) {
  // The key of a start names one execution, so that no other parameter goes with it.
  const limit = filters.idempotency_key ? undefined : ROWS;
  const paged = usePages<ExecutionsAnswer>(
    JSON.stringify([tenant, filters]),
    (cursor, signal) => apiFor(tenant).get('executions', { ...filters, limit, cursor }, signal),
    EVERY,
  );
  return (
    <section class="box" aria-label="Executions">
      <Answer live={paged.live} what="executions">
        {({ executions, next }) => (
          <>
            {executions.length === 0 ? (
              <Nothing
                more={next !== null}
                first={paged.number === 1}
                starts={starts}
                filtered={Object.values(filters).some(Boolean)}
                tenant={tenant}
              />
            ) : (
              <Table
                caption="Executions, newest first"
                columns={columns}
                rows={executions}
                keyOf={(row) => row.execution_id}
              />
            )}
            <Pager paged={paged} />
          </>
        )}
      </Answer>
    </section>
  );
}

interface NothingProps {
  // True if older pages follow.
  more: boolean;
  // True of the newest page.
  first: boolean;
  filtered: boolean;
  starts: boolean;
  tenant: string | undefined;
}

function Nothing({ more, first, filtered, starts, tenant }: NothingProps) {
  if (more) return <Empty>None on this page; older pages may have some.</Empty>;
  // A list that ends with a full page has an empty one after it.
  if (!first) return <Empty>No older execution.</Empty>;
  if (filtered) return <Empty>No execution fits the filters.</Empty>;
  return (
    <Empty>
      Nothing was started yet.
      {starts && (
        <>
          {' '}
          A{' '}
          <a href={address(['workflows'], { tenant: tenant === '*' ? undefined : tenant })}>
            workflow’s page
          </a>{' '}
          has a form for a start.
        </>
      )}
    </Empty>
  );
}
