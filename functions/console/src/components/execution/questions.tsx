// What an execution waits for, and the questions that it put to people.
import { useContext } from 'preact/hooks';
import type { Execution, Question, VoteView } from '../../api/types';
import { may } from '../../roles';
import { address } from '../../router';
import { IncidentLink } from '../links';
import { ChosenTenant } from '../tenant';
import { Time } from '../time';

// Says what stops an open execution: people who have not decided, or a control.
export function Halts({ execution, role }: { execution: Execution; role: string }) {
  const { waiting, paused, tenant } = execution;
  const chosen = useContext(ChosenTenant);
  return (
    <>
      {waiting && (
        <div class="problem waiting">
          <strong>{waiting.step} waits for people</strong>
          <p>
            {waiting.by.length > 0
              ? `Groups: ${waiting.by.join(', ')}. `
              : 'A platform admin decides. '}
            {waiting.count > 1 && `${waiting.votes} of ${waiting.count} have decided. `}
            It expires <Time at={waiting.until} distance /> (<Time at={waiting.until} />
            ).
          </p>
          <p>
            <a href={address(['inbox', execution.execution_id, waiting.step], { tenant })}>
              Open the question
            </a>
          </p>
        </div>
      )}
      {paused && (
        <div class="problem waiting">
          <strong>Paused: {paused.scope}</strong>
          <p>
            By {paused.by}, since <Time at={paused.since} />
            {paused.reason && `: ${paused.reason}`}
          </p>
          {may(role, 'see what is paused') && (
            <p>
              <a href={address(['controls'], { tenant: chosen })}>Open the controls</a>
            </p>
          )}
        </div>
      )}
    </>
  );
}

export function Questions({ execution }: { execution: Execution }) {
  if (execution.questions.length === 0) return null;
  return (
    <section class="box">
      <h2>Questions to people</h2>
      {execution.questions.map((question) => (
        <One
          key={`${question.step} ${question.incident}`}
          question={question}
          tenant={execution.tenant}
        />
      ))}
    </section>
  );
}

function One({ question, tenant }: { question: Question; tenant: string }) {
  const { decision } = question;
  return (
    <div class="entry">
      <p>
        <strong>{question.step}</strong> ({question.kind}, {question.status.toLowerCase()}){' '}
        <IncidentLink path={question.incident} tenant={tenant} />
      </p>
      {question.message && <p class="reason">{question.message}</p>}
      {question.votes.map((vote) => (
        <p key={`${vote.by} ${vote.at}`}>
          <Vote vote={vote} />
        </p>
      ))}
      {decision && question.votes.length === 0 && (
        <p>
          {decision.decision} by {decision.by}, <Time at={decision.at} />
          {decision.reason && `: ${decision.reason}`}
        </p>
      )}
      {question.status === 'OPEN' && (
        <p class="soft">
          Until <Time at={question.until} />
        </p>
      )}
    </div>
  );
}

function Vote({ vote }: { vote: VoteView }) {
  return (
    <>
      {vote.decision} by {vote.by}
      {vote.group && ` for ${vote.group}`}
      {vote.acting_for && `, in the place of ${vote.acting_for}`}, <Time at={vote.at} />
      {vote.reason && `: ${vote.reason}`}
    </>
  );
}
