// What a start must satisfy: guardrails, hours, freezes, approval, budgets and limits.
import type { Guardrail } from '../../api/shapes';
import type { Definition } from '../../api/types';
import { Json } from '../code';

const NAMES: Readonly<Record<string, string>> = {
  hours: 'Hours in which a start is admitted',
  freeze: 'Freezes, in which no start is admitted',
  approval: 'Approval by a system outside',
  unsigned_approvals: 'Approvals without a signature are admitted',
  budget: 'Budgets',
  when_paused: 'A start during a pause',
  concurrent_executions: 'Executions at once, at most',
  starts_per_minute: 'Starts a minute, at most',
};

export function Conditions({ definition }: { definition: Definition }) {
  const guardrails = definition.guardrails as Guardrail[];
  const demands = Object.entries(definition.demands);
  return (
    <>
      <ul>
        <li>The input follows the schema below.</li>
        {guardrails.map((guardrail) => (
          <li key={guardrail.name}>
            <strong>{guardrail.name}</strong>
            {guardrail.message && `: ${guardrail.message}`}
          </li>
        ))}
        {demands.map(([name, value]) => (
          <li key={name}>
            {NAMES[name] ?? name}: <Value value={value} />
          </li>
        ))}
      </ul>
      <details class="fold">
        <summary>JSON Schema of the input</summary>
        <Json value={definition.input} />
      </details>
    </>
  );
}

// A condition in a line, or each entry of a list in a line of its own.
function Value({ value }: { value: unknown }) {
  if (Array.isArray(value)) {
    return (
      <ul>
        {value.map((each) => (
          <li key={JSON.stringify(each)}>{inLine(each)}</li>
        ))}
      </ul>
    );
  }
  return <>{inLine(value)}</>;
}

function inLine(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const members = Object.entries(value).filter(([, each]) => each !== null);
  return members
    .map(([name, each]) => `${name} ${Array.isArray(each) ? each.join(', ') : String(each)}`)
    .join('; ');
}
