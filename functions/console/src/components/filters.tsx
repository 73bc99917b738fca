// A bar of filters. What is chosen is part of the page's address.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { address, open, type Route } from '../router';

// Changes one member of the address and keeps the others.
export function setFilter(route: Route, name: string, value: string): void {
  open(address(route.path, { ...route.query, [name]: value || undefined }), true);
}

export function Filters({ children }: { children: ComponentChildren }) {
  return (
    <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      {children}
    </form>
  );
}

interface FieldProps {
  route: Route;
  name: string;
  title: string;
}

interface SelectProps extends FieldProps {
  // Values with their texts; the first is what no filter means.
  options: ReadonlyArray<readonly [string, string]>;
}

export function SelectFilter({ route, name, title, options }: SelectProps) {
  const value = route.query[name] ?? '';
  const known = options.some(([each]) => each === value);
  return (
    <label>
      <span>{title}</span>
      <select value={value} onChange={(event) => setFilter(route, name, event.currentTarget.value)}>
        {options.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
        {!known && <option value={value}>{value}</option>}
      </select>
    </label>
  );
}

interface TextProps extends FieldProps {
  hint?: string;
}

// A text takes effect when the reader leaves the field or presses Enter.
export function TextFilter({ route, name, title, hint }: TextProps) {
  const value = route.query[name] ?? '';
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const apply = () => {
    if (text.trim() !== value) setFilter(route, name, text.trim());
  };
  return (
    <label>
      <span>{title}</span>
      <input
        type="search"
        value={text}
        placeholder={hint}
        onInput={(event) => setText(event.currentTarget.value)}
        onBlur={apply}
        onKeyDown={(event) => event.key === 'Enter' && apply()}
        onSearch={apply}
      />
    </label>
  );
}

// A time of the reader's zone; the address has it in UTC.
export function TimeFilter({ route, name, title }: FieldProps) {
  const value = route.query[name];
  return (
    <label>
      <span>{title}</span>
      <input
        type="datetime-local"
        value={value ? forInput(new Date(value)) : ''}
        onChange={(event) => {
          const { value: typed } = event.currentTarget;
          const at = typed ? new Date(typed) : undefined;
          setFilter(route, name, at && !Number.isNaN(at.getTime()) ? at.toISOString() : '');
        }}
      />
    </label>
  );
}

function forInput(at: Date): string {
  if (Number.isNaN(at.getTime())) return '';
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
