// The line that says that a choice was dropped, since its question is no more, and the changes.
import { useEffect, useRef } from 'preact/hooks';
import type { Change } from '../lib/question';
import { Table } from './table';
import { Time } from './time';

interface Props {
  // False if nothing is asked any more.
  asks: boolean;
  changes: readonly Change[];
}

// Takes the focus, which was in the dialog that is gone.
export function QuestionChanged({ asks, changes }: Props) {
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => line.current?.focus(), []);
  return (
    <div ref={line} class="problem part" role="alert" tabIndex={-1}>
      <strong>{asks ? 'The step asks another question now.' : 'The question is over.'}</strong>
      <p>{asks && 'Your choice was of the one before. '}Nothing was sent.</p>
      <Changes changes={changes} />
    </div>
  );
}

// What is different since the question was read.
export function Changes({ changes }: { changes: readonly Change[] }) {
  if (changes.length === 0) return null;
  const value = (text: string, time = false) => (time ? <Time at={text} /> : text || 'none');
  return (
    <Table
      caption="What is different since you read the question"
      columns={[
        { title: 'Changed', heads: true, cell: (row) => row.what },
        { title: 'As you read it', cell: (row) => value(row.before, row.time) },
        { title: 'Now', cell: (row) => value(row.now, row.time) },
      ]}
      rows={changes}
      keyOf={(row) => row.what}
    />
  );
}
