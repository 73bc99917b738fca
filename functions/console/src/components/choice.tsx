// A choice among a few words, as a row of radio buttons.

interface Props<T extends string> {
  name: string;
  all: readonly T[];
  value: T;
  onChange: (value: T) => void;
}

export function Choice<T extends string>({ name, all, value, onChange }: Props<T>) {
  return (
    <fieldset class="choice">
      <legend>{name}</legend>
      {all.map((each) => (
        <label key={each}>
          <input
            type="radio"
            name={name}
            checked={each === value}
            onChange={() => onChange(each)}
          />
          <span>{each}</span>
        </label>
      ))}
    </fieldset>
  );
}
