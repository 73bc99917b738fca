// One question: its text and people, the effects so far, what each choice would do, and the choice.
import { useContext, useState } from 'preact/hooks';
import { apiFor, path } from '../api/client';
import { Problem } from '../api/problem';
import type { Action, Actions, Execution, Question } from '../api/types';
import { Decide, wordOf } from '../components/decide';
import { Effects } from '../components/effects';
import { TargetSaid } from '../components/execution/steps';
import { Page } from '../components/page';
import { QuestionChanged } from '../components/question-changed';
import { Answer, Empty, ProblemView } from '../components/states';
import { Status, StepStatus } from '../components/status';
import { ChosenTenant } from '../components/tenant';
import { Time } from '../components/time';
import { short } from '../lib/format';
import { blockOf, changesOf, identityOf } from '../lib/question';
import { useLive } from '../live';
import type { PageProps } from '../pages';
import { may } from '../roles';
import { address } from '../router';
import { deciders } from './inbox';

const EVERY_MS = 5000;

interface Loaded {
  execution: Execution;
  actions: readonly Action[];
}

export function QuestionPage({ route, person }: PageProps) {
  const [, id = '', step = ''] = route.path;
  const [note, setNote] = useState<string>();
  const [problem, setProblem] = useState<Problem>();
  const live = useLive<Loaded>(
    `question ${id} ${step} ${route.tenant ?? ''}`,
    (signal) => loaded(route.tenant, id, signal),
    EVERY_MS,
  );
  const asked = live.data?.execution.questions.findLast((question) => question.step === step);
  return (
    <Page
      title={`${asked?.kind === 'approval' ? 'Approve' : 'Decide'} ${step}`}
      kind={live.data ? `Question of ${live.data.execution.workflow_id}` : 'Question'}
    >
      {note && (
        <p class="status good" role="status">
          {note}
        </p>
      )}
      {problem && <ProblemView problem={problem} sent />}
      <Answer live={live} what="the question">
        {({ execution, actions }) => (
          <Decision
            execution={execution}
            step={step}
            actions={actions.filter((one) => one.step === step)}
            tenant={route.tenant}
            decides={may(person.role, 'decide what an execution waits for')}
            onNote={setNote}
            onProblem={setProblem}
            onDone={live.reload}
          />
        )}
      </Answer>
    </Page>
  );
}

interface Choice {
  decision: string;
  // The question as it was read: another one of the same step must not be decided in its place.
  question: Question;
  // The execution in which it was read.
  execution: Execution;
  // True once it was requested. Its dialog then stays for the answer, even if the question is over.
  sent?: boolean;
  // True if the API refused the request.
  refused?: boolean;
}

interface DecisionProps {
  execution: Execution;
  step: string;
  actions: readonly Action[];
  tenant: string | undefined;
  decides: boolean;
  onNote: (said: string | undefined) => void;
  onProblem: (problem: Problem | undefined) => void;
  onDone: () => void;
}

function Decision(props: DecisionProps) {
  const { execution, step, actions, tenant, decides, onNote, onProblem, onDone } = props;
  const [choice, setChoice] = useState<Choice>();
  const question = openQuestion(execution, step);
  const same = choice && question && identityOf(choice.question) === identityOf(question);
  const open = choice && (same || choice.sent) ? choice : undefined;
  // An answer that comes after another choice closes nothing.
  const close = ({ question, decision }: Choice, said: string | undefined) => {
    setChoice((now) => (now?.question === question && now.decision === decision ? undefined : now));
    if (said) onNote(said);
    onDone();
  };
  const block = blockOf({
    asks: question !== undefined,
    same: Boolean(same),
    refused: Boolean(choice?.refused),
  });
  const changes = choice && question && !same ? changesOf(choice, { question, execution }) : [];
  return (
    <>
      {choice && !open && <QuestionChanged asks={question !== undefined} changes={changes} />}
      {question ? (
        <>
          <What execution={execution} question={question} tenant={tenant} />
          <EffectsSoFar execution={execution} />
        </>
      ) : (
        <Over execution={execution} step={step} />
      )}
      {question && decides && (
        <Choices
          question={question}
          actions={actions}
          onChoose={(decision) => {
            onNote(undefined);
            onProblem(undefined);
            setChoice({ decision, question, execution });
          }}
        />
      )}
      {open && (
        <Decide
          key={identityOf(open.question) + open.decision}
          execution={execution}
          question={open.question}
          decision={open.decision}
          block={block}
          changes={changes}
          action={same ? actions.find((one) => one.decision === open.decision) : undefined}
          tenant={tenant}
          onSend={() => {
            onProblem(undefined);
            setChoice((now) => now && { ...now, sent: true, refused: false });
          }}
          onProblem={onProblem}
          onRefused={() => {
            setChoice((now) => now && { ...now, refused: true });
            onDone();
          }}
          onClose={(said) => close(open, said)}
        />
      )}
    </>
  );
}

async function loaded(
  tenant: string | undefined,
  id: string,
  signal: AbortSignal,
): Promise<Loaded> {
  const api = apiFor(tenant);
  const [execution, actions] = await Promise.all([
    api.get<Execution>(path('executions', id), {}, signal),
    actionsOf(api.get<Actions>(path('executions', id, 'actions'), {}, signal)),
  ]);
  return { execution, actions };
}

// An approver may not see what else could be done with an execution.
async function actionsOf(answer: Promise<Actions>): Promise<readonly Action[]> {
  try {
    return (await answer).actions;
  } catch (error) {
    if (error instanceof Problem && (error.kind === 'missing' || error.kind === 'forbidden'))
      return [];
    throw error;
  }
}

function openQuestion(execution: Execution, step: string): Question | undefined {
  return execution.questions.find(
    (question) => question.step === step && question.status === 'OPEN',
  );
}

function Over({ execution, step }: { execution: Execution; step: string }) {
  const tenant = useContext(ChosenTenant);
  const last = execution.questions.findLast((question) => question.step === step);
  return (
    <Empty>
      <h2>This question is over</h2>
      <p>
        {last
          ? `It is ${last.status.toLowerCase()}. `
          : 'The execution asks nothing of this name. '}
        The execution: <Status status={execution.status} />
      </p>
      <ol class="votes">
        {last?.votes.map((vote) => (
          <Vote key={vote.by} vote={vote} />
        ))}
      </ol>
      <p>
        <a href={address(['inbox'], { tenant })}>Back to the inbox</a>
      </p>
    </Empty>
  );
}

interface Shown {
  execution: Execution;
  question: Question;
  tenant: string | undefined;
}

function What({ execution, question, tenant }: Shown) {
  return (
    <section class="box">
      {execution.subject && <p class="subject">{execution.subject}</p>}
      {question.message && <p class="asks">{question.message}</p>}
      <dl class="facts">
        {(execution.shown ?? []).map((field) => (
          <Fact key={field.label} name={field.label}>
            {field.value}
          </Fact>
        ))}
        <Fact name="Workflow">
          {execution.workflow_id}, version {execution.workflow_version}
        </Fact>
        <Fact name="Tenant">{execution.tenant}</Fact>
        <Fact name="Execution">
          <a href={address(['executions', execution.execution_id], { tenant })}>
            {short(execution.execution_id)}
          </a>
        </Fact>
        <Fact name="Requested by">{execution.requested_by ?? `trigger ${execution.trigger}`}</Fact>
        <Fact name="Started">
          <Time at={execution.started_at} />
        </Fact>
        <Fact name="Decided by">{deciders(question)}</Fact>
        <Fact name="Expires">
          <Time at={question.until} distance />
          <div class="soft">
            <Time at={question.until} />
          </div>
        </Fact>
      </dl>
      <p class="soft">Without a decision until it expires, the execution is rolled back.</p>
      {question.votes.length > 0 && (
        <>
          <h2>Votes so far</h2>
          <ol class="votes">
            {question.votes.map((vote) => (
              <Vote key={vote.by} vote={vote} />
            ))}
          </ol>
        </>
      )}
    </section>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Vote({ vote }: { vote: Question['votes'][number] }) {
  return (
    <li>
      <strong>{vote.by}</strong>: {vote.decision}
      {vote.group && ` for ${vote.group}`}
      {vote.acting_for && ` in the place of ${vote.acting_for}`}, <Time at={vote.at} />
      {vote.reason && <p class="reason">{vote.reason}</p>}
    </li>
  );
}

// The effects so far, and the last answer of a step that failed.
function EffectsSoFar({ execution }: { execution: Execution }) {
  const begun = execution.steps.filter((step) => step.attempts.length > 0);
  const decided = execution.questions.filter((question) => question.decision);
  return (
    <section class="box">
      <h2>What has happened so far</h2>
      {begun.length === 0 && <p>No step has run yet: there is nothing to undo.</p>}
      <ul class="stands">
        {decided.map(({ step, decision }) => (
          <li key={`${step} ${decision?.at}`}>
            <strong>{step}</strong>: {decision?.decision} by {decision?.by},{' '}
            <Time at={decision?.at ?? ''} />
            {decision?.reason && <p class="reason">{decision.reason}</p>}
          </li>
        ))}
        {begun.map((step) => {
          const last = step.attempts.at(-1);
          return (
            <li key={`${step.name} ${step.item ?? ''}`}>
              <strong>{step.name}</strong>
              {step.item && ` (${step.item})`} <StepStatus status={step.status} />{' '}
              <span class="soft">
                {step.action},{' '}
                {step.attempts.length === 1 ? 'one attempt' : `${step.attempts.length} attempts`}
              </span>
              {last?.error && <p class="reason">{last.error}</p>}
              {last?.answer && <TargetSaid answer={last.answer} />}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

interface ChoicesProps {
  question: Question;
  // What each decision would do; empty for a person who may not see it.
  actions: readonly Action[];
  onChoose: (decision: string) => void;
}

// The choices side by side, each with what it would do.
function Choices({ question, actions, onChoose }: ChoicesProps) {
  return (
    <section class="box">
      <h2>Your decision</h2>
      <ul class="choices">
        {question.decisions.map((decision) => {
          const action = actions.find((one) => one.decision === decision);
          return (
            <li key={decision}>
              <h3>{wordOf(decision)}</h3>
              {action && <Effects action={action} heading="h4" />}
              {action?.allowed !== false && (
                <button type="button" onClick={() => onChoose(decision)}>
                  {wordOf(decision)} …
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
