// What needs people now: incidents, questions, pauses.
import type { Control, Count, Statistics } from '../../api/types';
import { may } from '../../roles';
import { address } from '../../router';
import { Time } from '../time';

const numbered = ({ count, more }: Count) =>
  `${count.toLocaleString('en')}${more ? ' or more' : ''}`;

interface Props {
  statistics: Statistics;
  tenant: string | undefined;
  role: string;
}

export function NowFacts({ statistics, tenant, role }: Props) {
  const { now } = statistics;
  return (
    <>
      <section class="box">
        <h2>Now</h2>
        <dl class="facts">
          <div>
            <dt>Open incidents</dt>
            <dd class="large">
              {may(role, 'see incidents') ? (
                <a href={address(['incidents'], { tenant })}>{numbered(now.open_incidents)}</a>
              ) : (
                numbered(now.open_incidents)
              )}
            </dd>
          </div>
          <div>
            <dt>Questions that wait for people</dt>
            <dd class="large">
              <a href={address(['inbox'], { tenant, for: 'tenant' })}>
                {numbered(now.waiting_questions)}
              </a>
            </dd>
          </div>
          <div>
            <dt>Paused</dt>
            <dd class="large">
              <a href={address(['controls'], { tenant })}>
                {now.paused.length === 0 ? 'nothing' : String(now.paused.length)}
              </a>
            </dd>
          </div>
        </dl>
      </section>
      <Pauses paused={now.paused} tenant={tenant} />
    </>
  );
}

function Pauses({ paused, tenant }: { paused: readonly Control[]; tenant: string | undefined }) {
  return (
    <>
      {paused.map((each) => (
        <div class="problem waiting" key={each.scope}>
          <strong>Paused: {each.scope}</strong>
          <p>
            By {each.by}, since {each.at ? <Time at={each.at} /> : 'the start'}
            {each.reason && `: ${each.reason}`}.{' '}
            <a href={address(['controls'], { tenant })}>Controls</a>
          </p>
        </div>
      ))}
    </>
  );
}
