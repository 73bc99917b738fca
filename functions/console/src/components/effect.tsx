// What an action would do, as the API answers it before anything is requested.
import type { Action, Effect } from '../api/shapes';
import { StepStatus } from './status';
import { Time } from './time';

export function EffectView({ action }: { action: Action }) {
  const { continues } = action;
  return (
    <>
      <p>{action.effect}</p>
      {action.refusal && (
        <p class="problem bad">
          <strong>Not possible now.</strong> {action.refusal.message}
        </p>
      )}
      {action.waits_until && (
        <p>
          An attempt may be at work until <Time at={action.waits_until} />. It waits for that.
        </p>
      )}
      <Effects title="Undoes, in this order" effects={action.undoes} />
      <Effects title="Cannot undo, and leaves" effects={action.cannot_undo} />
      {continues && (
        <>
          <Effects title="Keeps" effects={continues.keeps} />
          <h3>
            Runs, in version {continues.version}, from {continues.first}
          </h3>
          <ol>
            {continues.runs.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
        </>
      )}
    </>
  );
}

function Effects({ title, effects }: { title: string; effects: readonly Effect[] }) {
  if (effects.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ol>
        {effects.map((effect) => (
          <li key={`${effect.step} ${effect.item ?? ''}`}>
            <strong>{effect.step}</strong>
            {effect.item && ` (${effect.item})`} by {effect.action}{' '}
            <StepStatus status={effect.state} />
            {effect.certainty === 'possible' && ' possibly applied'}
            {effect.why && <div class="soft">{effect.why}</div>}
          </li>
        ))}
      </ol>
    </>
  );
}
