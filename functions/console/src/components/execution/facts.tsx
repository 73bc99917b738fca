// The facts of an execution, and why it failed.
import type { ComponentChildren } from 'preact';
import type { Execution } from '../../api/types';
import { lasted } from '../../lib/format';
import { errorWord } from '../../lib/words';
import { may } from '../../roles';
import { Copy } from '../code';
import { IncidentLink, WorkflowLink } from '../links';
import { Time } from '../time';

export function Facts({ execution, role }: { execution: Execution; role: string }) {
  const { tenant, ended_at: ended } = execution;
  const took = ended ? Date.parse(ended) - Date.parse(execution.started_at) : undefined;
  const asked = execution.questions.map((question) => question.incident);
  const incidents = [...new Set([...execution.incidents, ...asked])];
  return (
    <>
      <dl class="facts">
        {execution.subject && <Fact name="Subject">{execution.subject}</Fact>}
        {execution.shown?.map((field) => (
          <Fact key={field.label} name={field.label}>
            {field.value}
          </Fact>
        ))}
        <Fact name="Tenant">{tenant}</Fact>
        <Fact name="Workflow">
          {may(role, 'see workflows') ? (
            <WorkflowLink id={execution.workflow_id} tenant={tenant} />
          ) : (
            execution.workflow_id
          )}
          , version {execution.workflow_version}
        </Fact>
        <Fact name="Trigger">{execution.trigger}</Fact>
        {execution.requested_by && <Fact name="Requested by">{execution.requested_by}</Fact>}
        <Fact name="Began">
          <Time at={execution.started_at} />
        </Fact>
        {ended ? (
          <>
            <Fact name="Ended">
              <Time at={ended} />
            </Fact>
            {/* A redrive or a rollback ends long after the work. */}
            {execution.generation === 0 && <Fact name="Took">{lasted(took ?? 0)}</Fact>}
          </>
        ) : (
          <Fact name="Deadline">
            <Time at={execution.deadline} /> (<Time at={execution.deadline} distance />)
          </Fact>
        )}
        {execution.generation > 0 && <Fact name="Generation">{execution.generation}</Fact>}
        <Fact name="Refused repeats of its start">{execution.duplicates_prevented}</Fact>
        {incidents.length > 0 && may(role, 'see incidents') && (
          <Fact name={incidents.length === 1 ? 'Incident' : 'Incidents'}>
            {incidents.map((path) => (
              <div key={path}>
                <IncidentLink path={path} tenant={tenant} />
              </div>
            ))}
          </Fact>
        )}
        {execution.residual_effects?.length ? (
          <Fact name="Effects that remain, or may remain" wide>
            {execution.residual_effects.map((effect) => (
              <div key={effect.idempotency_key}>
                {effect.step} ({effect.action}) {effect.certain ? 'remains' : 'may remain'}
              </div>
            ))}
          </Fact>
        ) : null}
        <Fact name="Execution" wide>
          <code>{execution.execution_id}</code> <Copy text={execution.execution_id} what="the id" />
        </Fact>
        <Fact name="Trace, in logs and in requests to targets" wide>
          <code>{execution.trace_id}</code>
        </Fact>
      </dl>
      <Cause execution={execution} />
    </>
  );
}

interface FactProps {
  name: string;
  wide?: boolean;
  children: ComponentChildren;
}

export function Fact({ name, wide = false, children }: FactProps) {
  return (
    <div class={wide ? 'wide' : undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

// The failure, the last redrive, and the guardrails that did not hold.
function Cause({ execution }: { execution: Execution }) {
  const { failure, redriven } = execution;
  const failed = execution.guardrails.filter((guardrail) => !guardrail.held);
  // A guardrail that did not hold is the failure.
  const ownFailure = failed.length === 0 ? failure : undefined;
  return (
    <>
      {ownFailure && (
        <div class="problem bad">
          <strong>
            {ownFailure.state} {errorWord(ownFailure.error)}
          </strong>{' '}
          (<code>{ownFailure.error}</code>)
          {ownFailure.requested_by && `, by ${ownFailure.requested_by}`}
          {ownFailure.reason && <p>{ownFailure.reason}</p>}
        </div>
      )}
      {failed.map((guardrail) => (
        <div class="problem bad" key={guardrail.name}>
          <strong>Guardrail {guardrail.name} refused the start</strong>
          {guardrail.message && <p>{guardrail.message}</p>}
        </div>
      ))}
      {redriven && (
        <p class="reason">
          Redriven by {redriven.by}, <Time at={redriven.at} />
          {redriven.reason && `: ${redriven.reason}`}
        </p>
      )}
    </>
  );
}
