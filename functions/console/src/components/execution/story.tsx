// The story of an execution: its audit events in order, as they grow.
import { apiFor, path } from '../../api/client';
import type { StoryEvent } from '../../api/shapes';
import type { Step, Story as StoryAnswer } from '../../api/types';
import { offset } from '../../lib/format';
import { isOpen } from '../../lib/states';
import { itemsOf, sentenceOf } from '../../lib/story';
import { useLive } from '../../live';
import { Answer } from '../states';
import { Time } from '../time';

const OPEN_EVERY = 3000;
// The newest events that are shown; the command has all.
const MOST_EVENTS = 500;

interface Props {
  id: string;
  status: string;
  startedAt: string;
  // They name the items that events refer to.
  steps: readonly Step[];
  tenant: string | undefined;
}

export function Story({ id, status, startedAt, steps, tenant }: Props) {
  const live = useLive<StoryAnswer>(
    // The end of an execution loads its story once more.
    `story ${tenant} ${id} ${isOpen(status)}`,
    (signal) => apiFor(tenant).get(path('executions', id, 'events'), {}, signal),
    (story) => (isOpen(story.status) ? OPEN_EVERY : null),
  );
  return (
    <Answer live={live} what="the story">
      {(story) => {
        const events = story.events as StoryEvent[];
        const shown = events.slice(-MOST_EVENTS);
        const items = itemsOf(events, steps);
        return (
          <>
            {shown.length < events.length && (
              <p class="soft">
                The newest {MOST_EVENTS} of {events.length} events.
              </p>
            )}
            <ol class="story" aria-live="polite" aria-relevant="additions">
              {shown.map((event) => (
                <li key={event.id}>
                  <Time at={event.time} />
                  <span class="offset">{offset(startedAt, event.time)}</span>
                  <span>{sentenceOf(event, items)}</span>
                </li>
              ))}
            </ol>
          </>
        );
      }}
    </Answer>
  );
}
