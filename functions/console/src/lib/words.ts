// The words and tones of statuses, as the receipt has them.

export type Tone = 'good' | 'undone' | 'part' | 'bad' | 'none' | 'busy' | 'waiting';

export interface Word {
  text: string;
  tone: Tone;
}

const WORDS: Readonly<Record<string, Word>> = {
  STARTING: { text: 'Starting', tone: 'busy' },
  RUNNING: { text: 'Running', tone: 'busy' },
  WAITING: { text: 'Waiting for people', tone: 'waiting' },
  PAUSED: { text: 'Paused', tone: 'waiting' },
  ROLLING_BACK: { text: 'Rolling back', tone: 'undone' },
  CLOSING: { text: 'Closing', tone: 'busy' },
  EXECUTED: { text: 'Executed', tone: 'good' },
  ROLLED_BACK: { text: 'Rolled back', tone: 'undone' },
  PARTIALLY_ROLLED_BACK: { text: 'Partially rolled back', tone: 'part' },
  FAILED: { text: 'Failed', tone: 'bad' },
  REJECTED: { text: 'Rejected', tone: 'bad' },
};

// The words of a step's state.
const STEPS: Readonly<Record<string, Word>> = {
  RUNNING: { text: 'running', tone: 'busy' },
  WAITING: { text: 'between attempts', tone: 'waiting' },
  ASKING: { text: 'waiting for people', tone: 'waiting' },
  UNKNOWN: { text: 'unknown, may have been applied', tone: 'part' },
  SUCCESS: { text: 'succeeded', tone: 'good' },
  FAILED: { text: 'failed', tone: 'bad' },
  UNDOING: { text: 'being undone', tone: 'undone' },
  UNDONE: { text: 'undone', tone: 'undone' },
  UNDO_FAILED: { text: 'undo failed', tone: 'part' },
  NOT_RUN: { text: 'not run', tone: 'none' },
};

// The engine's names of errors, in words. The pages show the name beside them, for logs and docs.
const ERRORS: Readonly<Record<string, string>> = {
  Aborted: 'its state machine was stopped from outside',
  Approval: 'asks for an approval',
  Cancelled: 'cancelled',
  Declined: 'was declined',
  Escalate: 'has an unknown outcome',
  Expired: 'was not decided in time',
  Lost: 'its Step Functions execution was lost',
  Paused: 'was stopped by a pause',
  Permanent: 'did not succeed',
  Rejected: 'its start was refused',
  Skipped: 'was skipped',
  'States.Timeout': 'ran out of time',
  Transient: 'did not succeed in its attempts',
  Unknown: 'has an unknown outcome',
  Withdrawn: 'withdrawn on request',
};

export const errorWord = (error: string): string => ERRORS[error] ?? `failed with ${error}`;

// The statuses by which a list of executions can be filtered.
export const STATUSES = Object.keys(WORDS).filter((status) => status !== 'STARTING');

export function wordOf(status: string): Word {
  return WORDS[status] ?? { text: status, tone: 'none' };
}

// A step that waits without an attempt has none behind it.
const BEFORE_FIRST: Word = { text: 'before the first attempt', tone: 'waiting' };

// The word of a step's state. `attempts` is left out where they are not known.
export function stepWord(status: string, attempts?: number): Word {
  if (status === 'WAITING' && attempts === 0) return BEFORE_FIRST;
  return STEPS[status] ?? { text: status.toLowerCase(), tone: 'none' };
}
