// One execution: how it goes, its graph and timeline, attempts, story, and what can be done.
import { useState } from 'preact/hooks';
import { apiFor, path } from '../api/client';
import type { ExecutionView, Execution as Recorded, Starting, WorkflowInFull } from '../api/types';
import { Boundary } from '../components/boundary';
import { Box } from '../components/box';
import { Budgets } from '../components/budgets';
import { ShowCommand } from '../components/code';
import { ExecutionActions } from '../components/execution/actions';
import { Facts } from '../components/execution/facts';
import { Input, Output } from '../components/execution/payloads';
import { Halts, Questions } from '../components/execution/questions';
import { Steps } from '../components/execution/steps';
import { Story } from '../components/execution/story';
import { Graph } from '../components/graph';
import { Page } from '../components/page';
import { Answer } from '../components/states';
import { StatusBanner } from '../components/status';
import { Patterns, Timeline } from '../components/timeline';
import { undoFailures } from '../lib/answer';
import { command } from '../lib/command';
import { short } from '../lib/format';
import { inWords, isOpen, statesOf } from '../lib/states';
import { type Live, useLive } from '../live';
import type { PageProps } from '../pages';
import { may } from '../roles';

// The pause between two looks at an execution, by its state.
const MOVING_EVERY = 2000;
const HALTED_EVERY = 8000;
const ENDED_EVERY = 30_000;

function pauseOf({ status }: ExecutionView): number {
  if (!isOpen(status)) return ENDED_EVERY;
  return status === 'WAITING' || status === 'PAUSED' ? HALTED_EVERY : MOVING_EVERY;
}

const isRecorded = (view: ExecutionView): view is Recorded => 'generation' in view;

export function Execution({ route, person }: PageProps) {
  const id = route.path[1] ?? '';
  const api = apiFor(route.tenant);
  const [acted, setActed] = useState(0);
  const live = useLive<ExecutionView>(
    `execution ${route.tenant} ${id} ${acted}`,
    // The workflow finds an execution that the ledger does not know yet.
    (signal) => api.get(path('executions', id), { workflow_id: route.query.workflow }, signal),
    pauseOf,
  );
  const view = live.data;
  return (
    <Page
      kind={view ? `Execution of ${view.workflow_id}` : 'Execution'}
      title={(view && isRecorded(view) && view.subject) || short(id)}
      aside={
        view &&
        isRecorded(view) && (
          <Boundary what="what can be done">
            <ExecutionActions
              execution={view}
              tenant={route.tenant}
              role={person.role}
              onActed={() => setActed(acted + 1)}
            />
          </Boundary>
        )
      }
    >
      <Answer live={live} what="the execution">
        {(view) =>
          isRecorded(view) ? (
            <Details execution={view} route={route} person={person} />
          ) : (
            <NotYet starting={view} />
          )
        }
      </Answer>
      <ShowCommand
        text={command([view && isOpen(view.status) ? 'watch' : 'show', id], {
          tenant: route.tenant,
        })}
      />
    </Page>
  );
}

function NotYet({ starting }: { starting: Starting }) {
  return (
    <StatusBanner status={starting.status}>
      Step Functions runs it, and the ledger does not have it yet.
    </StatusBanner>
  );
}

const SENTENCES: Readonly<Record<string, string>> = {
  RUNNING: 'Steps are at work. This page follows it.',
  WAITING: 'It continues when people have decided.',
  PAUSED: 'A control stops it before its next step.',
  ROLLING_BACK: 'Its effects are being undone, the last one first.',
  CLOSING: 'It ends, and its receipt is being written.',
  EXECUTED: 'Every step took effect or was skipped.',
  ROLLED_BACK: 'Every effect was undone.',
  PARTIALLY_ROLLED_BACK: 'An effect remains or may remain: the receipt names each.',
  FAILED: 'It failed, and no effect had been applied.',
  REJECTED: 'Its start was refused, and no effect was applied.',
};

function sentenceFor({ status, steps }: Recorded): string {
  const sentence = SENTENCES[status] ?? '';
  return status === 'PARTIALLY_ROLLED_BACK'
    ? [sentence, ...undoFailures(steps)].join(' ')
    : sentence;
}

function Banner({ execution }: { execution: Recorded }) {
  return <StatusBanner status={execution.status}>{sentenceFor(execution)}</StatusBanner>;
}

function Details({ execution, route, person }: { execution: Recorded } & PageProps) {
  const { tenant } = execution;
  const seesWorkflows = may(person.role, 'see workflows');
  const workflow = useLive<WorkflowInFull | null>(
    `workflow ${tenant} ${execution.workflow_id} ${seesWorkflows}`,
    async (signal) =>
      seesWorkflows
        ? apiFor(tenant).get<WorkflowInFull>(path('workflows', execution.workflow_id), {}, signal)
        : null,
    null,
  );
  const deployed = workflow.data;
  const outline = deployed?.version === execution.workflow_version ? deployed.outline : [];
  return (
    <>
      <Patterns />
      <Boundary what="the status">
        <Banner execution={execution} />
        <Halts execution={execution} role={person.role} />
      </Boundary>
      <div class="columns wide-left">
        <div>
          <Box title="Execution">
            <Facts execution={execution} role={person.role} />
          </Box>
          <Box title="Timeline">
            <Timeline execution={execution} now={Date.now()} />
          </Box>
          <Box title="Steps">
            <Steps execution={execution} outline={outline} />
          </Box>
          <Boundary what="questions">
            <Questions execution={execution} />
          </Boundary>
          <Box title="Story">
            <Story
              id={execution.execution_id}
              status={execution.status}
              startedAt={execution.started_at}
              steps={execution.steps}
              tenant={route.tenant}
            />
          </Box>
        </div>
        <div>
          {seesWorkflows && (
            <Box title="Graph">
              <ExecutionGraph execution={execution} workflow={workflow} />
            </Box>
          )}
          <Boundary what="the input">
            <Input execution={execution} />
          </Boundary>
          <Boundary what="the output">
            <Output execution={execution} />
          </Boundary>
          {seesWorkflows && (
            <Boundary what="budgets">
              <Budgets workflow={execution.workflow_id} tenant={tenant} />
            </Boundary>
          )}
        </div>
      </div>
    </>
  );
}

interface GraphProps {
  execution: Recorded;
  workflow: Live<WorkflowInFull | null>;
}

function ExecutionGraph({ execution, workflow }: GraphProps) {
  const states = statesOf(execution);
  return (
    <Answer live={workflow} what="the workflow">
      {(deployed) =>
        deployed && (
          <>
            {deployed.version !== execution.workflow_version && (
              <p class="soft">
                The graph is of version {deployed.version}, which is deployed. The execution has
                version {execution.workflow_version}.
              </p>
            )}
            <Graph
              nodes={deployed.outline}
              label={inWords(execution.workflow_id, states)}
              stateOf={(name) => states.get(name)}
            />
          </>
        )
      }
    </Answer>
  );
}
