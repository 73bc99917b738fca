// One field of a form from a JSON Schema, with the fields inside it.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import {
  type Draft,
  emptyDraft,
  type FieldProblem,
  isObject,
  kindOf,
  membersOf,
  resolve,
  type Schema,
} from '../../lib/schema';

interface Props {
  root: Schema;
  schema: Schema;
  draft: Draft | undefined;
  onChange: (draft: Draft) => void;
  problems: readonly FieldProblem[];
  pointer: string;
  name: string;
  required: boolean;
  depth: number;
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
const escaped = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');

export function SchemaField(props: Props) {
  switch (kindOf(props.root, props.schema, props.depth)) {
    case 'group':
      return <Group {...props} />;
    case 'list':
      return <List {...props} />;
    case 'fixed':
      return null;
    default:
      return <Single {...props} />;
  }
}

// The problems of one place, for the field that has no fields inside.
function Problems({ id, pointer, problems }: { id: string } & Pick<Props, 'pointer' | 'problems'>) {
  const own = problems.filter((problem) => problem.pointer === pointer);
  if (own.length === 0) return null;
  return (
    <span class="wrong" id={id}>
      {own.map((problem) => problem.message).join('; ')}
    </span>
  );
}

function Group(props: Props) {
  const { root, draft, onChange, pointer, name, required, depth, problems } = props;
  const schema = resolve(root, props.schema);
  const drafts = isObject(draft) ? (draft as Record<string, Draft>) : {};
  const id = useId();
  const members = membersOf(schema).map((member) => (
    <SchemaField
      key={member.name}
      root={root}
      schema={member.schema}
      draft={drafts[member.name]}
      onChange={(changed) => onChange({ ...drafts, [member.name]: changed })}
      problems={problems}
      pointer={`${pointer}/${escaped(member.name)}`}
      name={member.name}
      required={member.required}
      depth={depth + 1}
    />
  ));
  const about = <Problems id={id} pointer={pointer} problems={problems} />;
  if (depth === 0) {
    return (
      <>
        {about}
        {members.length === 0 && <p class="soft">The input has no members.</p>}
        {members}
      </>
    );
  }
  return (
    <Fieldset name={name} required={required} schema={schema}>
      {about}
      {members}
    </Fieldset>
  );
}

// The frame of a group or a list, with its name and description.
function Fieldset(props: {
  name: string;
  required: boolean;
  schema: Schema;
  children: ComponentChildren;
}) {
  return (
    <fieldset class="group">
      <legend>
        {props.name}
        {!props.required && ' (optional)'}
      </legend>
      <Description schema={props.schema} />
      {props.children}
    </fieldset>
  );
}

function List(props: Props) {
  const { root, draft, onChange, pointer, name, required, depth, problems } = props;
  const schema = resolve(root, props.schema);
  const drafts = Array.isArray(draft) ? draft : [];
  const items = isObject(schema.items) ? schema.items : {};
  const id = useId();
  const most = typeof schema.maxItems === 'number' ? schema.maxItems : Number.POSITIVE_INFINITY;
  const put = (n: number, changed: Draft) =>
    onChange(drafts.map((each, place) => (place === n ? changed : each)));
  return (
    <Fieldset name={name} required={required} schema={schema}>
      <Problems id={id} pointer={pointer} problems={problems} />
      {drafts.map((entry, n) => (
        <div class="item" key={n}>
          <SchemaField
            root={root}
            schema={items}
            draft={entry}
            onChange={(changed) => put(n, changed)}
            problems={problems}
            pointer={`${pointer}/${n}`}
            name={`${name} ${n + 1}`}
            required
            depth={depth + 1}
          />
          <button
            type="button"
            class="plain"
            onClick={() => onChange(drafts.filter((_, place) => place !== n))}
          >
            remove {name} {n + 1}
          </button>
        </div>
      ))}
      <button
        type="button"
        disabled={drafts.length >= most}
        onClick={() => onChange([...drafts, emptyDraft(root, items, depth + 1)])}
      >
        Add one of {name}
      </button>
    </Fieldset>
  );
}

function Single(props: Props) {
  const { root, problems, pointer, name, required, depth } = props;
  const schema = resolve(root, props.schema);
  const id = useId();
  const hint = hintOf(kindOf(root, props.schema, depth), schema);
  const wrong = problems.some((problem) => problem.pointer === pointer);
  const description = textOf(schema.description);
  return (
    <div class="field">
      <label for={id}>
        {textOf(schema.title) ?? name}
        {required ? ' (required)' : ' (optional)'}
      </label>
      <Control {...props} id={id} wrong={wrong} />
      {(description || hint) && (
        <small id={`${id}-about`}>{[description, hint].filter(Boolean).join(' ')}</small>
      )}
      <Problems id={`${id}-wrong`} pointer={pointer} problems={problems} />
    </div>
  );
}

function Description({ schema }: { schema: Schema }) {
  const text = textOf(schema.description);
  return text ? <p class="soft">{text}</p> : null;
}

// The limits of a value in words.
function hintOf(kind: string, schema: Schema): string {
  if (kind === 'json') return 'As JSON.';
  const limits = [
    ['minimum', 'at least'],
    ['exclusiveMinimum', 'more than'],
    ['maximum', 'at most'],
    ['exclusiveMaximum', 'less than'],
  ] as const;
  const words = limits.flatMap(([name, word]) =>
    typeof schema[name] === 'number' ? [`${word} ${schema[name]}`] : [],
  );
  const format = textOf(schema.format);
  if (kind === 'number') return words.length > 0 ? `A number, ${words.join(', ')}.` : 'A number.';
  return format ? `A ${format}.` : '';
}

function Control(props: Props & { id: string; wrong: boolean }) {
  const { id, root, draft, onChange, required, depth, wrong } = props;
  const schema = resolve(root, props.schema);
  const text = typeof draft === 'string' ? draft : '';
  const shared = {
    id,
    value: text,
    required,
    'aria-invalid': wrong,
    'aria-describedby': `${id}-wrong ${id}-about`,
  };
  const kind = kindOf(root, props.schema, depth);
  if (kind === 'choice' || kind === 'boolean') {
    const options =
      kind === 'boolean'
        ? [
            ['true', 'yes'],
            ['false', 'no'],
          ]
        : (schema.enum as unknown[]).map((value, n) => [
            String(n),
            typeof value === 'string' ? value : JSON.stringify(value),
          ]);
    return (
      <select {...shared} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{required ? 'choose …' : 'left out'}</option>
        {options.map(([value, title]) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </select>
    );
  }
  const long = kind === 'json' || (typeof schema.maxLength === 'number' && schema.maxLength > 200);
  if (long) {
    return (
      <textarea {...shared} rows={4} onInput={(event) => onChange(event.currentTarget.value)} />
    );
  }
  return (
    <input
      {...shared}
      inputMode={kind === 'number' ? 'decimal' : undefined}
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
}
