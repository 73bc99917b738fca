// One workflow: its graph, what a start must satisfy, its steps, recent results, and a start.
import { apiFor, path } from '../api/client';
import type { Executions, Statistics, WorkflowInFull } from '../api/types';
import { Boundary } from '../components/boundary';
import { Box } from '../components/box';
import { Budgets } from '../components/budgets';
import { ShowCommand } from '../components/code';
import { EXECUTION } from '../components/execution/column';
import { Fact } from '../components/execution/facts';
import { Graph } from '../components/graph';
import { ChooseTenant, needsTenant } from '../components/need-tenant';
import { Page } from '../components/page';
import { Answer, Empty } from '../components/states';
import { Status } from '../components/status';
import { Table } from '../components/table';
import { Time } from '../components/time';
import { Conditions } from '../components/workflow/conditions';
import { StartForm } from '../components/workflow/start-form';
import { DeclaredSteps } from '../components/workflow/steps';
import { Versions } from '../components/workflow/versions';
import { command } from '../lib/command';
import { lasted, percent } from '../lib/format';
import { useLive } from '../live';
import type { PageProps } from '../pages';
import { may } from '../roles';
import { address } from '../router';

const EVERY = 60_000;
const RESULTS_EVERY = 5000;
const RECENT = 10;

export function Workflow({ route, person }: PageProps) {
  const id = route.path[1] ?? '';
  const { tenant } = route;
  if (needsTenant(route, person)) {
    return (
      <Page kind="Workflow" title={id}>
        <ChooseTenant
          route={route}
          person={person}
          what="A workflow is shown as one tenant sees it."
        />
      </Page>
    );
  }
  return <OfTenant id={id} tenant={tenant} role={person.role} />;
}

interface Props {
  id: string;
  tenant: string | undefined;
  role: string;
}

function OfTenant({ id, tenant, role }: Props) {
  const live = useLive<WorkflowInFull>(
    `workflow ${tenant} ${id}`,
    (signal) => apiFor(tenant).get(path('workflows', id), {}, signal),
    EVERY,
  );
  return (
    <Page kind="Workflow" title={id}>
      <Answer live={live} what="the workflow">
        {(workflow) => (
          <div class="columns wide-left">
            <div>
              <Box title="Definition">
                <About workflow={workflow} />
              </Box>
              <Box title="What a start must satisfy">
                <Conditions definition={workflow.definition} />
              </Box>
              {may(role, 'start a workflow') && (
                <Boundary what="the form for a start">
                  <StartForm
                    key={workflow.definition_digest}
                    workflow={id}
                    tenant={tenant}
                    definition={workflow.definition}
                  />
                </Boundary>
              )}
              <Box title="Steps">
                <Steps workflow={workflow} />
              </Box>
              <Box title="Recent results">
                <Results id={id} tenant={tenant} />
              </Box>
            </div>
            <div>
              <Box title="Graph">
                <Graph
                  nodes={workflow.outline}
                  label={`Graph of ${id}. The table of steps has every step in order.`}
                />
              </Box>
              <Box title="Versions">
                <Versions id={id} tenant={tenant} />
              </Box>
              <Boundary what="budgets">
                <Budgets workflow={id} tenant={tenant} />
              </Boundary>
            </div>
          </div>
        )}
      </Answer>
      <ShowCommand text={command(['ls'], { workflow: id, tenant })} />
    </Page>
  );
}

function About({ workflow }: { workflow: WorkflowInFull }) {
  const { definition } = workflow;
  return (
    <>
      {workflow.description && <p>{workflow.description}</p>}
      <dl class="facts">
        <Fact name="Version">{workflow.version}</Fact>
        <Fact name="Tier">{workflow.tier}</Fact>
        <Fact name="Deadline after the start">{lasted(definition.timeout_s * 1000)}</Fact>
        <Fact name="Triggers">{['the API', ...definition.triggers].join(', ')}</Fact>
        <Fact name="Digest of the definition" wide>
          <code>{workflow.definition_digest}</code>
        </Fact>
      </dl>
    </>
  );
}

function Steps({ workflow }: { workflow: WorkflowInFull }) {
  return <DeclaredSteps steps={workflow.definition.steps} outline={workflow.outline} />;
}

// The newest executions, and the share that executed.
function Results({ id, tenant }: { id: string; tenant: string | undefined }) {
  const api = apiFor(tenant);
  const list = useLive<Executions>(
    `recent ${tenant} ${id}`,
    (signal) => api.get('executions', { workflow_id: id, limit: RECENT }, signal),
    RESULTS_EVERY,
  );
  return (
    <>
      <Rate id={id} tenant={tenant} />
      <Answer live={list} what="recent results">
        {({ executions }) =>
          executions.length === 0 ? (
            <Empty>It has never been started.</Empty>
          ) : (
            <>
              <Table
                caption="The newest executions"
                columns={[
                  EXECUTION,
                  { title: 'Status', cell: (row) => <Status status={row.status} /> },
                  { title: 'Version', number: true, cell: (row) => row.workflow_version },
                  { title: 'Began', cell: (row) => <Time at={row.started_at} /> },
                ]}
                rows={executions}
                keyOf={(row) => row.execution_id}
              />
              <p>
                <a href={address(['executions'], { tenant, workflow: id })}>All its executions</a>
              </p>
            </>
          )
        }
      </Answer>
    </>
  );
}

function Rate({ id, tenant }: { id: string; tenant: string | undefined }) {
  const live = useLive<Statistics>(
    `rate ${tenant} ${id}`,
    (signal) => apiFor(tenant).get('statistics', { workflow_id: id }, signal),
    EVERY,
  );
  const total = live.data?.total;
  if (!total || total.success_rate === null) return null;
  return (
    <p>
      In the last 24 hours, {percent(total.success_rate)} of those that ended were executed
      {total.mean_time_to_complete_ms !== null &&
        `, in ${lasted(total.mean_time_to_complete_ms)} on average`}
      .
    </p>
  );
}
