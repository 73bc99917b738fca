// Statuses as a word, a shape and a colour, so that none of them is needed to read the others.

import { stepWord, type Tone, type Word, wordOf } from '../lib/words';

const SHAPES: Readonly<Record<Tone, string>> = {
  good: 'M4.5 8.5l2.5 2.5 4.5-5.5',
  undone: 'M5 6.5h4a2.3 2.3 0 0 1 0 4.6H7.2M7 4.4L4.8 6.5 7 8.6',
  part: 'M8 4.2v4.6M8 11.4v.2',
  bad: 'M5.3 5.3l5.4 5.4M10.7 5.3l-5.4 5.4',
  none: 'M5 8h6',
  busy: 'M6.5 5l4.5 3-4.5 3z',
  waiting: 'M6.3 5v6M9.7 5v6',
};

export function Shape({ tone }: { tone: Tone }) {
  return (
    <svg class="shape" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <circle cx="8" cy="8" r="7.5" />
      <path d={SHAPES[tone]} />
    </svg>
  );
}

export function Mark({ word }: { word: Word }) {
  return (
    <span class={`mark ${word.tone}`}>
      <Shape tone={word.tone} />
      {word.text}
    </span>
  );
}

export function Status({ status }: { status: string }) {
  return <Mark word={wordOf(status)} />;
}

interface StepProps {
  status: string;
  // The number of its attempts, where it is known.
  attempts?: number;
}

export function StepStatus({ status, attempts }: StepProps) {
  return <Mark word={stepWord(status, attempts)} />;
}

// The head of an execution: its status large, with a sentence.
export function StatusBanner({ status, children }: { status: string; children: string }) {
  const word = wordOf(status);
  return (
    <div class={`status ${word.tone}`} role="status">
      <Shape tone={word.tone} />
      <p>
        <strong>{word.text}</strong>
        {children}
      </p>
    </div>
  );
}
