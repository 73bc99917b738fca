// The field for the reason of a request.

interface Props {
  value: string;
  // The longest reason, in characters.
  longest: number;
  // Where the reason is recorded.
  note: string;
  onInput: (value: string) => void;
}

export function Reason({ value, longest, note, onInput }: Props) {
  return (
    <label class="field">
      <span>Reason</span>
      <textarea
        required
        rows={2}
        maxLength={longest}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <small>{note}</small>
    </label>
  );
}
