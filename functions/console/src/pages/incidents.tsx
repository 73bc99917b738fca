// The incidents, by cause: how many executions met it, of which tenants, and since when.

import { apiFor } from '../api/client';
import type { CauseGroup, Causes, Count } from '../api/types';
import { ShowCommand } from '../components/code';
import { Filters, SelectFilter } from '../components/filters';
import { Name } from '../components/name';
import { Page } from '../components/page';
import { Answer, Empty } from '../components/states';
import { Mark } from '../components/status';
import { type Column, Table } from '../components/table';
import { tenantOfList } from '../components/tenant';
import { Time } from '../components/time';
import { command } from '../lib/command';
import { counted, short } from '../lib/format';
import { errorWord } from '../lib/words';
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
    (signal) => apiFor(tenantOfList(route, person)).get('causes', { status }, signal),
    EVERY_MS,
  );
  const columns: Array<Column<CauseGroup> | false> = [
    { title: 'Cause', heads: true, cell: (row) => <CauseCell cause={row} tenant={route.tenant} /> },
    { title: 'Workflow', names: true, cell: (row) => <Name text={row.workflow_id} /> },
    every && { title: 'Tenants', cell: (row) => row.tenants.join(', ') },
    { title: 'Executions', number: true, cell: (row) => countText(row.executions) },
    { title: 'Since', cell: (row) => <Time at={row.since} distance /> },
    { title: 'Newest incident', cell: (row) => <Time at={row.latest} distance /> },
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
      <section class="box" aria-label="Incidents">
        <Answer live={live} what="the incidents">
          {({ causes, more }) =>
            causes.length === 0 ? (
              <Empty>
                <p>There is no {status} incident.</p>
              </Empty>
            ) : (
              <>
                <p class="soft">
                  {counted(causes.length, 'cause')}, most executions first.
                  {more &&
                    ' Only the newest 500 incidents are grouped here; choose a tenant to see more.'}
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
        <ShowCommand text={command(['incidents'], { status, tenant: route.tenant })} />
      </section>
    </Page>
  );
}

function countText({ count, more }: Count): string {
  return `${count.toLocaleString('en')}${more ? '+' : ''}`;
}

function CauseCell({ cause, tenant }: { cause: CauseGroup; tenant: string | undefined }) {
  const [first, ...more] = cause.incidents;
  const title = `${cause.state} ${errorWord(cause.error)}`.trim();
  const to = (incident: CauseGroup['incidents'][number]) =>
    address(['incidents', incident.incident_id], { tenant: tenant ?? incident.tenant });
  return (
    <>
      {first && more.length === 0 ? <a href={to(first)}>{title}</a> : <strong>{title}</strong>}{' '}
      {cause.standing && <Mark word={{ text: 'an effect remains', tone: 'part' }} />}
      {cause.message && <div class="soft">{cause.message}</div>}
      {more.length > 0 && (
        <ul class="plain-list">
          {cause.incidents.map((incident) => (
            <li key={incident.incident_id}>
              <a href={to(incident)}>
                Incident <code>{short(incident.incident_id)}</code> of {incident.tenant}
              </a>
              {` (${countText(incident.executions)})`}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
