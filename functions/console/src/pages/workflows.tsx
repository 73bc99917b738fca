// The workflows that are open to a tenant.
import { apiFor } from '../api/client';
import type { Workflow, Workflows as WorkflowsAnswer } from '../api/types';
import { ShowCommand } from '../components/code';
import { WorkflowLink } from '../components/links';
import { ChooseTenant, needsTenant } from '../components/need-tenant';
import { Page } from '../components/page';
import { Answer, Empty } from '../components/states';
import { type Column, Table } from '../components/table';
import { command } from '../lib/command';
import { short } from '../lib/format';
import { useLive } from '../live';
import type { PageProps } from '../pages';
import { address } from '../router';

const EVERY = 60_000;

function columnsFor(tenant: string | undefined): ReadonlyArray<Column<Workflow>> {
  return [
    {
      title: 'Workflow',
      heads: true,
      cell: (row) => <WorkflowLink id={row.workflow_id} tenant={tenant} />,
    },
    { title: 'Description', cell: (row) => row.description ?? '' },
    { title: 'Version', number: true, cell: (row) => row.version },
    {
      title: 'Definition',
      cell: (row) => <code>{short(row.definition_digest.replace('sha256:', ''))}</code>,
    },
    {
      title: 'Executions',
      cell: (row) => (
        <a href={address(['executions'], { tenant, workflow: row.workflow_id })}>
          list<span class="unseen"> executions of {row.workflow_id}</span>
        </a>
      ),
    },
  ];
}

export function Workflows({ route, person }: PageProps) {
  return (
    <Page title="Workflows">
      {needsTenant(route, person) ? (
        <ChooseTenant
          route={route}
          person={person}
          what="Workflows are open to one tenant or to several."
        />
      ) : (
        <List tenant={route.tenant} />
      )}
    </Page>
  );
}

function List({ tenant }: { tenant: string | undefined }) {
  const live = useLive<WorkflowsAnswer>(
    `workflows ${tenant}`,
    (signal) => apiFor(tenant).get('workflows', {}, signal),
    EVERY,
  );
  return (
    <section class="box" aria-label="Workflows">
      <Answer live={live} what="workflows">
        {({ workflows }) =>
          workflows.length === 0 ? (
            <Empty>No workflow is open to this tenant. A deployment publishes workflows.</Empty>
          ) : (
            <Table
              caption="Workflows"
              columns={columnsFor(tenant)}
              rows={workflows}
              keyOf={(row) => row.workflow_id}
            />
          )
        }
      </Answer>
      <ShowCommand text={command(['workflows'], { tenant })} />
    </section>
  );
}
