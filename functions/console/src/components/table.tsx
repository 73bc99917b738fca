// A table of rows with named columns. On a narrow screen each row becomes a card.
import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  title: string;
  cell: (row: Row) => ComponentChildren;
  // Numbers are set so that their digits align.
  number?: boolean;
  // The column that names the row.
  heads?: boolean;
  // A column of names, which has room for one in two lines.
  names?: boolean;
}

interface Props<Row> {
  // The sentence that names the table to a screen reader.
  caption: string;
  columns: ReadonlyArray<Column<Row> | false>;
  rows: readonly Row[];
  keyOf: (row: Row) => string;
}

export function Table<Row>({ caption, columns, rows, keyOf }: Props<Row>) {
  const shown = columns.filter((column) => column !== false);
  return (
    <table class="rows">
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          {shown.map((column) => (
            <th key={column.title} scope="col" class={classOf(column)}>
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {shown.map((column) => (
              <Cell key={column.title} column={column} row={row} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function classOf<Row>({ number, names }: Column<Row>): string | undefined {
  if (number) return 'number';
  return names ? 'names' : undefined;
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const content = (
    <>
      <span class="title" aria-hidden="true">
        {column.title}
      </span>
      <span class="value">{column.cell(row)}</span>
    </>
  );
  const name = classOf(column);
  return column.heads ? (
    <th scope="row" class={name}>
      {content}
    </th>
  ) : (
    <td class={name}>{content}</td>
  );
}
