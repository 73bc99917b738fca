// Commands of `holdfast` that do what a page does, quoted for a shell.

// Quotes one argument for a POSIX shell.
export function quoted(argument: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(argument)
    ? argument
    : `'${argument.replaceAll("'", `'\\''`)}'`;
}

// A command with its options; options without a value are left out.
export function command(
  words: readonly string[],
  options: Readonly<Record<string, string | number | boolean | undefined>> = {},
): string {
  const given = Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value === '' || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}`, quoted(String(value))];
  });
  return ['holdfast', ...words.map(quoted), ...given].join(' ');
}
