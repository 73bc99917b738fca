// A time in the reader's zone with UTC on hover, or in UTC with the local time on hover.
import { useEffect, useState } from 'preact/hooks';
import { local, relative, utc, zone } from '../lib/format';
import { timeZone } from '../preferences';

interface Props {
  at: string | Date;
  // Shows the distance from now, such as `2 min ago`.
  distance?: boolean;
}

export function Time({ at, distance = false }: Props) {
  const date = at instanceof Date ? at : new Date(at);
  const now = useNow(distance);
  if (Number.isNaN(date.getTime())) return <span>{String(at)}</span>;
  const localText = `${local(date)} ${zone(date)}`;
  const inUtc = timeZone() === 'UTC';
  const text = inUtc ? utc(date) : local(date);
  const other = inUtc ? localText : utc(date);
  return (
    <time dateTime={date.toISOString()} title={distance ? `${utc(date)} · ${localText}` : other}>
      {distance ? relative(date, now) : text}
    </time>
  );
}

// The time now and its zone, to which a reader compares the times of a page.
export function Clock() {
  const now = useNow(true);
  const text = timeZone() === 'UTC' ? utc(now) : `${local(now)} ${zone(now)}`;
  // Seconds and the day are left out, since a reader compares minutes.
  return <span class="clock">{text.replace(/^\S+ (\d\d:\d\d):\d\d/, '$1')}</span>;
}

// The time now, of the page's last quarter minute.
function useNow(running: boolean): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(new Date()), 15_000);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}
