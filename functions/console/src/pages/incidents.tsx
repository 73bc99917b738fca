// The incidents, by cause: how many executions met it, of which tenants, and since when.
import { apiFor } from '../api/client';
import { Problem } from '../api/problem';
import type { Cause, Causes, Count } from '../api/shapes';
import type { Incident, Incidents as Listed } from '../api/types';
import { Filters, SelectFilter } from '../components/filters';
import { Page } from '../components/page';
import { Answer, Empty } from '../components/states';
import { Mark } from '../components/status';
import { type Column, Table } from '../components/table';
import { Time } from '../components/time';
import { counted } from '../lib/format';
import { useLive } from '../live';
import type { PageProps } from '../pages';
import { seesEveryTenant } from '../roles';
import { address } from '../router';

const EVERY_MS = 15_000;

export function Incidents({ route, person }: PageProps) {
  const status = route.query.status ?? 'open';
  const every = seesEveryTenant(person.role) && !route.tenant;
  const live = useLive<Causes>(
    `causes ${status} ${route.tenant ?? ''}`,
    (signal) => loaded(route.tenant, status, signal),
    EVERY_MS,
  );
  const columns: Array<Column<Cause> | false> = [
    { title: 'Cause', heads: true, cell: (row) => <CauseCell cause={row} tenant={route.tenant} /> },
    { title: 'Workflow', cell: (row) => row.workflow_id },
    every && { title: 'Tenants', cell: (row) => row.tenants.join(', ') },
    { title: 'Executions', number: true, cell: (row) => countText(row.executions) },
    { title: 'Since', cell: (row) => <Time at={row.since} distance /> },
    { title: 'Latest', cell: (row) => <Time at={row.latest} distance /> },
  ];
  return (
    <Page title="Incidents">
      <Filters>
        <SelectFilter
          route={{ ...route, query: { ...route.query, status } }}
          name="status"
          title="Status"
          options={[
            ['open', 'open'],
            ['acknowledged', 'acknowledged'],
            ['resolved', 'resolved'],
          ]}
        />
      </Filters>
      <Answer live={live} what="the incidents">
        {({ causes, more }) =>
          causes.length === 0 ? (
            <Empty>
              <p>There is no {status} incident.</p>
            </Empty>
          ) : (
            <>
              <p class="soft">
                {counted(causes.length, 'cause')}
                {more &&
                  '. Only the newest 500 incidents are grouped here; choose a tenant to see more'}
              </p>
              <Table
                caption="Incidents by cause, most executions first"
                columns={columns}
                rows={causes}
                keyOf={(row) => row.incidents.map((one) => one.incident_id).join()}
              />
            </>
          )
        }
      </Answer>
    </Page>
  );
}

// The causes, or else each incident as a cause of its own tenant, where the API has no causes.
async function loaded(
  tenant: string | undefined,
  status: string,
  signal: AbortSignal,
): Promise<Causes> {
  const api = apiFor(tenant);
  try {
    return await api.get<Causes>('causes', { status }, signal);
  } catch (error) {
    if (!(error instanceof Problem && error.kind === 'missing')) throw error;
    const listed = await api.get<Listed>('incidents', { status, limit: 100 }, signal);
    return { causes: listed.incidents.map(ofOne), more: listed.next !== null };
  }
}

function ofOne(incident: Incident): Cause {
  return {
    ...incident,
    tenants: [incident.tenant],
    since: incident.opened_at,
    latest: incident.opened_at,
    executions: undefined,
    incidents: [{ ...incident, executions: undefined }],
  };
}

function countText(count: Count | undefined): string {
  if (!count) return '';
  const { count: number, more } = count;
  return `${number.toLocaleString('en')}${more ? '+' : ''}`;
}

function CauseCell({ cause, tenant }: { cause: Cause; tenant: string | undefined }) {
  const [first, ...more] = cause.incidents;
  const title = `${cause.state}: ${cause.error}`;
  const to = (incident: Cause['incidents'][number]) =>
    address(['incidents', incident.incident_id], { tenant: tenant ?? incident.tenant });
  return (
    <>
      {first && more.length === 0 ? <a href={to(first)}>{title}</a> : <strong>{title}</strong>}{' '}
      {cause.standing && <Mark word={{ text: 'an effect remains', tone: 'part' }} />}{' '}
      {(cause.waiting ?? 0) > 0 && (
        <Mark word={{ text: `${cause.waiting} wait for a decision`, tone: 'waiting' }} />
      )}
      {cause.message && <div class="soft">{cause.message}</div>}
      {more.length > 0 && (
        <ul class="plain-list">
          {cause.incidents.map((incident) => (
            <li key={incident.incident_id}>
              <a href={to(incident)}>Incident of {incident.tenant}</a>
              {incident.executions && ` (${countText(incident.executions)})`}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
