// What an action would do, as the API computes it: what is undone in which order, what remains,
// and what runs.
import type { Action, ActionEffect } from '../api/types';
import { counted } from '../lib/format';
import { stepWord } from '../lib/words';
import { Name } from './name';
import { Time } from './time';

// The kept effects that are shown before the reader asks for all.
const MOST_KEPT = 5;

const labelOf = (effect: ActionEffect) =>
  effect.item ? `${effect.step} [${effect.item}]` : effect.step;

interface Props {
  action: Action;
  // The level of headings at its place.
  heading?: 'h3' | 'h4';
}

export function Effects({ action, heading: Heading = 'h3' }: Props) {
  return (
    <>
      {action.refusal && (
        <p class="problem part">
          <strong>Not possible now:</strong> {action.refusal.message}
        </p>
      )}
      <p>{action.effect}</p>
      {action.undoes.length > 0 && (
        <>
          <Heading>Is undone, in this order</Heading>
          <ol>
            {action.undoes.map((effect) => (
              <li key={labelOf(effect)}>
                <Named effect={effect} />
              </li>
            ))}
          </ol>
        </>
      )}
      {action.cannot_undo.length > 0 && (
        <>
          <Heading>Remains</Heading>
          <ul>
            {action.cannot_undo.map((effect) => (
              <li key={labelOf(effect)}>
                <Named effect={effect} />
                {effect.why && `: ${effect.why}`}
              </li>
            ))}
          </ul>
        </>
      )}
      {action.continues && <Continues continues={action.continues} />}
      {action.waits_until && (
        <p>
          An attempt may be at work until <Time at={action.waits_until} />. The undo waits for it.
        </p>
      )}
    </>
  );
}

function Named({ effect }: { effect: ActionEffect }) {
  return (
    <>
      <strong>
        <Name text={labelOf(effect)} />
      </strong>{' '}
      ({effect.action}, {stepWord(effect.state).text}
      {effect.certainty === 'possible' && ', its effect is possible'})
    </>
  );
}

function Continues({ continues }: { continues: NonNullable<Action['continues']> }) {
  const { runs, keeps, version, first } = continues;
  return (
    <>
      {runs.length > 0 ? (
        <p>
          Then runs:{' '}
          <strong>
            <Name text={runs.join(', ')} />
          </strong>{' '}
          (version {version}).
        </p>
      ) : (
        <p>
          It continues with version {version}
          {first ? `, at ${first}` : ''}.
        </p>
      )}
      <Keeps names={keeps.map(labelOf)} />
    </>
  );
}

// The effects that are kept. Many are folded, so that the choices stay side by side.
function Keeps({ names }: { names: readonly string[] }) {
  if (names.length === 0) return null;
  const all = <Name text={names.join(', ')} />;
  if (names.length <= MOST_KEPT) return <p>Keeps: {all}.</p>;
  return (
    <details class="fold">
      <summary>Keeps {counted(names.length, 'effect')}</summary>
      <p>{all}.</p>
    </details>
  );
}
